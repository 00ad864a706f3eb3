"""Mean and standard deviation of columns, chunk by chunk: a data set larger than memory takes none of it."""

from collections.abc import Iterator
from math import prod
from typing import NamedTuple

import numpy as np

from miniflow_xp.backend import Array
from miniflow_xp.data.pages import release
from miniflow_xp.errors import DataError

CHUNK = 2**18  # numbers at a time: 2 MiB in float64


class Moments(NamedTuple):
    """Of each column, in float64: ``mean``, standard ``deviation`` (of all rows, not n - 1), least and largest."""

    mean: Array
    deviation: Array
    least: Array
    largest: Array

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
    for start in range(0, len(X), rows):
        part = X[start : start + rows]
        yield part.reshape(len(part), -1)
        release(X)


def moments(X: Array) -> Moments:
    """Moments of the columns of ``X`` (n, …), n > 0.

    Means and sums of squares of two parts are merged as in Chan, Golub and LeVeque, "Updating formulae and a pairwise
    algorithm for computing sample variances", COMPSTAT 1982. What overflows becomes infinite or NaN.
    """
    count, mean, squares = 0, np.zeros(width(X)), np.zeros(width(X))
    least, largest = np.full(width(X), np.inf), np.full(width(X), -np.inf)
    with np.errstate(over="ignore", invalid="ignore"):
        for raw in flat_chunks(X):
            part = raw.astype("float64")
            here, total = part.mean(axis=0), count + len(part)
            apart = here - mean
            part -= here
            part *= part
            squares += part.sum(axis=0) + apart**2 * (count * len(part) / total)
            mean += apart * (len(part) / total)
            count = total
            least, largest = np.minimum(least, raw.min(axis=0)), np.maximum(largest, raw.max(axis=0))
        return Moments(mean, np.sqrt(squares / count), least, largest)


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
