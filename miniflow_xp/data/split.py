"""Rows to train on and rows held out; how to bring them to a common scale."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from miniflow_xp import dtypes
from miniflow_xp.backend import Array
from miniflow_xp.checks import of_kind, real
from miniflow_xp.data.encoding import Column, width
from miniflow_xp.data.moments import moments
from miniflow_xp.data.pages import mapped
from miniflow_xp.data.scaling import Scaling
from miniflow_xp.data.tables import Table
from miniflow_xp.errors import DataError, SettingError

LIMIT = 10.0  # standard deviations: prices keep their long tail, and a pixel that is nearly always empty outweighs none
FEWEST_ROWS = 2  # in each part
USUAL_HELD_OUT = 0.2


class Split(NamedTuple):
    """A table in two parts: X (n, …) as it is in the table, y (n,) class numbers or the standardised target.

    ``features`` and, in regression, ``target`` say how to standardise: by the training rows alone. ``dtype``: the float
    dtype to standardise in. ``how``: in which way the rows were held out, in words.
    """

    X_train: Array
    y_train: Array
    X_held: Array
    y_held: Array
    features: Scaling
    target: Scaling | None
    dtype: str
    how: str = ""
    columns: tuple[Column, ...] = ()


def hold_out(table: Table, fraction: float | None, rng: np.random.Generator, dtype: str = "float32") -> Split:
    """Hold a ``fraction`` of the rows out (None: 0.2); ``dtype``: the float dtype of what is standardised.

    The rows are drawn by ``rng``; of a file that stays on the disk they are the last ones, and a table that has
    held-out rows of its own keeps these. Raises DataError where a part has too few rows, or a regression's target does
    not vary in it; SettingError for a fraction of a table with held-out rows.
    """
    of_kind(table, Table, "hold_out, table", "it is a Table", "Write hold_out(read_table(path, target), 0.2, rng)")
    of_kind(
        rng, np.random.Generator, "hold_out, rng", "it is a generator of NumPy", "Write numpy.random.default_rng(0)"
    )
    dtype = dtypes.parse(dtype, "hold_out, dtype", floats_only=True)
    if fraction is not None:
        fraction = real(fraction, "hold_out, fraction", lambda x: 0 < x < 1, "it is a number above 0 and below 1")
    (X_train, y_train), (X_held, y_held), how = parts(table, fraction, rng)
    columns = tuple(filled(table, X_train, X_held))
    features = standardisation(table, X_train, table.feature_names, LIMIT)
    if table.classes:
        return Split(X_train, y_train, X_held, y_held, features, None, dtype, how, columns)
    for y, part in ((y_train, "training"), (y_held, "held-out")):
        if np.ptp(y) == 0:
            raise DataError(
                f"{table.source}, column {table.target_name!r}",
                f"it is {y[0]:g} in all {len(y)} {part} rows",
                "regression needs different values in each part",
                "Choose another rng=... or fraction=..., or add rows",
            )
    target = standardisation(table, y_train[:, None], (table.target_name,), np.inf)
    y_train, y_held = (target(y[:, None])[:, 0].astype(dtype) for y in (y_train, y_held))
    return Split(X_train, y_train, X_held, y_held, features, target, dtype, how, columns)


def filled(table: Table, X_train: Array, X_held: Array) -> Iterator[Column]:
    """The columns, those with missing numbers with their median in the training rows, which is put in their place."""
    start = 0
    for column in table.columns:
        if column.gaps and not column.categories:
            known = X_train[:, start][~np.isnan(X_train[:, start])]
            if not len(known):
                raise DataError(
                    f"{table.source}, column {column.name[:80]!r}",
                    "it has no value in the rows to train on",
                    "a median stands in for missing cells",
                    "Take it out of the file, or choose another rng=...",
                )
            median = float(np.median(known))
            for X in (X_train, X_held):
                X[np.isnan(X[:, start]), start] = median
            column = column._replace(median=median)
        yield column
        start += width([column])


def parts(
    table: Table, fraction: float | None, rng: np.random.Generator
) -> tuple[tuple[Array, Array], tuple[Array, Array], str]:
    """Rows to train on, rows held out, and how these were chosen."""
    X, y = table.features, table.target
    if table.held is not None:
        if fraction is not None:
            raise SettingError(
                "hold_out, fraction", "it was given", f"{table.source} brings held-out rows", "Leave it out"
            )
        check_counts(table, len(y), len(table.held.target))
        return (X, y), (table.held.features, table.held.target), table.held.where
    count = round((USUAL_HELD_OUT if fraction is None else fraction) * len(y))
    check_counts(table, len(y) - count, count)
    if mapped(X) is not None:
        kept = len(y) - count
        check_classes(table, y[:kept], y[kept:])
        return (X[:kept], y[:kept]), (X[kept:], y[kept:]), "the last rows of the file"
    order = rng.permutation(len(y))
    held, rest = order[:count], order[count:]
    return (X[rest], y[rest]), (X[held], y[held]), "drawn at random"


def check_counts(table: Table, kept: int, held: int) -> None:
    """Raise DataError where a part has too few rows."""
    if min(kept, held) < FEWEST_ROWS:
        rows = kept + held if table.held is None else kept
        raise DataError(
            table.source,
            f"its {rows} rows give {kept} to train on and {held} held out",
            f"each part needs at least {FEWEST_ROWS}",
            "Add rows, or choose another fraction=...",
        )


def check_classes(table: Table, kept: Array, held: Array) -> None:
    """Raise DataError where rows held out in the file's order have a class that the others lack."""
    unknown = np.setdiff1d(held, kept)
    if table.classes and len(unknown):
        raise DataError(
            f"{table.source}, column {table.target_name!r}",
            f"class {table.classes[unknown[0]]} is in the last {len(held):,} rows only",
            "the last rows of a file that is not read into memory are held out",
            "Shuffle the rows, or put held-out rows beside them: X_test, y_test",
        )


def standardisation(table: Table, X: Array, names: tuple[str, ...], limit: float) -> Scaling:
    """The Scaling that gives each column of ``X`` (n, …) mean 0 and standard deviation 1."""
    return Scaling.of(moments(X), limit, DataError, lambda n: f"{table.source}, column {names[n]!r}")
