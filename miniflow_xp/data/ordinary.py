"""What can be read as data: an ordinary file, and no device that has no end or pipe that nobody writes to."""

import gzip
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from miniflow_xp.errors import DataError, MiniflowError
from miniflow_xp.system.files import FILE, kind_of

OPEN_ALREADY = ("/dev", "/dev/fd", "/proc/self/fd")  # where a shell's pipes are: /dev/stdin, and those of <(…)
GZIP_STARTS_WITH = b"\x1f\x8b"
UNPACKING = (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error, KeyError)


@contextmanager
def opened(path: Path, expected: str) -> Iterator[IO[bytes]]:
    """An ordinary file while it is read; what Python's libraries raise in the block is told as DataError."""
    try:
        check_ordinary(path, expected)
        with path.open("rb") as file:
            yield file
    except MiniflowError:
        raise
    except FileNotFoundError:
        raise DataError(str(path), "there is no such file", expected, "Check name and folder") from None
    except (OSError, MemoryError, OverflowError, ValueError, *UNPACKING) as error:
        why = getattr(error, "strerror", None) or str(error) or "it does not fit into memory"
        raise DataError(str(path), "it cannot be read", why, "Get the file anew") from None


def unpacked(file: IO[bytes]) -> IO[bytes]:
    """The file, decompressed where it is a gzip file, whatever its name."""
    start = file.peek(2)[:2]  # type: ignore[attr-defined]  # a file opened for binary reading is buffered
    return gzip.open(file) if start == GZIP_STARTS_WITH else file  # type: ignore[return-value]  # both are read from


def check_ordinary(path: Path, expected: str) -> None:
    """Raise DataError for a folder, a device or a pipe, and OSError where nothing can be known of it."""
    kind = kind_of(path.stat().st_mode)
    if kind != FILE:
        raise DataError(str(path), f"it is {kind}", expected, "Name an ordinary file")


def check_ordinary_or_open(path: Path, expected: str) -> None:
    """The same, but for a pipe that the shell has opened, whose other end somebody has."""
    if not (str(path.parent) in OPEN_ALREADY and path.is_fifo()):
        check_ordinary(path, expected)
