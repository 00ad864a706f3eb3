"""Ctrl-C as a wish that is looked at between two steps."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def interrupts() -> Iterator[threading.Event]:
    """An event that Ctrl-C sets, in an enclosing block of this kind too; the second Ctrl-C interrupts at once.

    In other threads nothing is caught, and where Ctrl-C is ignored it stays so.
    """
    asked = threading.Event()
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before is signal.SIG_IGN:
        yield asked
        return
    told = Told(asked, before)
    signal.signal(signal.SIGINT, told)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)


class Told:
    """A handler of Ctrl-C. ``before``: the one that was there."""

    def __init__(self, asked: threading.Event, before: Any) -> None:
        self.asked, self.before = asked, before

    def __call__(self, number: int, frame: Any) -> None:
        first = not self.asked.is_set()
        self.asked.set()
        if isinstance(self.before, Told) or (not first and callable(self.before)):
            self.before(number, frame)
        elif not first:
            raise KeyboardInterrupt
