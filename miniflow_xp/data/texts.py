"""Texts in an .npz archive: one member of JSON in UTF-8, which takes what they take and not the longest of them each.

Earlier versions kept an array of NumPy's kind U under each name, and these are still read.
"""

import json
import warnings
import zipfile
from collections.abc import Mapping
from math import prod
from pathlib import Path
from tokenize import TokenError
from typing import IO, Any

import numpy as np

from miniflow_xp.backend import Array
from miniflow_xp.checkpoint.strict_json import parse
from miniflow_xp.data.npy import LONGEST_HEADER, load_member
from miniflow_xp.data.room import check_room, read_bytes
from miniflow_xp.errors import DataError

IN_PYTHON = 32  # a byte of JSON becomes up to so many of Python's objects
OF_A_TEXT = 64
NOT_UNDERSTOOD = (ValueError, TypeError, SyntaxError, MemoryError, RecursionError, OverflowError, TokenError, Warning)


def packed(texts: Mapping[str, Any]) -> Array:
    """Texts, and what JSON can hold of them, by name, as bytes: ``json.loads(array.tobytes())`` gives them back."""
    return np.frombuffer(json.dumps(texts, ensure_ascii=False).encode(), "uint8")


def load_packed(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> dict[str, Any]:
    """What ``packed`` made, as far as JSON: values may be anything. Raises DataError, and what ``zipfile`` raises."""
    where = f"{path}, member {info.filename[:80]!r}"
    check_room(where, path, IN_PYTHON * info.file_size)
    try:
        found = parse(load_member(path, archive, info).tobytes())
        json.dumps(found, ensure_ascii=False).encode()  # an escape may say half of a pair, which is no character
    except ValueError as error:
        if isinstance(error, DataError):
            raise
        raise DataError(where, "it is no JSON", str(error)[:200], "Train again") from None
    if not isinstance(found, dict):
        raise DataError(where, f"it is JSON, {str(found)[:80]}", "it is an object of names and texts", "Train again")
    return found


def load_array(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Any:
    """The text, or list of texts, in an array of NumPy's kind U. Raises DataError, and what ``zipfile`` raises."""
    where = f"{path}, member {info.filename[:80]!r}"
    with archive.open(info) as file:
        try:
            shape, dtype = header(file)
        except NOT_UNDERSTOOD as error:
            raise DataError(where, "it is no array of texts", str(error)[:200], "Train again") from None
        if dtype.kind != "U" or not dtype.itemsize:
            raise DataError(where, f"{dtype.str[:40]} in shape {shape}", "it holds texts", "Train again")
        count, size = prod(shape), prod(shape) * dtype.itemsize
        check_room(where, path, 3 * size + OF_A_TEXT * count)
        data = read_bytes(file, size + 1)  # one more, so that the end is seen
    if len(data) != size:
        got = f"it has {'more' if len(data) > size else 'fewer'} bytes"
        raise DataError(where, got, f"{count:,} texts of {dtype.itemsize} bytes take {size:,}", "Train again")
    characters = np.frombuffer(data, dtype.str[0] + "u4")
    if ((characters > 0x10FFFF) | ((characters >= 0xD800) & (characters < 0xE000))).any():
        raise DataError(where, "it is no array of texts", "a number in it is no character of Unicode", "Train again")
    return np.frombuffer(data, dtype).reshape(shape).tolist()


def header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[np.generic]]:
    """Shape and dtype; ``file`` is then at the start of the texts. Raises one of NOT_UNDERSTOOD."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        if np.lib.format.read_magic(file) != (1, 0):
            raise ValueError("texts are saved in version 1.0 of the format")
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(file, max_header_size=LONGEST_HEADER)
    if fortran and len(shape) > 1:
        raise ValueError("it is in Fortran's order")
    return shape, dtype
