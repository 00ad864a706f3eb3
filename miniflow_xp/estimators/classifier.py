"""NetworkClassifier: the likeliest class of each row, and how likely each is."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from array_api_compat import array_namespace
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils import column_or_1d
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets

from miniflow_xp.backend import Array
from miniflow_xp.checks import shown
from miniflow_xp.errors import LabelError, SettingError
from miniflow_xp.estimators.base import NetworkEstimator
from miniflow_xp.estimators.checking import checked_weights
from miniflow_xp.estimators.network import Network
from miniflow_xp.estimators.options import options_of
from miniflow_xp.estimators.places import like, on_host
from miniflow_xp.training.evaluation import Metric
from miniflow_xp.training.usual import BATCH_SIZE, EPOCHS, HIDDEN, OPTIMIZER


class NetworkClassifier(ClassifierMixin, NetworkEstimator):
    """A network of dense layers that tells classes apart: cross-entropy, in mini-batches.

    ``hidden_layer_sizes``: units of each hidden layer; ``()`` is multinomial logistic regression. ``activation``:
    ``relu``, ``tanh``, ``logistic`` or ``identity``, or a node class. ``optimizer``: ``adamw``, ``adam``, ``rmsprop``,
    ``momentum``, ``sgd``, or an optimizer with its settings; ``learning_rate_init`` and ``alpha``: its rate and decay,
    without which it has the usual ones. The decay is AdamW's, apart from the gradient and the same for any number of
    rows; of ``sgd`` and ``momentum`` it is λ θ in the gradient. ``max_iter``: epochs, of which there are fewer where
    the loss does not fall by ``tol`` for more than ``n_iter_no_change`` of them; with ``early_stopping`` it is the
    score of a ``validation_fraction`` of the rows that has to rise, and the best network is kept. ``standardise``:
    columns get mean 0 and standard deviation 1 first. ``class_weight``: how often each class counts, or ``balanced``.
    ``backend``: what computes; without one the library of the rows, or for NumPy's the backend in use. ``dtype``: of
    the network; without one float32 for such rows, else float64.
    """

    task = "classification"

    def __init__(
        self,
        hidden_layer_sizes: Any = (HIDDEN,),
        activation: Any = "relu",
        *,
        optimizer: Any = OPTIMIZER,
        learning_rate_init: Any = None,
        alpha: Any = None,
        batch_size: Any = BATCH_SIZE,
        max_iter: Any = EPOCHS,
        tol: Any = 1e-4,
        n_iter_no_change: Any = 10,
        early_stopping: Any = False,
        validation_fraction: Any = 0.1,
        class_weight: Any = None,
        shuffle: Any = True,
        standardise: Any = True,
        random_state: Any = None,
        warm_start: Any = False,
        verbose: Any = False,
        backend: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            hidden_layer_sizes,
            activation,
            optimizer=optimizer,
            learning_rate_init=learning_rate_init,
            alpha=alpha,
            batch_size=batch_size,
            max_iter=max_iter,
            tol=tol,
            n_iter_no_change=n_iter_no_change,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            shuffle=shuffle,
            standardise=standardise,
            random_state=random_state,
            warm_start=warm_start,
            verbose=verbose,
            backend=backend,
            dtype=dtype,
        )
        self.class_weight = class_weight

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on rows X (n, d) and their classes y (n,); returns the estimator. A row of weight 0 is left out."""
        return self._taken("fit", X, y, sample_weight, None, goes_on=False)

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Train one epoch on these rows, from where training stands; returns the estimator.

        ``classes``: all that there will be, at the first call.
        """
        return self._taken("partial_fit", X, y, sample_weight, classes, goes_on=True)

    def predict(self, X: Any) -> Array:
        """The likeliest class of each row (n,), as classes stood in y."""
        found = self._outputs("predict", X)
        numbers = array_namespace(found).argmax(found, axis=1)
        if isinstance(self.classes_, np.ndarray):
            return self.classes_[on_host(numbers)]
        return array_namespace(self.classes_).take(self.classes_, numbers, axis=0)

    def predict_proba(self, X: Any) -> Array:
        """How likely each class is (n, k), in the order of ``classes_``."""
        found = self._outputs("predict_proba", X)
        return array_namespace(found).exp(found)

    def predict_log_proba(self, X: Any) -> Array:
        """The logarithms of ``predict_proba`` (n, k)."""
        return self._outputs("predict_log_proba", X)

    def _taken(self, method: str, X: Any, y: Any, sample_weight: Any, classes: Any, goes_on: bool) -> Self:
        asked, begins = options_of(self), self._begins(goes_on)
        where = self._said(method)
        X, y = self._checked(method, X, y, begins)
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        weights = checked_weights(where, X, sample_weight)
        if begins and goes_on and classes is None:
            raise SettingError(
                f"{where}, classes",
                "none were named",
                "the first call names all that there will be",
                "Write classes=[…]",
            )
        known = self._known(y, weights, classes, begins)
        labels = numbered(where, y, known, weights)
        if self.class_weight is not None:
            weights = self._class_weights(where, y, weights, goes_on)
        self._learn(X, labels, weights, len(known), asked, begins, goes_on)
        self.classes_ = known if known.dtype.kind not in "iufb" else like(known, X)
        return self

    def _known(self, y: Array, weights: Array | None, classes: Any, begins: bool) -> Array:
        """All classes, in order, on the host."""
        found = np.unique(on_host(classes) if classes is not None else y if weights is None else y[weights > 0])
        if begins or (classes is None and not hasattr(self, "classes_")):
            return found
        before = on_host(self.classes_)
        if classes is not None and not np.array_equal(found, before):
            raise LabelError(
                f"{type(self).__name__}, classes",
                f"they are {shown(found.tolist())}",
                f"the network was made for {shown(before.tolist())}",
                "Name the same ones, or call fit",
            )
        return before

    def _class_weights(self, where: str, y: Array, weights: Array | None, goes_on: bool) -> Array:
        """How often each row counts, with its class."""
        if goes_on and isinstance(self.class_weight, str):
            raise SettingError(
                f"{where}, class_weight",
                f"it is {self.class_weight!r}",
                "a part of the rows does not tell how many there are of each class",
                "Write {class: weight}",
            )
        by_class = compute_sample_weight(self.class_weight, y)
        return by_class if weights is None else by_class * weights

    def _fed(self, network: Network, y: Array) -> Array:  # noqa: ARG002  labels are what they are
        return y

    def _metric(self, weights: Sequence[Array]) -> Metric:
        def score(predictions: Array, targets: Array) -> float:
            found = predictions.argmax(axis=1)
            return float(accuracy_score(targets, found, sample_weight=weights[0] if weights else None))

        return score


def numbered(where: str, y: Array, known: Array, weights: Array | None) -> Array:
    """The number of each row's class (n,); 0 where that is not known and the row does not count.

    Raises LabelError.
    """
    places = np.minimum(np.searchsorted(known, y), len(known) - 1)
    strange = known[places] != y
    if weights is not None:
        strange &= weights > 0
    if strange.any():
        raise LabelError(
            f"{where}, y",
            f"it holds {shown(y[strange][:1].tolist()[0])}",
            f"the classes are {shown(known.tolist())}",
            "Leave these rows out, or name all classes at the first call",
        )
    return places.astype("int64")
