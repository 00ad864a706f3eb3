"""Standardisation: columns of mean 0 and standard deviation 1."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from miniflow_xp.backend import Array
from miniflow_xp.data.moments import Moments
from miniflow_xp.errors import MiniflowError

SAFE = 1e30  # what is smaller than this and larger than its inverse can be scaled in float32


class Scaling(NamedTuple):
    """Standardisation: (x - mean) / scale, cut off at ``±limit``; an infinite scale makes a constant column 0."""

    mean: Array
    scale: Array
    limit: float

    @classmethod
    def of(
        cls,
        found: Moments,
        limit: float,
        error: type[MiniflowError],
        where: Callable[[int], str],
        remedy: str = "Use another unit",
    ) -> "Scaling":
        """By these moments; raises ``error`` at ``where(column)`` for numbers whose squares float64 does not hold."""
        for column in np.flatnonzero(~np.isfinite(found.deviation)).tolist():
            reach = max(-found.least[column], found.largest[column])
            raise error(where(column), f"its numbers reach {reach:g}", "their squares must fit into float64", remedy)
        return cls(found.mean, np.where(found.constant, np.inf, found.deviation), limit)

    def __call__(self, x: Array) -> Array:
        """``x`` standardised, in its shape and in float64."""
        return np.clip((x - self.mean) / self.scale, -self.limit, self.limit)

    def into(self, dtype: str, raw: np.dtype[Any]) -> Callable[[Array], Array]:
        """A function from rows (n, …) of dtype ``raw`` to standardised rows (n, d) of ``dtype``."""
        working = self.working_dtype(dtype, raw)
        mean, scale = self.mean.astype(working), self.scale.astype(working)

        def scaled(rows: Array) -> Array:
            x = rows.reshape(len(rows), -1).astype(working)
            x -= mean
            x /= scale
            np.clip(x, -self.limit, self.limit, out=x)
            return x.astype(dtype, copy=False)

        return scaled

    def working_dtype(self, dtype: str, raw: np.dtype[Any]) -> np.dtype[Any]:
        """float32 where it holds the raw numbers exactly and no quotient leaves its range, else float64."""
        found = np.result_type(raw, np.float32, dtype)
        spread = self.scale[np.isfinite(self.scale)]
        safe = (np.abs(self.mean) < SAFE).all() and (spread < SAFE).all() and (spread > 1 / SAFE).all()
        return found if safe else np.dtype("float64")
