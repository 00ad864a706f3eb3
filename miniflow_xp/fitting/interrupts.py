"""Ctrl-C and the signals that end a process, as a wish that is looked at between two steps."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

CTRL_C = signal.SIGINT
ENDING = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]  # Windows has no SIGHUP


class Asked(threading.Event):
    """Set when training is to end; ``number`` is that of the signal that asked for it first."""

    number = 0

    @property
    def name(self) -> str:
        """The signal, for people."""
        return "Ctrl-C" if self.number == CTRL_C else signal.Signals(self.number).name


@contextmanager
def interrupts() -> Iterator[Asked]:
    """An event that Ctrl-C, SIGTERM and SIGHUP set, in an enclosing block of this kind too; the second acts at once.

    After the block of SIGTERM or SIGHUP the process ends, by SystemExit with the usual code, 143 or 129. In other
    threads nothing is caught. Where a signal is ignored it stays so, and where somebody else handles SIGTERM or SIGHUP.
    """
    asked = Asked()
    before = {number: signal.getsignal(number) for number in (CTRL_C, *ENDING)}
    caught = [number for number in before if is_caught(number, before[number])]
    for number in caught:
        asked.number = asked.number or already(before[number])
        signal.signal(number, Told(asked, before[number]))
    if asked.number:
        asked.set()
    try:
        yield asked
    finally:
        for number in caught:
            signal.signal(number, before[number])
    if asked.number in ENDING and not isinstance(before[asked.number], Told):
        raise SystemExit(128 + asked.number)


def is_caught(number: int, before: Any) -> bool:
    """Is a signal caught that has this handler?"""
    if threading.current_thread() is not threading.main_thread() or before in (signal.SIG_IGN, None):
        return False  # None: by something that is no Python
    return number == CTRL_C or before is signal.SIG_DFL or isinstance(before, Told)


def already(before: Any) -> int:
    """The signal that an enclosing block was told of; 0 where there is none."""
    return before.asked.number if isinstance(before, Told) else 0


class Told:
    """A handler of a signal. ``before``: the one that was there, which a fork of the process goes back to."""

    def __init__(self, asked: Asked, before: Any) -> None:
        self.asked, self.before, self.process = asked, before, os.getpid()

    def __call__(self, number: int, frame: Any) -> None:
        if os.getpid() != self.process:
            signal.signal(number, self.before)
            signal.raise_signal(number)
            return
        first = not self.asked.is_set()
        self.asked.number = self.asked.number or number
        self.asked.set()
        if isinstance(self.before, Told) or (not first and callable(self.before)):
            self.before(number, frame)
        elif not first and number == CTRL_C:
            raise KeyboardInterrupt
        elif not first:
            raise SystemExit(128 + number)
