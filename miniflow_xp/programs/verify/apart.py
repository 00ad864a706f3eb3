"""A check in a process of its own: a fault of the device lasts as long as its process, and spoils no other check."""

import signal
import time
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from miniflow_xp.programs.verify.report import FAILED, NOT_CHECKED, Figures, Verdict, check
from miniflow_xp.switch import load
from miniflow_xp.system.processes import start


class Check(NamedTuple):
    """A check by number and name; ``place`` is its "module:function", a module of this folder with a dot before it.

    ``function(figures)``, and ``function(backend, figures)`` where it ``needs_gpu``, raises where it is not passed.
    """

    number: int
    name: str
    place: str
    needs_gpu: bool = True


def checked(one: Check, seconds: float | None) -> Verdict:
    """Make a check in a process of its own, and end it after so many seconds; figures that it told by then are kept."""

    def left() -> float | None:
        return None if seconds is None else max(0.0, began + seconds - time.perf_counter())

    def instead(verdict: str, note: str) -> Verdict:
        return Verdict(one.number, one.name, verdict, time.perf_counter() - began, figures, note)

    began = time.perf_counter()
    process, pipe = start(serve, one, daemon=False)  # torch.compile starts processes of its own there
    figures: dict[str, Any] = {}
    try:
        while pipe.poll(left()):
            told = pipe.recv()
            if isinstance(told, Verdict):
                return told
            name, value = told
            figures[name] = value
        return instead(NOT_CHECKED, f"stopped after {seconds:.0f} s: no time left")
    except (EOFError, OSError):
        process.join()
        return instead(FAILED, f"its process ended (exit code {process.exitcode})")
    finally:
        pipe.close()
        process.kill()
        process.join()


def serve(one: Check, pipe: Connection) -> None:
    """Make a check here, tell each figure, then the verdict. Ctrl-C is the parent's to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    figures = Figures(lambda name, value: pipe.send((name, value)))
    pipe.send(check(one.number, one.name, lambda found: make(one, found), figures))


def make(one: Check, figures: Figures) -> None:
    """Make a check, on CuPy's GPU where it needs one."""
    module, _, function = one.place.partition(":")
    run = getattr(import_module(module, __package__), function)
    if not one.needs_gpu:
        run(figures)
        return
    backend = load("cupy")
    with backend.activate():
        run(backend, figures)
