"""One file of arrays and metadata, with a checksum of all its bytes."""

import json
import os
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeVar

import numpy as np

from miniflow_xp.backend import Array
from miniflow_xp.checkpoints import header, strict_json
from miniflow_xp.checks import of_kind, usable_path
from miniflow_xp.errors import DataError
from miniflow_xp.given import check_kind
from miniflow_xp.system.files import remedy, write_atomically

VERSION = 1
FIRST = f'{{"{header.METADATA}":{{"sha256":"'.encode()
"""What the header of each of our files starts with; the checksum follows."""
BLANK = b"0" * 64
"""What stands in the checksum's place while it is computed."""
CHUNK = 2**20
Found = TypeVar("Found")
OURS = ("sha256", "format", "format_version")


class State(NamedTuple):
    """What a file holds: ``arrays``, {name: NumPy array}, and ``meta``, {name: what JSON can hold}, floats exactly."""

    arrays: dict[str, Array]
    meta: dict[str, Any]


def save(path: str | Path, state: State) -> None:
    """Write a State atomically, in safetensors format, each entry of the metadata as JSON text.

    Raises DataError where it cannot be written; the file that was there before is then still there.
    """
    path = usable_path(path, "checkpoint, path", DataError)
    of_kind(state, State, "save, state", "it is a State", "Write trainer_state(trainer), or State(arrays, meta)")
    try:
        chunks = encoded(state)
    except (ValueError, TypeError) as error:
        raise DataError(
            str(path),
            f"this cannot be saved ({error})",
            "a checkpoint holds arrays of numbers, and metadata that JSON can hold",
            "Take it out, or convert it",
        ) from None
    try:
        write_atomically(path, chunks)
    except OSError as error:
        raise DataError(
            str(path),
            "it could not be written",
            error.strerror or str(error),
            f"What was there before is still there. {remedy(error, 'folder')}",
        ) from None


def encoded(state: State) -> list[bytes | Array]:
    """The file's bytes, in chunks; arrays of the largest items come first, so that each is aligned."""
    if not isinstance(state.arrays, Mapping) or not isinstance(state.meta, Mapping):
        raise TypeError("its arrays or its meta are no mapping by name")
    for name, array in state.arrays.items():
        if not isinstance(array, np.ndarray | np.generic):
            raise TypeError(f"array {name!r} is a {type(array).__name__}")
        check_kind(f"save, array {name!r}", array)
    sizes = sorted(state.arrays, key=lambda name: -state.arrays[name].dtype.itemsize)
    arrays = {name: little_endian(state.arrays[name]) for name in sizes}
    metadata = {"sha256": BLANK.decode(), "format": "miniflow_xp checkpoint", "format_version": str(VERSION)}
    for name, value in state.meta.items():
        if not isinstance(name, str) or name in OURS:
            raise ValueError(f"an entry of the metadata is named {name!r}")
        metadata[name] = json.dumps(value, allow_nan=False)
    text = header.encode(arrays, metadata)
    length = len(text).to_bytes(8, "little")
    data = [array.reshape(-1).view(np.uint8) for array in arrays.values()]
    digest = checksum([length, text, *data])
    return [length, FIRST, digest, text[len(FIRST) + len(digest) :], *data]


def little_endian(array: Array) -> Array:
    """``array`` in C order, least significant byte first; copied only where it is not so already."""
    return np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")


def checksum(chunks: Iterable[bytes | Array]) -> bytes:
    """SHA-256 in hexadecimal digits."""
    digest = sha256()
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest().encode()


def load(path: str | Path) -> State:
    """The State in a file that ``save`` wrote; raises DataError for any other, and where a single bit has changed."""
    return checked(usable_path(path, "checkpoint, path", DataError), read)


def load_meta(path: str | Path) -> dict[str, Any]:
    """The metadata alone, without a look at the arrays: quick, but a changed bit may go unseen."""
    return checked(
        usable_path(path, "checkpoint, path", DataError), lambda file: metadata_of(read_header(file)[1], file)[0]
    )


