"""A member of an .npz archive that holds texts, as ``numpy.array(["a", "b"])`` saves them."""

import warnings
import zipfile
from io import BytesIO
from math import prod
from pathlib import Path
from tokenize import TokenError

import numpy as np

from miniflow_xp.backend import Array
from miniflow_xp.data.npy import LONGEST_HEADER
from miniflow_xp.errors import DataError

LARGEST = 2**26  # bytes; names of columns and classes take less
NOT_UNDERSTOOD = (ValueError, TypeError, SyntaxError, MemoryError, RecursionError, OverflowError, TokenError, Warning)


def load_texts(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Array:
    """The texts, in an array of NumPy's kind U. Raises DataError, and what ``zipfile`` raises."""
    where = f"{path}, member {info.filename[:80]!r}"
    if info.file_size > LARGEST:
        raise DataError(where, f"it has {info.file_size:,} bytes", "these are names", "Train again")
    with archive.open(info) as member:
        file = BytesIO(member.read(LARGEST + 1))
    try:
        shape, dtype = header(file)
    except NOT_UNDERSTOOD as error:
        raise DataError(where, "it is no array of texts", str(error)[:200], "Train again") from None
    data = file.read()
    if dtype.kind != "U" or not dtype.itemsize or prod(shape) * dtype.itemsize != len(data):
        raise DataError(
            where, f"{dtype.str[:40]} in shape {shape} of {len(data):,} bytes", "it holds texts", "Train again"
        )
    characters = np.frombuffer(data, dtype.str[0] + "u4")
    if ((characters > 0x10FFFF) | ((characters >= 0xD800) & (characters < 0xE000))).any():
        raise DataError(where, "it is no array of texts", "a number in it is no character of Unicode", "Train again")
    return np.frombuffer(data, dtype).reshape(shape)


def header(file: BytesIO) -> tuple[tuple[int, ...], np.dtype[np.generic]]:
    """Shape and dtype; ``file`` is then at the start of the texts. Raises one of NOT_UNDERSTOOD."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        if np.lib.format.read_magic(file) != (1, 0):
            raise ValueError("texts are saved in version 1.0 of the format")
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(file, max_header_size=LONGEST_HEADER)
    if fortran and len(shape) > 1:
        raise ValueError("it is in Fortran's order")
    return shape, dtype
