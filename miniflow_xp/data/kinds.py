"""What a file of data is, told by its name or its content."""

import os
import zlib
from pathlib import Path

from miniflow_xp.data.npy import MAGIC
from miniflow_xp.data.ordinary import unpacked

KINDS = {".npz": "npz", ".npy": "npy", ".csv": "csv", ".parquet": "parquet"}
STARTS = {b"PK\3\4": "npz", MAGIC[:4]: "npy", b"\0\0": "idx", b"PAR1": "parquet"}  # no text starts with a NUL
TABLES = ("csv", "parquet")


def kind_of(path: Path) -> str:
    """``folder``, ``npz``, ``npy``, ``idx``, ``parquet`` or ``csv``: by the name's end, else by how it starts."""
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
    except (OSError, EOFError, zlib.error):  # whoever reads the file as CSV will say what is wrong
        return b""
