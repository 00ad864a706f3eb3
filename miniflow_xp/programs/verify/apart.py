"""Run a check in a process of its own: a fault of the device ends with that process and spoils no other check."""

import signal
import time
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

from miniflow_xp.programs.verify.report import FAILED, NOT_CHECKED, Figures, Verdict, check
from miniflow_xp.switch import load
from miniflow_xp.system.processes import start


class Check(NamedTuple):
    """Number, name and place of a check; ``place`` is "module:function", a module of this folder with a dot before it.

    ``function(figures)``, and ``function(backend, figures)`` where it ``needs_gpu``, raises where the check fails.
    """

    number: int
    name: str
    place: str
    needs_gpu: bool = True


def run_check(one: Check, seconds: float | None) -> Verdict:
    """Run a check in a process of its own for at most so many seconds; figures that it sent by then are kept."""

    def left() -> float | None:
        return None if seconds is None else max(0.0, began + seconds - time.perf_counter())

    def ended(verdict: str, note: str) -> Verdict:
        return Verdict(one.number, one.name, verdict, time.perf_counter() - began, figures, note)

    began = time.perf_counter()
    process, pipe = start(serve, one, daemon=False)  # torch.compile starts processes of its own there
    figures: dict[str, Any] = {}
    try:
        while pipe.poll(left()):
            message = pipe.recv()
            if isinstance(message, Verdict):
                return message
            name, value = message
            figures[name] = value
        return ended(NOT_CHECKED, f"stopped after {seconds:.0f} s: no time left")
    except (EOFError, OSError):
        process.join()
        return ended(FAILED, f"its process ended (exit code {process.exitcode})")
    finally:
        pipe.close()
        process.kill()
        process.join()


def serve(one: Check, pipe: Connection) -> None:
    """Run a check in this process and send each figure, then the verdict. The parent handles Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    figures = Figures(lambda name, value: pipe.send((name, value)))
    pipe.send(check(one.number, one.name, lambda found: run_here(one, found), figures))


def run_here(one: Check, figures: Figures) -> None:
    """Run a check in this process, on CuPy's GPU where it needs one; raises where it fails."""
    module, _, function = one.place.partition(":")
    run = getattr(import_module(module, __package__), function)
    if not one.needs_gpu:
        run(figures)
        return
    backend = load("cupy")
    with backend.activate():
        run(backend, figures)
