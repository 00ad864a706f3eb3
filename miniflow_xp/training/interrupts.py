"""Ctrl-C and the signals that end a process, as a request that is looked at between two steps."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

CTRL_C = signal.SIGINT
ENDING = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]  # Windows has no SIGHUP


class StopRequest(threading.Event):
    """Set when training is to end; ``number`` is that of the signal that asked for it first."""

    number = 0
    nested = False  # within a block of the same kind, which is asked too

    @property
    def name(self) -> str:
        """The signal, for people."""
        return "Ctrl-C" if self.number == CTRL_C else signal.Signals(self.number).name

    def also_get(self, number: int) -> None:
        """Another process was sent this signal: as if it had come here."""
        if self.number:
            return
        if isinstance(signal.getsignal(number), SignalHandler):
            signal.raise_signal(number)
        else:
            self.number = number
            self.set()

    def end_among_others(self, who: str, step: int) -> None:
        """After the block, in one of several processes: say who ends, and end for Ctrl-C too, as launchers expect."""
        if self.number and not self.nested:
            print(f"{who}: stopped by {self.name} after step {step}", file=sys.stderr, flush=True)
        if self.number == CTRL_C and not self.nested:
            raise SystemExit(128 + self.number)

    def pass_on(self) -> None:
        """After the block, and when all is saved: end the process where SIGTERM or SIGHUP asked for it."""
        if self.number in ENDING and not self.nested:
            end_by(self.number)


@contextmanager
def interrupts(asked: StopRequest | None = None) -> Iterator[StopRequest]:
    """An event that Ctrl-C, SIGTERM and SIGHUP set, in an enclosing block of this kind too; the second acts at once.

    In other threads nothing is caught. Where a signal is ignored it stays so, and where somebody else handles SIGTERM
    or SIGHUP.
    """
    asked = asked or StopRequest()
    before = {number: signal.getsignal(number) for number in (CTRL_C, *ENDING)}
    caught = {number: handler for number, handler in before.items() if is_caught(number, handler)}
    for number, handler in caught.items():
        if isinstance(handler, SignalHandler):
            asked.nested = True
            asked.number = asked.number or handler.asked.number
        signal.signal(number, SignalHandler(asked, handler))
    if asked.number:
        asked.set()
    try:
        yield asked
    finally:
        for number, handler in caught.items():
            signal.signal(number, handler)


def end_by(number: int) -> None:
    """End the process as the signal would have done; by its exit code if that does nothing, as in a container."""
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)
    raise SystemExit(128 + number)


def is_caught(number: int, before: Any) -> bool:
    """Is this signal caught, where ``before`` handles it?"""
    if threading.current_thread() is not threading.main_thread() or before in (signal.SIG_IGN, None):
        return False  # None: by something that is no Python
    return number == CTRL_C or before is signal.SIG_DFL or isinstance(before, SignalHandler)


class SignalHandler:
    """Handles a signal; a fork of the process goes back to ``before``, the handler that was there."""

    def __init__(self, asked: StopRequest, before: Any) -> None:
        self.asked, self.before, self.process = asked, before, os.getpid()

    def __call__(self, number: int, frame: Any) -> None:
        if os.getpid() != self.process:
            signal.signal(number, self.before)
            signal.raise_signal(number)
            return
        first = not self.asked.is_set()
        self.asked.number = self.asked.number or number
        self.asked.set()
        if isinstance(self.before, SignalHandler) or (not first and callable(self.before)):
            self.before(number, frame)
        elif not first and number == CTRL_C:
            raise KeyboardInterrupt
        elif not first:
            end_by(number)
