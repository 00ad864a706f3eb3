"""Threads that work at once, each on cores of its own.

A thread that waits for the interpreter's lock sleeps, and Linux may wake it on the core of the thread that gave the
lock up; the two then share that core, beside an idle one, until cores are balanced milliseconds later: longer than most
of what they do together takes.
"""

import itertools
import os
from collections.abc import Callable
from contextlib import suppress


def bound_in_turn(threads: int) -> Callable[[], None]:
    """To be called by each of so many threads: binds it to its share of the cores that the caller of this one may use.

    Where there are fewer cores than threads, or the system does not bind threads or forbids it, they are left alone.
    """
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    numbers = itertools.count()

    def bind() -> None:
        number = next(numbers)
        share = cores[number * len(cores) // threads : (number + 1) * len(cores) // threads]
        if len(cores) >= threads:
            with suppress(OSError):  # forbidden, or these cores were taken from the process
                os.sched_setaffinity(0, share)

    return bind
