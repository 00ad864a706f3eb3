"""IDX files, the format of MNIST and its like, plain or compressed by gzip.

Two bytes of 0; one that tells the type; one with the number of axes; for each axis its size in 4 bytes, most
significant first; then the numbers in C order, most significant byte first. (Y. LeCun, C. Cortes, C. Burges, The MNIST
database of handwritten digits, 1998.)
"""

from math import prod
from pathlib import Path
from typing import IO, NamedTuple, NoReturn

import numpy as np

from miniflow_xp.backend import Array
from miniflow_xp.checks import usable_path
from miniflow_xp.data.ordinary import opened, unpacked
from miniflow_xp.data.room import check_room, read_bytes
from miniflow_xp.errors import DataError

TYPES = {8: ">u1", 9: ">i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
MOST_AXES = 32


class Source(NamedTuple):
    """An open file, decompressed where it is a gzip file (``zipped``), and its path for complaints."""

    path: Path
    file: IO[bytes]
    zipped: bool

    def bytes(self, count: int) -> bytearray:
        """So many bytes, or fewer where the file ends."""
        return read_bytes(self.file, count)

    def refuse(self, offset: int, got: str, expected: str, remedy: str = "Get the file anew") -> NoReturn:
        """Raise DataError for what stands at ``offset``, counted after decompression."""
        raise DataError(f"{self.path}, offset {offset:,}", got, expected, remedy)


def read_idx(path: str | Path) -> Array:
    """The array in an IDX file, in this machine's byte order; whether it is compressed, its content tells.

    Raises DataError, with file and offset, for another magic number, a short file, bytes left over and impossible
    sizes, and for a compressed file that is cut off or damaged.
    """
    path = usable_path(path, "read_idx, path", DataError)
    with opened(path, "an IDX file is read") as plain:
        file = unpacked(plain)
        return content(Source(path, file, file is not plain))


def content(source: Source) -> Array:
    """The array in an open file."""
    dtype, shape, offset = header(source)
    expected = prod(shape) * dtype.itemsize
    if source.zipped:  # a plain file gives no more than it has
        check_room(f"{source.path}, offset 4, shape {shape}", source.path, expected)
    data = source.bytes(expected + 1)  # one more, to see that there is none
    if len(data) < expected:
        source.refuse(
            offset + len(data),
            "the file ends here",
            f"{dtype.name} in shape {shape} takes {expected:,} bytes from offset {offset:,} on",
        )
    if len(data) > expected:
        source.refuse(
            offset + expected, "the file goes on here", f"{dtype.name} in shape {shape} takes {expected:,} bytes"
        )
    array = np.frombuffer(data, dtype).reshape(shape)
    return array.astype(dtype.newbyteorder("="), copy=False)


def header(source: Source) -> tuple[np.dtype[np.generic], tuple[int, ...], int]:
    """Dtype, shape, and the offset at which the numbers start."""
    magic = source.bytes(4)
    if len(magic) < 4 or magic[:2] != b"\0\0":
        source.refuse(
            0, f"the file starts with {bytes(magic).hex(' ') or 'nothing'}", "an IDX file starts with 00 00", "Check it"
        )
    if magic[2] not in TYPES:
        source.refuse(
            2, f"type {magic[2]:#04x}", f"an IDX type is one of {', '.join(f'{t:#04x}' for t in TYPES)}", "Check it"
        )
    axes = magic[3]
    if not 1 <= axes <= MOST_AXES:
        source.refuse(3, f"{axes} axes", f"there are 1 to {MOST_AXES}", "Check the file")
    sizes = source.bytes(4 * axes)
    if len(sizes) < 4 * axes:
        source.refuse(4 + len(sizes), "the file ends here", f"the sizes of {axes} axes end at offset {4 + 4 * axes}")
    shape = tuple(int.from_bytes(sizes[n : n + 4], "big") for n in range(0, 4 * axes, 4))
    dtype: np.dtype[np.generic] = np.dtype(TYPES[magic[2]])
    if prod(max(n, 1) for n in shape) * dtype.itemsize >= 2**63:
        source.refuse(4, f"shape {shape}", "an array has less than 2⁶³ bytes", "Check the file")
    return dtype, shape, 4 + 4 * axes
