"""NumPy's files: ``.npy``, mapped into memory, and the arrays of an ``.npz`` archive.

Everything is checked before NumPy is asked for anything: an array of the kind that is wanted, nothing pickled, as many
bytes as its shape takes.
"""

import ast
import re
import warnings
import zipfile
from collections.abc import Collection, Mapping, Sequence
from math import prod
from pathlib import Path
from typing import IO, Any, NamedTuple, NoReturn

import numpy as np

from miniflow_xp.backend import Array
from miniflow_xp.checks import usable_path
from miniflow_xp.data.ordinary import opened
from miniflow_xp.data.room import CHUNK, check_room, read_bytes
from miniflow_xp.errors import DataError

MAGIC = b"\x93NUMPY"
VERSIONS = {(1, 0): 2, (2, 0): 4, (3, 0): 4}  # {version: bytes of the header's length}
LONGEST_HEADER = 10_000  # as NumPy has it; Python's parser takes no harm from so little
MOST_AXES = 32
ARCHIVE = (b"PK\3\4", b"PK\5\6")  # what an archive starts with, an empty one too
LOCAL_HEADER = 30  # bytes before the name in a ZIP archive's header of a member
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
FOR_NAMES = "Give numbers; for names of classes class numbers: numpy.unique(names, return_inverse=True)[1]"


class Kind(NamedTuple):
    """What an array may hold: the dtypes as a header spells them, the word for it, and what to do about others."""

    dtypes: re.Pattern[str]
    word: str
    remedy: str


NUMBERS = Kind(re.compile(r"[<>|=](b1|[iu][1248]|f[248])", re.ASCII), "numbers", FOR_NAMES)
TEXTS = Kind(re.compile(r"[<>]U[1-9]\d{0,9}", re.ASCII), "texts", "Write the file anew")


class OtherKindError(ValueError):
    """A header that tells an array of something else, such as Python's objects or records."""


