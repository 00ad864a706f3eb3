"""What can be read as data: an ordinary file, and no device that has no end or pipe that nobody writes to."""

from pathlib import Path

from miniflow_xp.errors import DataError
from miniflow_xp.system.files import FILE, kind_of

OPEN_ALREADY = ("/dev", "/dev/fd", "/proc/self/fd")  # where a shell's pipes are: /dev/stdin, and those of <(…)


def check_ordinary(path: Path, expected: str) -> None:
    """Raise DataError for a folder, a device or a pipe, and OSError where nothing can be known of it."""
    kind = kind_of(path.stat().st_mode)
    if kind != FILE:
        raise DataError(str(path), f"it is {kind}", expected, "Name an ordinary file")


def check_ordinary_or_open(path: Path, expected: str) -> None:
    """The same, but for a pipe that the shell has opened, whose other end somebody has."""
    if not (str(path.parent) in OPEN_ALREADY and path.is_fifo()):
        check_ordinary(path, expected)
