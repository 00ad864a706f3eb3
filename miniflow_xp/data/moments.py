"""Mean and standard deviation of columns, chunk by chunk: a data set larger than memory takes none of it."""

from collections.abc import Iterator
from math import prod
from typing import NamedTuple

import numpy as np

from miniflow_xp.backend import Array
from miniflow_xp.data.pages import release
from miniflow_xp.errors import DataError
from miniflow_xp.switch import to_numpy

CHUNK = 2**18  # numbers at a time: 2 MiB in float64


class Moments(NamedTuple):
    """Of each column, in float64: ``mean``, standard ``deviation`` (of all rows, not n - 1), least and largest.

    ``weight`` is the number of rows, or the sum of their weights.
    """

    mean: Array
    deviation: Array
    least: Array
    largest: Array
    weight: float

    @property
    def constant(self) -> Array:
        """Columns of one value; their deviation may be a rounding error instead of 0."""
        return self.least == self.largest


def width(X: Array) -> int:
    """Numbers in a row of ``X`` (n, …)."""
    return prod(X.shape[1:])


def flat_chunks(X: Array) -> Iterator[Array]:
    """Rows of ``X`` (n, …) as (m, d) arrays in X's dtype; pages of a mapped array are given back after each."""
    rows = max(1, CHUNK // max(1, width(X)))
    for start in range(0, X.shape[0], rows):
        part = X[start : min(start + rows, X.shape[0]), ...]
        yield part.reshape(len(part), -1) if isinstance(part, np.ndarray) else to_numpy(part)
        release(X)


def moments(X: Array, weights: Array | None = None) -> Moments:
    """Moments of the columns of ``X`` (n, …), n > 0, of NumPy or, (n, d), of another library.

    ``weights`` (n,), above 0: how often each row counts. What overflows becomes infinite or NaN.
    """
    found, start = nothing(width(X)), 0
    for raw in flat_chunks(X):
        counts = np.ones(len(raw)) if weights is None else weights[start : start + len(raw)]
        found, start = merged(found, chunk_moments(raw, counts)), start + len(raw)
    return found


def nothing(width: int) -> Moments:
    """The moments of no row."""
    return Moments(np.zeros(width), np.zeros(width), np.full(width, np.inf), np.full(width, -np.inf), 0.0)


def chunk_moments(raw: Array, weights: Array) -> Moments:
    """Moments of rows (m, d) that are in memory."""
    total = float(weights.sum())
    with np.errstate(over="ignore", invalid="ignore"):
        part = raw.astype("float64")
        mean = weights @ part / total
        part -= mean
        rest = weights @ part / total  # what rounding left where numbers are far from 0 and near each other
        part -= rest
        mean += rest
        part *= part
        return Moments(mean, np.sqrt(weights @ part / total), raw.min(axis=0), raw.max(axis=0), total)


def merged(a: Moments, b: Moments) -> Moments:
    """The moments of the rows of both.

    Means and sums of squares are merged as in Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for
    computing sample variances", COMPSTAT 1982.
    """
    total = a.weight + b.weight
    share = b.weight / total
    with np.errstate(over="ignore", invalid="ignore"):
        apart = b.mean - a.mean
        squares = (1 - share) * a.deviation**2 + share * b.deviation**2 + apart**2 * (1 - share) * share
        least, largest = np.minimum(a.least, b.least), np.maximum(a.largest, b.largest)
        return Moments(a.mean + apart * share, np.sqrt(squares), least, largest, total)


def check_finite(where: str, X: Array, first: int = 0) -> None:
    """Raise DataError, with row and column, for NaN and infinity in ``X`` (n, …), counted from row ``first``."""
    if X.dtype.kind != "f":
        return
    for part in flat_chunks(X):
        bad = np.argwhere(~np.isfinite(part))
        if len(bad):
            row, column = bad[0].tolist()
            place = (first + row, *np.unravel_index(column, X.shape[1:])) if X.ndim > 1 else (first + row,)
            raise DataError(
                f"{where}, at [{', '.join(str(int(n)) for n in place)}]",
                f"it is {part[row, column]}",
                "numbers are finite",
                "Mend or drop the row",
            )
        first += len(part)
