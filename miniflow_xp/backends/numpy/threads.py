"""How the calls of a capture are made: one by one, on threads that all captures share, or uninterrupted.

There are as many threads as BLAS uses; meanwhile BLAS runs each product on one.
"""

import os
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from itertools import starmap
from operator import call
from threading import Lock
from typing import Any, NamedTuple

import numpy as np

from miniflow_xp.backends.numpy.blas import blas_threads, one_blas_thread, one_blas_thread_here
from miniflow_xp.backends.numpy.cores import bound_in_turn
from miniflow_xp.backends.numpy.scratch import Call

_pool: ThreadPoolExecutor | None = None
_turn = Lock()  # of who has the threads work
_away: deque[Any] = deque(maxlen=0)  # takes what an iterator gives, and keeps nothing


def run(calls: Sequence[Call]) -> None:
    """Make the calls, in order."""
    for function, args in calls:
        function(*args)


class Rows(NamedTuple):
    """A chunk: the rows ``first`` to ``last`` of arguments go to buffers, results come from buffers.

    ``arguments`` and ``results``: (number, buffer).
    """

    first: int
    last: int
    arguments: Sequence[tuple[int, np.ndarray]]
    calls: Sequence[Call]
    results: Sequence[tuple[int, np.ndarray]]


def run_rows(chunks: Sequence[Rows], arrays: Sequence[np.ndarray], results: Sequence[np.ndarray]) -> None:
    """Compute rows of ``results`` from those of ``arrays``, chunk by chunk."""
    for first, last, given, calls, found in chunks:
        for number, buffer in given:
            buffer[...] = arrays[number][first:last]
        run(calls)
        for number, buffer in found:
            results[number][first:last] = buffer


def run_whole(calls: Sequence[tuple[Any, ...]]) -> None:
    """Make all calls (function, *arguments), none of which runs Python code, so that Ctrl-C cannot interrupt them.

    An error, such as an overflow where NumPy is set to raise it, is raised after the last call.
    """
    rest = starmap(call, calls)
    try:
        _away.extend(rest)
    except BaseException:
        with np.errstate(all="ignore"):
            _away.extend(rest)
        raise


def run_at_once(parts: Sequence[Callable[[], None]]) -> None:
    """Call each part on a thread of its own, where BLAS runs each product on one."""
    if len(parts) == 1:
        parts[0]()
        return
    with one_blas_thread():
        run_together(parts)


def run_together(parts: Sequence[Callable[[], Any]]) -> None:
    """Call each part on a thread of its own, which handles NumPy's errors as this one does.

    The calling thread waits, as it cannot be bound to a core for a while: an interruption might leave it bound. Who
    comes while others have their turn calls the parts itself: one of these threads, all of which may be waiting; the
    handler of a signal that came amid the handing over; a thread that is not ours, and has a core of its own.
    """
    if _turn.locked():
        for part in parts:
            part()
        return
    begun: list[Future[Any]] = []
    with _turn:
        try:
            begun.extend(pool().submit(copy_context().run, part) for part in parts)  # what was begun is waited for
            _away.extend(map(Future.result, begun))
        finally:
            wait(begun)
            begun.clear()  # an error holds this frame, and would be held by it


def pool() -> ThreadPoolExecutor:
    """The threads, each bound to cores of its own; a forked process has none of them and makes its own."""
    global _pool
    if _pool is None:
        threads = blas_threads()
        _pool = ThreadPoolExecutor(threads, "miniflow_xp", _begin, (bound_in_turn(threads),))
    return _pool


def _begin(bind: Callable[[], None]) -> None:
    """The first that a thread does."""
    bind()
    one_blas_thread_here()


def _forget() -> None:
    global _pool, _turn
    _pool, _turn = None, Lock()


if hasattr(os, "register_at_fork"):  # where there is fork
    os.register_at_fork(after_in_child=_forget)
