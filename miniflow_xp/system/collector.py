"""Python's collector of cyclic garbage, and how to keep it from running.

It goes through young objects again and again, and now and then through all: where hundreds of thousands are made that
stay, that takes as long as making them.
"""

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import get_ident

from miniflow_xp.system.locks import lock

_lock = lock()
_inside: list[int] = []  # threads, once for each block that they are in
_was_on = False


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    """Inside, in whatever thread, no cyclic garbage is collected; after the last such block it is again, if before."""
    thread = get_ident()
    try:
        _enter(thread)
        yield
    finally:
        _leave(thread)


def _enter(thread: int) -> None:
    global _was_on
    with _lock:
        if not _inside:
            _was_on = gc.isenabled()
        _inside.append(thread)
        gc.disable()


def _leave(thread: int) -> None:
    with _lock:
        if thread in _inside:
            _inside.remove(thread)
        _go_on()


def _go_on() -> None:
    if _was_on and not _inside:
        gc.enable()


def _forget_others() -> None:
    """A forked process has none of the other threads, which would have left their blocks."""
    if _inside:
        _inside[:] = [thread for thread in _inside if thread == get_ident()]
        _go_on()


if hasattr(os, "register_at_fork"):  # where there is fork
    os.register_at_fork(after_in_child=_forget_others)
