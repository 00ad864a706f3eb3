"""Locks that a forked process finds free: it has none of the threads that may have held them."""

import os
from contextlib import AbstractContextManager
from functools import cache
from threading import RLock
from typing import Any, TypeAlias
from weakref import WeakSet

Lock: TypeAlias = AbstractContextManager[Any]

_awaited: "WeakSet[Any]" = WeakSet()
_others: "WeakSet[Any]" = WeakSet()
_sets = RLock()  # for these sets
_taken: list[Any] = []


def lock(fork_waits: bool = False) -> Lock:
    """A lock for ``with``; the thread that holds it may take it again.

    ``fork_waits``: a fork waits until no other thread holds it, so that both processes find what it guards whole. Only
    for locks whose holders wait for no other lock of this kind.
    """
    made = RLock()
    with _sets:
        (_awaited if fork_waits else _others).add(made)
    if fork_waits:
        _wait_at_forks()
    return made


@cache
def _wait_at_forks() -> None:
    """Have forks wait from now on.

    The hook that is registered last is called first. So it comes when the first lock is made and the holders' threads
    are imported: theirs, which take locks that a holder may want, are called after ours.
    """
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)


def _before_fork() -> None:
    _sets.acquire()
    _taken.append(_sets)
    for awaited in list(_awaited):
        awaited.acquire()
        _taken.append(awaited)


def _after_fork() -> None:
    while _taken:
        _taken.pop().release()


def _free() -> None:
    for other in _others:
        other._at_fork_reinit()  # noqa: SLF001  as Python's own modules do


if hasattr(os, "register_at_fork"):  # where there is fork
    os.register_at_fork(after_in_child=_free)
