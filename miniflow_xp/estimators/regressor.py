"""NetworkRegressor: a number of each row, or several."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import column_or_1d

from miniflow_xp import dtypes
from miniflow_xp.backend import Array
from miniflow_xp.data.moments import Moments
from miniflow_xp.estimators.base import NetworkEstimator
from miniflow_xp.estimators.checking import checked_weights
from miniflow_xp.estimators.network import Network
from miniflow_xp.estimators.options import options_of
from miniflow_xp.estimators.places import like
from miniflow_xp.training.evaluation import Metric


class NetworkRegressor(RegressorMixin, NetworkEstimator):
    """A network of dense layers that predicts numbers (n,), or (n, outputs): the squared error is minimised.

    The arguments are those of ``NetworkClassifier``, but for ``class_weight``. ``standardise`` holds for the target,
    too: it is learned with mean 0 and standard deviation 1, and predicted in its own units.
    """

    task = "regression"

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on rows X (n, d) and numbers y (n,) or (n, outputs); returns the estimator."""
        return self._taken("fit", X, y, sample_weight, goes_on=False)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train one epoch on these rows, from where training stands; returns the estimator."""
        return self._taken("partial_fit", X, y, sample_weight, goes_on=True)

    def predict(self, X: Any) -> Array:
        """Numbers of rows X, in the form that y had: (n,) or (n, outputs)."""
        found = self._outputs("predict", X)
        target = self._network.target_moments
        if target is not None:
            found = found * numbers_like(spread_of(target), found) + numbers_like(target.mean, found)
        return found[:, 0] if self._is_column else found

    def _taken(self, method: str, X: Any, y: Any, sample_weight: Any, goes_on: bool) -> Self:
        asked, begins = options_of(self), self._begins(goes_on)
        X, y = self._checked(method, X, y, begins)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        columns = y.reshape(len(y), -1).astype("float64")
        weights = checked_weights(self._said(method), X, sample_weight)
        self._learn(X, columns, weights, columns.shape[1], asked, begins, goes_on)
        self._is_column = y.ndim == 1
        return self

    def _fed(self, network: Network, y: Array) -> Array:
        if network.target_moments is not None:
            spread = spread_of(network.target_moments)
            y = (y - network.target_moments.mean) / np.where(spread == 0, 1.0, spread)
        return y.astype(network.host_dtype)

    def _metric(self, weights: Sequence[Array]) -> Metric:
        def score(predictions: Array, targets: Array) -> float:
            if not np.isfinite(predictions).all():
                return float("nan")
            return float(r2_score(targets, predictions, sample_weight=weights[0] if weights else None))

        return score


def spread_of(target: Moments) -> Array:
    """The standard deviation of each column, 0 of a constant one: its only value is what is predicted."""
    return np.where(target.constant, 0.0, target.deviation)


def numbers_like(numbers: Array, found: Array) -> Array:
    """Host numbers in the library of what was found, and in its dtype where NumPy has it."""
    return like(numbers.astype(dtypes.of_host(dtypes.name_of(found))), found)
