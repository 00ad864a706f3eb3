"""The header of a file in safetensors format: which array lies where.

The format (Hugging Face, 2022) is: 8 bytes with the length n of the header, least significant byte first; n bytes of
JSON, ``{"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, …, "__metadata__": {text: text}}``; then
the arrays, end to end without gaps, in C order, least significant byte first.

We read and write the format ourselves. The package ``safetensors`` serves in the tests only, where it has to read our
files. All that a hostile file can do has to be checked before a reader is let near it, and after these checks nothing
is left of reading but a view of bytes; so the package would add a compiled dependency and errors of its own, and would
save nothing. It also knows no checksum.
"""

import json
from collections.abc import Iterable, Mapping
from math import prod
from typing import Any, NamedTuple

import numpy as np

from miniflow_xp.backend import Array
from miniflow_xp.checkpoints import strict_json

DTYPES: dict[str, np.dtype[Any]] = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "I64": np.dtype("<i8"),
    "I32": np.dtype("<i4"),
    "I16": np.dtype("<i2"),
    "I8": np.dtype("i1"),
    "U64": np.dtype("<u8"),
    "U32": np.dtype("<u4"),
    "U16": np.dtype("<u2"),
    "U8": np.dtype("u1"),
    "BOOL": np.dtype("bool"),
}
METADATA = "__metadata__"
LONGEST = 16 * 2**20  # bytes of a header; 100,000 arrays fit
MOST_AXES = 32
KEYS = {"dtype", "shape", "data_offsets"}


class Place(NamedTuple):
    """Where an array lies: from byte ``start`` of the data to before ``stop``."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    start: int
    stop: int


def encode(arrays: Mapping[str, Array], metadata: Mapping[str, str]) -> bytes:
    """The header of arrays that follow in this order; filled up with spaces, so that the data start at a multiple of 8.

    Raises ValueError where an array or a name has no place in the format.
    """
    entries: dict[str, Any] = {METADATA: dict(metadata)}
    start = 0
    for name, array in arrays.items():
        if name == METADATA:
            raise ValueError(f"an array is named {METADATA}")
        stop = start + array.nbytes
        entries[name] = {"dtype": code(name, array), "shape": list(array.shape), "data_offsets": [start, stop]}
        start = stop
    text = json.dumps(entries, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8")
    text += b" " * (-len(text) % 8)
    if len(text) > LONGEST:
        raise ValueError(f"the header has {len(text):,} bytes, more than {LONGEST:,}")
    return text


def code(name: str, array: Array) -> str:
    """The format's word for an array's dtype."""
    for word, dtype in DTYPES.items():
        if array.dtype.newbyteorder("<") == dtype:
            return word
    raise ValueError(f"array {name!r} has dtype {array.dtype}")


def decode(header: bytes, size: int) -> tuple[dict[str, str], list[Place]]:
    """Metadata, and the places of arrays that fill ``size`` bytes of data; raises ValueError where these are wrong."""
    entries = strict_json.parse(header)
    if not isinstance(entries, dict):
        raise ValueError("its header is no JSON object")
    metadata = entries.pop(METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise ValueError("its metadata are not text")
    places = sorted((place(name, entry) for name, entry in entries.items()), key=lambda p: (p.start, p.stop))
    check_filled(places, size)
    return metadata, places


def place(name: str, entry: Any) -> Place:
    """One entry of the header."""
    if not isinstance(entry, dict) or set(entry) != KEYS:
        raise ValueError(f"entry {name[:80]!r} has not just dtype, shape and data_offsets")
    word, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(word, str) or word not in DTYPES:
        raise ValueError(f"array {name[:80]!r} has an unknown dtype")
    if not are_counts(shape) or len(shape) > MOST_AXES:
        raise ValueError(f"array {name[:80]!r} has an impossible shape")
    if not are_counts(offsets) or len(offsets) != 2:
        raise ValueError(f"array {name[:80]!r} has impossible offsets")
    dtype = DTYPES[word]
    if prod(max(n, 1) for n in shape) * dtype.itemsize >= 2**63:
        raise ValueError(f"array {name[:80]!r} has an impossible shape")
    if offsets[1] - offsets[0] != prod(shape) * dtype.itemsize:
        raise ValueError(f"array {name[:80]!r} has offsets that do not fit its shape")
    return Place(name, dtype, tuple(shape), *offsets)


def are_counts(items: Any) -> bool:
    """Is this a list of whole numbers that NumPy can count with?"""
    return isinstance(items, list) and all(type(n) is int and 0 <= n < 2**63 for n in items)


def check_filled(places: Iterable[Place], size: int) -> None:
    """Raise ValueError unless the arrays lie end to end and fill the data: no gap, no overlap, nothing outside."""
    end = 0
    for name, _, _, start, stop in places:
        if start != end:
            raise ValueError(
                f"array {name[:80]!r} starts at byte {start:,} of the data; the one before ends at {end:,}"
            )
        end = stop
    if end != size:
        raise ValueError(f"its arrays take {end:,} bytes, but {size:,} follow the header")
