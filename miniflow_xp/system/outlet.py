"""Standard output that may close under long work, which goes on."""

import errno
import io
import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Outlet(io.FileIO):
    """A file that never fails: what it does not take is dropped, and ``lost`` says why. Its descriptor stays open."""

    def __init__(self, file: int | str, lost: OSError | None = None) -> None:
        super().__init__(file, "w", closefd=isinstance(file, str))
        self.lost = lost

    def write(self, data: Any, /) -> int:
        while self.lost is None:
            try:
                count: int | None = super().write(data)
                if count is not None:
                    return count
                select.select([], [self], [])  # whoever shares a pipe may have let it not wait
            except OSError as error:
                self.lost = error
        return memoryview(data).nbytes


@contextmanager
def lasting(name: str) -> Iterator[None]:
    """Let ``sys.stdout`` or ``sys.stderr`` take whatever is written to it; ``loss`` tells what became of it.

    A name that it cannot show is no reason to stop either.
    """
    before = getattr(sys, name)
    buffer = getattr(before, "buffer", None)
    if before is None:  # closed, which Python says so
        raw = Outlet(os.devnull, OSError(errno.EBADF, "it is closed"))
    elif type(getattr(buffer, "raw", buffer)) is io.FileIO:
        before.flush()
        raw = Outlet(before.fileno())
    else:  # a console of Windows, a notebook, a test
        if isinstance(before, io.TextIOWrapper):
            before.reconfigure(errors="replace")
        yield
        return
    stream = io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=getattr(before, "encoding", "utf-8"),
        errors="replace",
        line_buffering=getattr(before, "line_buffering", False),
        write_through=getattr(before, "write_through", False),
    )
    setattr(sys, name, stream)
    try:
        yield
    finally:
        setattr(sys, name, before)
        stream.close()


def loss() -> OSError | None:
    """Why what was written to standard output so far did not all arrive; None where it did, as far as is known."""
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return raw.lost if isinstance(raw, Outlet) else None
