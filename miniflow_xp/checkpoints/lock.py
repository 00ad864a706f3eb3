"""One run at a time in a folder: a file that the run's process keeps locked, and that says which process it is.

The lock is the operating system's: it ends with the process, however that ends, and forks do not keep it. The text is
for people, and for folders in a network where a lock may not reach other hosts, or where there are none: there the file
itself is the lock, and what a killed process left is deleted by hand.
"""

import errno
import os
import platform
import sys
from contextlib import suppress
from pathlib import Path

from miniflow_xp.errors import DataError

NAME = ".lock"
FLAGS = os.O_RDWR | getattr(os, "O_NONBLOCK", 0)  # a named pipe in its place is not waited for
NO_LOCKS = (errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK, errno.EINVAL)
LONGEST = 300  # bytes that are read of the text
_handles: set[int] = set()  # of the locks that this process holds


class Lock:
    """The lock of a folder, until ``release``; ``left`` names a process that was killed while it held the lock.

    Raises DataError where another one holds it, in this process too, or may hold it on another host; OSError where
    there can be no file.
    """

    def __init__(self, folder: Path) -> None:
        self.path, self.left = folder / NAME, ""
        while not self._take():  # another one has just released it
            pass

    def _take(self) -> bool:
        self._handle, new = opened(self.path)
        try:
            self.left = claimed(self.path, self._handle, new)
            found = is_at(self.path, self._handle)
            if found:
                write(self._handle, me())
        except BaseException:
            os.close(self._handle)
            raise
        if found:
            _handles.add(self._handle)
        else:
            os.close(self._handle)
        return found

    def release(self) -> None:
        """Let others in, and delete the file where the system allows that while it is open."""
        if self._handle not in _handles:  # in a fork of the process that holds it
            return
        with suppress(OSError):  # a folder that is gone is nobody's
            os.ftruncate(self._handle, 0)
            if is_at(self.path, self._handle):
                self.path.unlink()
        _handles.discard(self._handle)
        os.close(self._handle)


def opened(path: Path) -> tuple[int, bool]:
    """The file, open; and whether it was made."""
    while True:
        try:
            return os.open(path, FLAGS | os.O_CREAT | os.O_EXCL, 0o666), True
        except FileExistsError:
            with suppress(FileNotFoundError):  # deleted just now
                return os.open(path, FLAGS), False


def claimed(path: Path, handle: int, new: bool) -> str:
    """Lock the file; returns the dead process that it names. Raises DataError where that process may be alive."""
    try:
        sure = lock(handle)
    except (BlockingIOError, PermissionError):
        raise busy(path, read(handle)) from None
    left = read(handle)
    if not (sure or new) or (left and not left.endswith(host())):
        raise busy(path, left)
    return left


def lock(handle: int) -> bool:
    """Lock an open file, where there are locks; raises BlockingIOError or PermissionError where another one has."""
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(handle, 2**30, os.SEEK_SET)  # behind the text, which others are to read
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in NO_LOCKS:
            return False
        raise
    return True


def busy(path: Path, who: str) -> DataError:
    """The error for a folder that another run uses."""
    return DataError(
        str(path.parent),
        f"{who or 'another process'} saves checkpoints there",
        "a folder belongs to one run at a time",
        f"Wait for its end, or choose another folder; if it lives no longer, delete {path}",
    )


def me() -> str:
    """How this process is named in the file."""
    return f"process {os.getpid()}{host()}"


def host() -> str:
    """The end of every text that is written on this host."""
    return f" on {platform.node() or 'this host'}"


def is_at(path: Path, handle: int) -> bool:
    """Is this open file the one of that name?"""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def read(handle: int) -> str:
    """The text, on one line; it may be anybody's."""
    os.lseek(handle, 0, os.SEEK_SET)
    return " ".join(os.read(handle, LONGEST).decode(errors="replace").split())


def write(handle: int, text: str) -> None:
    """Replace the content of the file by this text."""
    os.ftruncate(handle, 0)
    os.lseek(handle, 0, os.SEEK_SET)
    os.write(handle, text.encode())


def forget() -> None:
    """In a fork: close what belongs to the process that it came from."""
    for handle in _handles:
        os.close(handle)
    _handles.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=forget)
