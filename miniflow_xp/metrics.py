"""How good predictions are: numbers from host arrays."""

import numpy as np

from miniflow_xp.backend import Array
from miniflow_xp.broadcasting import in_one_order
from miniflow_xp.errors import ShapeError
from miniflow_xp.given import host_numbers


def accuracy(predictions: Array, targets: Array) -> float:
    """The part of rows whose largest of ``predictions`` (n, classes) stands at the label in ``targets`` (n,).

    A single column (n, 1), as a Sigmoid gives it, holds probabilities of class 1, which is predicted where they are
    above 0.5, and else class 0; the targets may be a column, too. A row with NaN is wrong.
    """
    predictions, targets = host_numbers("accuracy", predictions), host_numbers("accuracy", targets)
    single = predictions.ndim == 2 and predictions.shape[1] == 1
    if single and targets.shape == predictions.shape:
        targets = targets[:, 0]
    if predictions.ndim != 2 or targets.shape != predictions.shape[:1]:
        raise mismatch("accuracy", predictions, targets, "(n, classes) and labels (n,)")
    predicted = predictions[:, 0] > 0.5 if single else np.argmax(predictions, axis=1)
    return float(np.mean((predicted == targets) & ~np.isnan(predictions).any(axis=1)))


def r_squared(predictions: Array, targets: Array) -> float:
    """R² = 1 - Σ (y - p)² / Σ (y - ȳ)² over all rows; predictions and targets have the shapes that MSE takes.

    Draper and Smith, Applied Regression Analysis, section 1.3. NaN where all targets are equal.
    """
    predictions, targets = host_numbers("r_squared", predictions), host_numbers("r_squared", targets)
    if not in_one_order(predictions.shape, targets.shape):
        raise mismatch("r_squared", predictions, targets, "one shape, but for axes of one element")
    p, y = predictions.astype("float64").reshape(-1), targets.astype("float64").reshape(-1)
    total = float(np.sum((y - y.mean()) ** 2))
    return 1 - float(np.sum((y - p) ** 2)) / total if total else float("nan")


def mismatch(name: str, predictions: Array, targets: Array, expected: str) -> ShapeError:
    """The error for shapes that do not belong together."""
    return ShapeError(name, f"they are {predictions.shape} and {targets.shape}", expected, "Reshape one of them")
