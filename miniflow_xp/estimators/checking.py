"""What users hand to an estimator, checked beyond what scikit-learn checks."""

from typing import Any

import numpy as np
import scipy.sparse
from sklearn.utils import check_array

from miniflow_xp.backend import Array
from miniflow_xp.errors import FeedError, MixedBackendsError, SettingError, ShapeError
from miniflow_xp.estimators.places import on_host, place


def refuse_sparse(where: str, X: Any) -> None:
    """Raise FeedError for a sparse matrix."""
    if scipy.sparse.issparse(X):
        raise FeedError(
            f"{where}, X",
            f"it is a sparse {X.format} matrix",
            "the network computes with rows that are dense",
            "Write X.toarray(), or reduce it first, as TruncatedSVD does",
        )


def check_place(where: str, X: Array, like: Array) -> None:
    """Raise MixedBackendsError where rows belong to another library or device than those of ``fit``."""
    here, before = place(X), place(like)
    if here != before:
        raise MixedBackendsError(
            where,
            f"X is of {here}",
            f"its inputs must use the same namespace and the same device as those of fit, which were of {before}",
            "Convert them, or fit anew",
        )


def checked_weights(where: str, X: Array, sample_weight: Any) -> Array | None:
    """Weights (n,) on the host in float64, 0 or above; None where none were given.

    Raises ShapeError, or SettingError where one is negative or all are 0.
    """
    if sample_weight is None:
        return None
    where, rows = f"{where}, sample_weight", int(X.shape[0])
    given = np.asarray(on_host(sample_weight))
    if given.ndim == 0:
        given = np.full(rows, given)
    if given.shape != (rows,):
        raise ShapeError(where, f"it is {given.shape}", f"each of {rows} rows has one", "Give one number for each row")
    weights = check_array(given, ensure_2d=False, dtype="float64", input_name="sample_weight")
    if weights.min() < 0:
        raise SettingError(where, f"it goes down to {weights.min():g}", "a weight is 0 or above", "Leave such rows out")
    check_some(where, np.flatnonzero(weights))
    return weights


def check_some(where: str, rows: Array) -> None:
    """Raise SettingError where no row counts."""
    if not len(rows):
        raise SettingError(where, "all weights are zero", "at least one row counts", "Give it a weight above 0")
