"""How good predictions are: numbers from host arrays."""

import numpy as np

from miniflow_xp.backend import Array
from miniflow_xp.errors import ShapeError
from miniflow_xp.given import check_contents, host_array


def accuracy(predictions: Array, targets: Array) -> float:
    """The part of rows whose largest of ``predictions`` (n, classes) stands at the label in ``targets`` (n,)."""
    predictions, targets = numbers("accuracy", predictions), numbers("accuracy", targets)
    if predictions.ndim != 2 or targets.shape != predictions.shape[:1]:
        raise mismatch("accuracy", predictions, targets, "(n, classes) and labels (n,)")
    return float(np.mean(np.argmax(predictions, axis=1) == targets))


def r_squared(predictions: Array, targets: Array) -> float:
    """R² = 1 - Σ (y - p)² / Σ (y - ȳ)² over all rows; predictions and targets have as many elements.

    Draper and Smith, Applied Regression Analysis, section 1.3. NaN where all targets are equal.
    """
    predictions, targets = numbers("r_squared", predictions), numbers("r_squared", targets)
    p, y = predictions.astype("float64").reshape(-1), targets.astype("float64").reshape(-1)
    if p.shape != y.shape:
        raise mismatch("r_squared", predictions, targets, "as many numbers each")
    total = float(np.sum((y - y.mean()) ** 2))
    return 1 - float(np.sum((y - p) ** 2)) / total if total else float("nan")


def numbers(where: str, given: Array) -> Array:
    """An array of real numbers on the host; raises FeedError or DtypeError."""
    array = host_array(where, given)
    check_contents(where, array)
    return array


def mismatch(name: str, predictions: Array, targets: Array, expected: str) -> ShapeError:
    """The error for shapes that do not belong together."""
    return ShapeError(name, f"they are {predictions.shape} and {targets.shape}", expected, "Reshape one of them")