class Header(NamedTuple):
    """What a ``.npy`` file says of its array, which starts at ``offset``."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    order: str
    offset: int

    @property
    def nbytes(self) -> int:
        """Bytes of the array."""
        return prod(self.shape) * self.dtype.itemsize


def open_npy(path: str | Path) -> Array:
    """The array in a ``.npy`` file, mapped into memory for reading: it takes none until rows are read.

    Raises DataError, with file and offset, where it is no array of numbers or not as long as it says.
    """
    path = usable_path(path, "open_npy, path", DataError)
    with opened(path, "a NumPy file is read") as file:
        header = read_header(str(path), file)
        check_size(str(path), header, path.stat().st_size)
        return mapped_array(path, header)


def read_npz(path: str | Path, mapped: bool = False, names: Collection[str] | None = None) -> dict[str, Array]:
    """The arrays in a ``.npz`` archive by name, read into memory and compared with the archive's checksums.

    ``mapped``: map those that are not compressed (``numpy.savez`` does not) into memory, once they have been read
    through for their checksums. ``names``: those that are wanted; whatever else is in the archive is then not looked
    at. Raises DataError, with file and member, for all that ``open_npy`` does and for a damaged archive.
    """
    path = usable_path(path, "read_npz, path", DataError)
    with opened(path, "a NumPy file is read") as file, zipfile.ZipFile(file) as archive:
        found = members(path, file, archive, names)
        check_sizes(path, [info for info in found.values() if not (mapped and is_stored(info))])
        return {
            array_name(name): (map_member if mapped and is_stored(info) else load_member)(path, archive, info)
            for name, info in found.items()
        }


def npz_names(path: Path) -> list[str]:
    """The names of the arrays in an archive, which are not looked at; raises DataError."""
    with opened(path, "a NumPy file is read") as file, zipfile.ZipFile(file) as archive:
        check_start(path, file)
        return [array_name(info.filename) for info in archive.infolist()]


def mapped_array(path: Path, header: Header) -> Array:
    """The bytes from ``header.offset`` on as an array; an empty one cannot be mapped."""
    if not header.nbytes:
        return np.empty(header.shape, header.dtype)
    return np.memmap(path, header.dtype, "r", header.offset, header.shape, header.order)  # type: ignore[call-overload]  # "C" or "F"


def is_stored(info: zipfile.ZipInfo) -> bool:
    """Does a member lie in the archive as it is, neither compressed nor encrypted?"""
    return info.compress_type == zipfile.ZIP_STORED and not info.flag_bits & 1


def members(
    path: Path, file: IO[bytes], archive: zipfile.ZipFile, names: Collection[str] | None = None
) -> Mapping[str, zipfile.ZipInfo]:
    """The members of an archive, or those of these ``names``: each once and each a ``.npy`` file."""
    check_start(path, file)
    found: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        if names is not None and array_name(info.filename) not in names:
            continue
        if info.filename in found or not info.filename.endswith(".npy"):
            raise DataError(
                f"{path}, member {info.filename[:80]!r}",
                "it comes twice" if info.filename in found else "it is no .npy file",
                "an .npz archive holds arrays under different names",
                "Write it anew with numpy.savez",
            )
        if info.compress_type not in METHODS:  # the others' readers take all memory that a few bytes ask for
            raise DataError(
                f"{path}, member {info.filename[:80]!r}",
                f"it is compressed by method {info.compress_type}",
                "NumPy's archives are compressed by method 8, deflate, or not at all",
                "Write it anew with numpy.savez",
            )
        found[info.filename] = info
    return found


def check_sizes(path: Path, wanted: Sequence[zipfile.ZipInfo]) -> None:
    """Raise DataError where members would take more memory than the archive may."""
    names = ", ".join(repr(info.filename[:80]) for info in wanted[:5])
    check_room(f"{path}, member {names}", path, sum(info.file_size for info in wanted))


def check_start(path: Path, file: IO[bytes]) -> None:
    """Raise DataError where something stands before the archive: a program is no data, though ``zipfile`` takes it."""
    file.seek(0)
    start = file.read(4)
    if start not in ARCHIVE:
        refuse(str(path), 0, f"it starts with {start.hex(' ')}", "an .npz archive starts with PK")


def array_name(member: str) -> str:
    """The name of an array, without the end that the archive gives it."""
    return member.removesuffix(".npy")


def load_member(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo, kind: Kind = NUMBERS) -> Array:
    """An array in memory; reading it to its end makes ``zipfile`` compare the checksum."""
    where = f"{path}, member {info.filename[:80]!r}"
    with archive.open(info) as file:
        header = read_header(where, file, kind)
        check_size(where, header, info.file_size)
        data = read_bytes(file, header.nbytes + 1)  # one more, so that the end is seen
    check_size(where, header, header.offset + len(data))
    flat = np.frombuffer(data, header.dtype)
    return flat.reshape(header.shape, order=header.order)  # type: ignore[call-overload]  # "C" or "F"


def map_member(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Array:
    """An array that is not compressed, mapped where it lies in the archive; read to its end once, as in memory."""
    where = f"{path}, member {info.filename[:80]!r}"
    with archive.open(info) as file:
        header = read_header(where, file)
        check_size(where, header, info.file_size)
        while file.read(CHUNK):
            pass
    with path.open("rb") as file:
        file.seek(info.header_offset)
        local = file.read(LOCAL_HEADER)
    start = info.header_offset + LOCAL_HEADER
    start += int.from_bytes(local[26:28], "little") + int.from_bytes(local[28:30], "little")  # name and extra field
    if start + info.file_size > path.stat().st_size:
        refuse(where, start, "the archive ends before the member does", f"it takes {info.file_size:,} bytes")
    return mapped_array(path, header._replace(offset=start + header.offset))


def read_header(where: str, file: IO[bytes], kind: Kind = NUMBERS) -> Header:
    """The header, with nothing in it believed; ``file`` is then at the start of what the array holds."""
    start = file.read(8)
    if len(start) < 8 or not start.startswith(MAGIC):
        refuse(where, 0, f"it starts with {start[:6].hex(' ') or 'nothing'}", "a .npy file starts with 93 NUMPY")
    width = VERSIONS.get((start[6], start[7]))
    if width is None:
        refuse(where, 6, f"version {start[6]}.{start[7]}", "the format has versions 1.0, 2.0 and 3.0")
    length = int.from_bytes(file.read(width), "little")
    if not 0 < length <= LONGEST_HEADER:
        refuse(where, 8, f"it says that its header has {length:,} bytes", f"a header has 1 to {LONGEST_HEADER:,}")
    text = file.read(length)
    if len(text) < length:
        refuse(where, 8 + width + len(text), "it ends here", f"its header has {length:,} bytes")
    try:
        return Header(*parsed(text, kind), 8 + width + length)
    except OtherKindError as error:
        refuse(where, 8 + width, str(error), f"it tells an array of {kind.word}", kind.remedy)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError, Warning) as error:
        got = f"its header is not understood ({str(error)[:200]})"
        refuse(where, 8 + width, got, f"it tells an array of {kind.word}")


def parsed(text: bytes, kind: Kind) -> tuple[np.dtype[Any], tuple[int, ...], str]:
    """Dtype, shape and order in a header's text; raises what ``ast.literal_eval`` does, and ValueError."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # what Python only warns of, such as a wrong escape, no header holds
        found = ast.literal_eval(text.decode("utf-8"))
    if not isinstance(found, dict) or set(found) != {"descr", "fortran_order", "shape"}:
        raise ValueError("it has not just descr, fortran_order and shape")
    descr, fortran, shape = found["descr"], found["fortran_order"], found["shape"]
    if not isinstance(descr, str) or not kind.dtypes.fullmatch(descr):
        raise OtherKindError(f"dtype {str(descr)[:80]!r} is none of {kind.word}")
    if not isinstance(fortran, bool):
        raise ValueError("fortran_order is neither True nor False")
    if not isinstance(shape, tuple) or len(shape) > MOST_AXES or not all(type(n) is int and n >= 0 for n in shape):
        raise ValueError("the shape is impossible")
    dtype = np.dtype(descr)
    if prod(max(n, 1) for n in shape) * dtype.itemsize >= 2**63:
        raise ValueError("the shape is impossible")
    return dtype, shape, "F" if fortran else "C"


def check_size(where: str, header: Header, size: int) -> None:
    """Raise DataError unless the array fills the file to its end."""
    end = header.offset + header.nbytes
    if end != size:
        refuse(
            where,
            min(end, size),
            "it ends here" if size < end else f"it goes on here, to {size:,}",
            f"{header.dtype.name} in shape {header.shape} takes {header.nbytes:,} bytes from offset {header.offset} on",
        )


def refuse(where: str, offset: int, got: str, expected: str, remedy: str = "Write the file anew") -> NoReturn:
    """Raise DataError for what stands at ``offset``."""
    raise DataError(f"{where}, offset {offset:,}", got, expected, remedy)
