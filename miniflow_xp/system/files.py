"""Writing a file so that there is, at every moment, either the old one or the new one, whole."""

import errno
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeAlias

from miniflow_xp.errors import SettingError

Buffer: TypeAlias = Any
"""What a file takes: bytes, or a contiguous array; ``collections.abc.Buffer`` from Python 3.12 on."""

SUFFIX = ".tmp"
FILE, FOLDER = "a file", "a folder"
NO_FILE = "it is no ordinary file, and would be replaced by one"
LONGEST_STEM = 30  # characters, at most 120 bytes: with the rest at most 142, and file systems allow 143 or 255
FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC), errno.EFBIG)
UNSUPPORTED = (errno.EINVAL, errno.ENOTSUP)  # some network drives cannot bring a folder to the disk


def write_atomically(path: Path, chunks: Iterable[Buffer]) -> None:
    """Write the chunks of bytes to a temporary file in the same folder, bring it to the disk, and rename it.

    A power cut leaves the old file or the new one. On an error, or Ctrl-C, the old file stays and the temporary one
    goes; only a process that is killed leaves it behind, under the name that ``temporary`` gives. A link is followed.
    The new file has the permissions of the old one. Raises OSError, also where a device, a pipe or a folder is there.
    """
    bits = permissions(path)
    path = Path(os.path.realpath(path))
    written = temporary(path)
    try:
        with written.open("xb") as file:
            if bits is not None and bits != permissions(written):
                written.chmod(bits)  # before there is something to read in it
            for chunk in chunks:
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        written.replace(path)
    except BaseException:
        written.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write(name: str, path: Path, chunks: Iterable[Buffer]) -> None:
    """``write_atomically``; raises SettingError, which begins with ``name``, what asked for the file."""
    try:
        write_atomically(path, chunks)
    except OSError as error:
        raise not_written(name, path, error) from None


def not_written(name: str, path: Path, error: OSError) -> SettingError:
    """The error for a file that could not be written."""
    return SettingError(
        f"{name} {path}", "it could not be written", error.strerror or str(error), remedy(error, "file")
    )


def permissions(path: Path) -> int | None:
    """Who may read, write and run the file, as bits; None where there is none; raises OSError for what is no file."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return None
    if kind_of(mode) != FILE:
        raise OSError(errno.EINVAL, NO_FILE)
    return mode & 0o777


def kind_of(mode: int) -> str:
    """What stands there, by the bits of its mode; only FILE can be read to its end, and replaced."""
    if stat.S_ISREG(mode):
        return FILE
    if stat.S_ISDIR(mode):
        return FOLDER
    return "a pipe" if stat.S_ISFIFO(mode) else "a device or a socket"


def temporary(path: Path) -> Path:
    """Where a file is written before it gets its name; another process, or another call, gets another one."""
    return path.with_name(f".{path.name[:LONGEST_STEM]}.{os.getpid()}-{os.urandom(4).hex()}{SUFFIX}")


def remedy(error: OSError, what: str) -> str:
    """What to do about a file that could not be written: there is another file, or another folder, ``what``."""
    return f"Make room, or choose another {what}" if error.errno in FULL else f"Choose another {what}"


def leftovers(folder: Path, names: str) -> list[Path]:
    """Temporary files in a folder; ``names`` is a pattern that their names would have got, 30 characters at most."""
    return sorted(folder.glob(f".{names}.*{SUFFIX}"))


def sync_folder(folder: Path) -> None:
    """Bring a folder's names to the disk, where the system can: Windows has no such call."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise
    finally:
        os.close(handle)
