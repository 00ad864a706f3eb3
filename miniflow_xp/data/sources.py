"""What a user names as data: a CSV file, a folder of IDX files, an .npz archive; told by name or content."""

import os
import zlib
from pathlib import Path

from miniflow_xp.checks import usable_path
from miniflow_xp.data.archives import read_archive
from miniflow_xp.data.dialect import Dialect
from miniflow_xp.data.idx_folder import read_idx_folder
from miniflow_xp.data.npy import MAGIC
from miniflow_xp.data.ordinary import unpacked
from miniflow_xp.data.tables import AS_IT_LOOKS, Table, read_table
from miniflow_xp.errors import DataError, SettingError

KINDS = {".npz": "npz", ".npy": "npy", ".csv": "csv"}
STARTS = {b"PK\3\4": "npz", MAGIC[:4]: "npy", b"\0\0": "idx"}  # no text starts with a NUL


def read_data(path: Path, target: str | None, task: str = "auto", asked: Dialect = AS_IT_LOOKS) -> Table:
    """The table at ``path``; ``target``: the column to predict of a CSV file, ``asked``: how that is written.

    Raises DataError where it cannot be read as a table, SettingError for an unknown task, or an option of CSV files
    that has no place.
    """
    path = usable_path(path, "read_data, path", DataError)
    kind = kind_of(path)
    if kind == "csv":
        return read_table(path, target, task, asked)
    check_no_table(path, target, asked)
    if kind == "folder":
        return read_idx_folder(path, task)
    if kind == "npz":
        return read_archive(path, task)
    raise DataError(
        str(path),
        f"it is one {'IDX' if kind == 'idx' else '.npy'} file",
        "training needs features and a target",
        "Name the folder of the IDX files, or write one archive: numpy.savez('data.npz', X=X, y=y)",
    )


def check_no_table(path: Path, target: str | None, asked: Dialect) -> None:
    """Raise SettingError where options of CSV files came with something else."""
    if target is not None:
        raise SettingError(
            "target", f"it came with {path}", "a column is named in CSV files only", "Leave it out: y is the target"
        )
    for name, value in asked._asdict().items():
        if value is not None:
            raise SettingError(name, f"it came with {path}", "it is for CSV files", "Leave it out")


def kind_of(path: Path) -> str:
    """``folder``, ``npz``, ``npy``, ``idx`` or ``csv``: by the end of the name, else by how the content starts."""
    if os.path.isdir(path):  # False where it may not be looked at: who opens it will say so
        return "folder"
    by_name = KINDS.get(path.suffix.lower())
    if by_name is not None or not os.path.isfile(path):
        return by_name or "csv"
    start = first_bytes(path)
    return next((kind for magic, kind in STARTS.items() if start.startswith(magic)), "csv")


def first_bytes(path: Path) -> bytes:
    """How a file starts, decompressed where it is a gzip file; nothing where it cannot be read."""
    try:
        with path.open("rb") as file:
            return unpacked(file).read(4)
    except (OSError, EOFError, zlib.error):  # who reads the file as CSV will say what is wrong
        return b""