def checked(path: Path, reader: Callable[[IO[bytes]], Found]) -> Found:
    """What ``reader`` finds in a file; its errors become DataError."""
    try:
        if path.exists() and not path.is_file():  # opening a named pipe would wait for ever
            raise ValueError("it is no ordinary file")
        with path.open("rb") as file:
            return reader(file)
    except (ValueError, MemoryError) as error:
        got, expected = str(error) or "it does not fit into memory", "a checkpoint is a file that save wrote, unchanged"
    except OSError as error:
        got, expected = "it cannot be read", error.strerror or str(error)
    raise DataError(str(path), got, expected, "Take an earlier checkpoint, or check the file's name")


def read(file: IO[bytes]) -> State:
    """The State in an open file; raises ValueError."""
    length, text = read_header(file)
    found = text[len(FIRST) : len(FIRST) + len(BLANK)]
    data = read_data(file, size_of(file) - len(length) - len(text))
    blanked = FIRST + BLANK + text[len(FIRST) + len(BLANK) :]
    if checksum([length, blanked, data]) != found:
        raise ValueError("it is damaged: its checksum is another")
    meta, places = metadata_of(text, file)
    return State({p.name: array_at(p, data) for p in places}, meta)


def read_header(file: IO[bytes]) -> tuple[bytes, bytes]:
    """The header's length, as it is in the file, and the header of one of our files; raises ValueError."""
    size, length = size_of(file), file.read(8)
    count = int.from_bytes(length, "little")
    if len(length) < 8 or size < 8 + len(FIRST) + len(BLANK):
        raise ValueError(f"it has only {size} bytes")
    if count > header.LONGEST:
        raise ValueError(f"it says that its header has {count:,} bytes")
    if count > size - 8:
        raise ValueError(f"it says that its header has {count:,} bytes, but {size - 8:,} follow")
    text = file.read(count)
    if not text.startswith(FIRST) or len(text) < len(FIRST) + len(BLANK):
        raise ValueError("it is no checkpoint of miniflow_xp")
    return length, text


def size_of(file: IO[bytes]) -> int:
    """Bytes of an open file."""
    return os.fstat(file.fileno()).st_size


def read_data(file: IO[bytes], size: int) -> Array:
    """The bytes after the header, as one array."""
    data = np.empty(size, np.uint8)
    view, done = memoryview(data.data), 0
    while done < size:
        count = file.readinto(view[done : done + CHUNK])  # type: ignore[attr-defined]  # a file opened for reading bytes
        if not count:
            raise ValueError(f"it ends after {done:,} of {size:,} bytes of data")
        done += count
    return data


def metadata_of(text: bytes, file: IO[bytes]) -> tuple[dict[str, Any], list[header.Place]]:
    """Metadata and places of a header; raises ValueError, also for a format newer than this."""
    metadata, places = header.decode(text, size_of(file) - 8 - len(text))
    version = metadata.get("format_version")
    if version != str(VERSION):
        raise ValueError(f"its format has version {str(version)[:20]!r}, not '{VERSION}'")
    return parsed(metadata), places


def parsed(metadata: Mapping[str, str]) -> dict[str, Any]:
    """The user's entries, parsed from their JSON text."""
    meta = {}
    for name, text in metadata.items():
        if name in OURS:
            continue
        try:
            meta[name] = strict_json.parse(text.encode("utf-8"))
        except ValueError as error:
            raise ValueError(f"metadata {name[:80]!r} are not JSON ({error})") from None
    return meta


def array_at(place: header.Place, data: Array) -> Array:
    """An array of the file, in this machine's byte order; a view of ``data`` where that is aligned."""
    raw = data[place.start : place.stop]
    if place.dtype == np.bool_ and raw.size and raw.max() > 1:
        raise ValueError(f"array {place.name[:80]!r} holds a byte that is neither true nor false")
    array = np.require(raw.view(place.dtype).reshape(place.shape), requirements="A")
    return array.astype(place.dtype.newbyteorder("="), copy=False)
