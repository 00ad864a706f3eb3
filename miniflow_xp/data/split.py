"""Rows to train on and rows held out, on a common scale."""

from typing import NamedTuple

import numpy as np

from miniflow_xp.backend import Array
from miniflow_xp.data.tables import Table
from miniflow_xp.errors import DataError

LIMIT = 3.0  # standard deviations; a pixel that is nearly always empty would otherwise outweigh all others
FEWEST_ROWS = 2  # in each part


class Scaling(NamedTuple):
    """Standardisation: (x - mean) / scale, cut off at ``±limit``; an infinite scale makes a constant column 0."""

    mean: Array
    scale: Array
    limit: float

    def __call__(self, x: Array) -> Array:
        """``x`` standardised, in its shape."""
        return np.clip((x - self.mean) / self.scale, -self.limit, self.limit)


class Split(NamedTuple):
    """A table in two parts: X (n, d) standardised features, y (n,) class numbers or the standardised target.

    ``features`` and, in regression, ``target`` say how they were standardised: by the training rows alone.
    """

    X_train: Array
    y_train: Array
    X_held: Array
    y_held: Array
    features: Scaling
    target: Scaling | None


def hold_out(table: Table, fraction: float, rng: np.random.Generator, dtype: str = "float32") -> Split:
    """Hold a ``fraction`` of the rows out, drawn by ``rng``; the arrays get the float ``dtype``.

    Raises DataError where a part has too few rows, or a regression's target does not vary in it.
    """
    order = rng.permutation(len(table.target))
    count = round(fraction * len(order))
    held, kept = order[:count], order[count:]
    if min(len(held), len(kept)) < FEWEST_ROWS:
        raise DataError(
            table.source,
            f"its {len(order)} rows give {len(kept)} to train on and {len(held)} held out",
            f"each part needs at least {FEWEST_ROWS}",
            "Add rows, or choose another --held-out",
        )
    features = standardisation(table, table.features[kept], table.feature_names, LIMIT)
    X = features(table.features).astype(dtype)
    if table.classes:
        return Split(X[kept], table.target[kept], X[held], table.target[held], features, None)
    for rows, part in ((kept, "training"), (held, "held-out")):
        if np.ptp(table.target[rows]) == 0:
            raise DataError(
                f"{table.source}, column {table.target_name!r}",
                f"it is {table.target[rows[0]]:g} in all {len(rows)} {part} rows",
                "regression needs different values in each part",
                "Choose another --seed or --held-out, or add rows",
            )
    target = standardisation(table, table.target[kept][:, None], (table.target_name,), np.inf)
    y = target(table.target[:, None])[:, 0].astype(dtype)
    return Split(X[kept], y[kept], X[held], y[held], features, target)


def standardisation(table: Table, x: Array, names: tuple[str, ...], limit: float) -> Scaling:
    """The Scaling that gives each column of ``x`` (n, d) mean 0 and standard deviation 1."""
    with np.errstate(over="ignore", invalid="ignore"):
        mean, deviation = x.mean(axis=0), x.std(axis=0)
    for column in np.flatnonzero(~np.isfinite(deviation)):
        raise DataError(
            f"{table.source}, column {names[column]!r}",
            f"its numbers reach {abs(x[:, column]).max():g}",
            "their squares must fit into float64",
            "Use another unit",
        )
    constant = x.min(axis=0) == x.max(axis=0)  # the deviation may be a rounding error instead of 0
    return Scaling(mean, np.where(constant, np.inf, deviation), limit)
