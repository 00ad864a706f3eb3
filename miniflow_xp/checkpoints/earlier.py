"""Models of earlier versions, which were .npz archives: read, and not written any more.

Their texts are one member of JSON in UTF-8; before that they were an array of NumPy's kind U under each name.
"""

import zipfile
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np

from miniflow_xp.backend import Array
from miniflow_xp.checkpoints.file import State
from miniflow_xp.checkpoints.strict_json import parse
from miniflow_xp.data.npy import TEXTS, array_name, check_sizes, load_member, members, read_header
from miniflow_xp.data.room import check_room
from miniflow_xp.errors import DataError

ARRAYS = (
    *("hidden_weights", "hidden_biases", "output_weights", "output_biases"),
    *("feature_mean", "feature_scale", "feature_limit", "feature_constant", "target_mean", "target_scale"),
)
JSON = "texts"
META = ("feature_names", "activation", "target_name", "task", "classes")
IN_PYTHON = 32  # a byte of JSON becomes up to so many of Python's objects
OF_A_TEXT = 64


def read(path: Path, file: IO[bytes]) -> State:
    """The State in an open archive; what else is in it is not looked at. Raises DataError, and what zipfile raises."""
    with zipfile.ZipFile(file) as archive:
        found = {array_name(name): info for name, info in members(path, file, archive, (*ARRAYS, JSON, *META)).items()}
        check_sizes(path, list(found.values()))
        arrays = {name: native(load_member(path, archive, found[name])) for name in ARRAYS if name in found}
        if JSON in found:
            return State(arrays, from_json(path, archive, found[JSON]))
        if "feature_scale" in arrays:  # constant columns were told by nothing else
            arrays["feature_constant"] = np.isinf(arrays["feature_scale"])
        return State(arrays, {name: from_array(path, archive, found[name]) for name in META if name in found})


def native(array: Array) -> Array:
    """In this machine's byte order, which array libraries want."""
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def from_json(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> dict[str, Any]:
    """What a member of JSON says by name: values may be anything."""
    where = f"{path}, member {info.filename[:80]!r}"
    check_room(where, path, IN_PYTHON * info.file_size)
    data = load_member(path, archive, info).tobytes()
    try:
        found = parse(data)
    except ValueError as error:
        raise DataError(where, "it is no JSON", str(error)[:200], "Train again") from None
    if not isinstance(found, dict):
        raise DataError(where, f"it is JSON, {str(found)[:80]}", "it is an object of names and texts", "Train again")
    return found


def from_array(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Any:
    """The text, or list of texts, in an array of NumPy's kind U."""
    where = f"{path}, member {info.filename[:80]!r}"
    with archive.open(info) as file:
        header = read_header(where, file, TEXTS)
    check_room(where, path, 3 * header.nbytes + OF_A_TEXT * prod(header.shape))
    texts: Array = load_member(path, archive, info, TEXTS)
    characters = np.frombuffer(texts.tobytes(), texts.dtype.str[0] + "u4")
    if ((characters > 0x10FFFF) | ((characters >= 0xD800) & (characters < 0xE000))).any():
        raise DataError(where, "it is no array of texts", "a number in it is no character of Unicode", "Train again")
    return texts.tolist()
