"""An .npz archive as a table: X and y, and X_test and y_test where there are, or the names that Keras's files have."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from miniflow_xp.backend import Array
from miniflow_xp.data.labelled import FileArray, table_of
from miniflow_xp.data.npy import npz_names, read_npz
from miniflow_xp.data.pages import mapped
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
    found = npz_names(path)
    names = spelling(path, found)
    X, y, *test = arrays(path, found, *(names if has_test(names, found) else names[:2]))
    return table_of(path.name.removesuffix(".npz"), str(path), (X, y), (test[0], test[1]) if test else None, task)


def read_archive_rows(path: Path) -> FileArray:
    """The rows to predict for: those for a test where there are some. Needs no targets."""
    found = npz_names(path)
    names = spelling(path, found)
    return arrays(path, found, names.X_test if names.X_test in found else names.X)[0]


def read_archive_pair(path: Path) -> tuple[FileArray, FileArray]:
    """Rows and targets to look at a trained model with: those for a test where there are some."""
    found = npz_names(path)
    names = spelling(path, found)
    X, y = arrays(path, found, *(names[2:] if has_test(names, found) else names[:2]))
    return X, y


def spelling(path: Path, found: list[str]) -> Names:
    """The names that this archive uses."""
    for names in SPELLINGS:
        if names.X in found or names.X_test in found:
            return names
    raise missing(path, found, "X")


def has_test(names: Names, found: list[str]) -> bool:
    """Is there one of the arrays for a test? Then the other has to be."""
    return names.X_test in found or names.y_test in found


def arrays(path: Path, found: list[str], *names: str) -> list[FileArray]:
    """Arrays by their names, small ones in memory; what else the archive holds is not looked at."""
    for name in names:
        if name not in found:
            raise missing(path, found, name)
    read = read_npz(path, mapped=True, names=names)
    return [FileArray(f"{path}, member {name!r}", in_memory(read[name])) for name in names]


def in_memory(array: Array) -> Array:
    """A small array that is mapped from its file as one that is not; any other as it is."""
    return np.array(array) if mapped(array) is not None and array.nbytes <= IN_MEMORY else array


def missing(path: Path, found: list[str], name: str) -> DataError:
    """The error for an array that is not there."""
    listed = ", ".join(other[:80] for other in found[:12]) or "nothing"
    return DataError(
        str(path),
        f"it has no array {name!r}",
        f"it holds {listed}",
        "Name the arrays X and y, and X_test and y_test where there are held-out rows: numpy.savez(path, X=X, y=y)",
    )
