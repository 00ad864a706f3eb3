"""An .npz archive as a table: X and y, and X_test and y_test where there are, or the names that Keras's files have."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from miniflow_xp.backend import Array
from miniflow_xp.data.labelled import Named, table_of
from miniflow_xp.data.npy import read_npz
from miniflow_xp.data.tables import Table
from miniflow_xp.data.target import check_task
from miniflow_xp.errors import DataError

IN_MEMORY = 2**28  # bytes; larger arrays stay in their file, which is read window by window


class Names(NamedTuple):
    """What the members of an archive are called."""

    X: str
    y: str
    X_test: str
    y_test: str


SPELLINGS = (Names("X", "y", "X_test", "y_test"), Names("x_train", "y_train", "x_test", "y_test"))


def read_archive(path: Path, task: str) -> Table:
    """The table in an archive. Raises DataError."""
    check_task(task)
    arrays = read_npz(path, mapped=True)
    names = spelling(path, arrays)
    train = member(path, arrays, names.X), member(path, arrays, names.y)
    test = None
    if names.X_test in arrays or names.y_test in arrays:
        test = member(path, arrays, names.X_test), member(path, arrays, names.y_test)
    return table_of(path.name.removesuffix(".npz"), str(path), train, test, task)


def read_archive_rows(path: Path) -> Named:
    """The rows to predict for: those for a test where there are some. Needs no targets."""
    arrays = read_npz(path, mapped=True)
    names = spelling(path, arrays)
    return member(path, arrays, names.X_test if names.X_test in arrays else names.X)


def read_archive_pair(path: Path) -> tuple[Named, Named]:
    """Rows and targets to look at a trained model with: those for a test where there are some."""
    arrays = read_npz(path, mapped=True)
    names = spelling(path, arrays)
    if names.X_test in arrays or names.y_test in arrays:
        return member(path, arrays, names.X_test), member(path, arrays, names.y_test)
    return member(path, arrays, names.X), member(path, arrays, names.y)


def spelling(path: Path, arrays: dict[str, Array]) -> Names:
    """The names that this archive uses."""
    for names in SPELLINGS:
        if names.X in arrays or names.X_test in arrays:
            return names
    raise missing(path, arrays, "X")


def member(path: Path, arrays: dict[str, Array], name: str) -> Named:
    """An array by name; a small one in memory."""
    if name not in arrays:
        raise missing(path, arrays, name)
    array = arrays[name]
    return Named(f"{path}, member {name!r}", np.array(array) if array.nbytes <= IN_MEMORY else array)


def missing(path: Path, arrays: dict[str, Array], name: str) -> DataError:
    """The error for an array that is not there."""
    listed = ", ".join(found[:80] for found in list(arrays)[:12]) or "nothing"
    return DataError(
        str(path),
        f"it has no array {name!r}",
        f"it holds {listed}",
        "Name the arrays X and y, and X_test and y_test where there are held-out rows: numpy.savez(path, X=X, y=y)",
    )
