"""What must not happen while a stream is captured: waiting for the whole device, and giving memory back to it.

It imports no array library.
"""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

_turn = Lock()
_postponed: deque[Callable[[], None]] = deque()


@contextmanager
def undisturbed() -> Iterator[None]:
    """Inside, this thread alone captures, or waits for the whole device."""
    try:
        with _turn:
            yield
    finally:
        _catch_up()


def when_undisturbed(work: Callable[[], None]) -> None:
    """Do ``work`` now, or after whoever captures. It never waits: the garbage collector may call it at any point."""
    _postponed.append(work)
    _catch_up()


def _catch_up() -> None:
    while _postponed and _turn.acquire(blocking=False):
        try:
            if _postponed:  # another thread may have been quicker
                _postponed.popleft()()
        finally:
            _turn.release()
