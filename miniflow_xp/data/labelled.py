"""A table from arrays: rows and their targets, checked against each other."""

from math import prod
from pathlib import Path
from typing import NamedTuple

import numpy as np

from miniflow_xp.backend import Array
from miniflow_xp.data.moments import check_finite, width
from miniflow_xp.data.room import check_room
from miniflow_xp.data.tables import Holdout, Table
from miniflow_xp.data.target import class_name, distinct, numbered, numeric
from miniflow_xp.errors import DataError

NUMBERS = "biuf"  # kinds of dtypes
OF_A_NAME = 100  # bytes of a column's name, in Python and in a tuple
OF_A_TARGET = 32  # bytes of a row's target while its classes are found


class FileArray(NamedTuple):
    """An array, and where it stands: a file, or a member of one."""

    where: str
    array: Array


def table_of(
    name: str,
    source: str,
    train: tuple[FileArray, FileArray],
    held: tuple[FileArray, FileArray] | None,
    task: str,
    because: str = "",
) -> Table:
    """A Table from X (n, …) and y (n,), and from held-out ones like them; ``because``: why it is this ``task``.

    Raises DataError where they do not belong together or hold something other than finite numbers.
    """
    (where_X, X), (where_y, _) = train
    check_room(where_X, Path(source), OF_A_NAME * width(X) + OF_A_TARGET * prod(X.shape[:1]))
    y = checked_target(*train)
    found = numeric(where_y, y, task)
    names = feature_names(X.shape[1:])
    others = None
    if held is not None:
        if held[0].array.shape[1:] != X.shape[1:]:
            raise DataError(
                held[0].where,
                f"its rows have shape {held[0].array.shape[1:]}",
                f"those of {where_X} have {X.shape[1:]}",
                "Write it anew",
            )
        others = Holdout(held[0].array, held_target(held, y, bool(found.classes), where_y), f"from {held[0].where}")
    return Table(name, source, X, names, found.values, "y", found.classes, because or found.because, others)


def checked_rows(named: FileArray) -> Array:
    """The rows (n, …), which must be finite numbers; raises DataError."""
    where, X = named
    if X.ndim and not len(X):
        raise DataError(
            where, f"it is {X.dtype.name} in shape {X.shape}, without a row", "data have rows", "Name a file with rows"
        )
    if X.dtype.kind not in NUMBERS or X.ndim < 2 or 0 in X.shape:
        raise DataError(
            where,
            f"it is {X.dtype.name} in shape {X.shape}",
            "features are numbers in shape (rows, columns) or (rows, height, width)",
            "Write it anew, for instance reshaped to (rows, 1) where there is one number a row",
        )
    check_finite(where, X)
    return X


def checked_target(X: FileArray, y: FileArray) -> Array:
    """y (n,), which must be finite numbers, one for each row of X: integers as they are, others in float64."""
    rows, (where, target) = checked_rows(X), y
    if target.ndim == 2 and target.shape[1] == 1:
        target = target[:, 0]
    if target.dtype.kind not in NUMBERS or target.ndim != 1:
        raise DataError(
            where,
            f"it is {target.dtype.name} in shape {target.shape}",
            "a target is one number for each row",
            "Give class numbers, not one-hot rows",
        )
    if len(target) != len(rows):
        raise DataError(
            where,
            f"it has {len(target):,} targets",
            f"{X.where} has {len(rows):,} rows",
            "Each row has one target: write both anew",
        )
    check_finite(where, target)
    if target.dtype.kind in "iu":
        return target
    return np.asarray(target, "uint8" if target.dtype.kind == "b" else "float64")


def held_target(held: tuple[FileArray, FileArray], y_train: Array, classes: bool, where_train: str) -> Array:
    """The held-out target: numbers of the training rows' classes, or as it is, in float64."""
    y = checked_target(*held)
    if not classes:
        return np.asarray(y, "float64")
    known = {value: n for n, value in enumerate(distinct(y_train)[0])}
    labels, unknown = numbered(y, known.get)
    if len(unknown):
        raise DataError(
            f"{held[1].where}, at [{unknown[0]}]",
            f"class {class_name(y[unknown[0]].item())}",
            f"{where_train} has no row of it",
            "Leave these rows out, or train on some of them",
        )
    return labels


def feature_names(shape: tuple[int, ...]) -> tuple[str, ...]:
    """A name for each number in a row of this shape: ``x7``, or ``x2_7`` for row 2, column 7 of an image."""
    return tuple("x" + "_".join(map(str, place)) for place in np.ndindex(shape))
