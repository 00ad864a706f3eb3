"""Locks that a forked process finds free: it has none of the threads that may have held them."""

import os
from contextlib import AbstractContextManager
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
    return made


def _before_fork() -> None:
    for wanted in (_sets, *_awaited):
        wanted.acquire()
        _taken.append(wanted)


def _after_fork() -> None:
    while _taken:
        _taken.pop().release()


def _in_child() -> None:
    _after_fork()
    for other in _others:
        other._at_fork_reinit()  # noqa: SLF001  as Python's own modules do


if hasattr(os, "register_at_fork"):  # where there is fork
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_in_child)
