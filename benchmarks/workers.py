"""One process for each array library, so that their thread pools do not meet; only one of them works at a time."""

from collections.abc import Callable
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.connection import Connection
from time import perf_counter, sleep
from typing import Any

from benchmarks.problem import Problem

MODULES = {
    "numpy": "benchmarks.numpy_contestants",
    "torch": "benchmarks.torch_contestants",
    "jax": "benchmarks.jax_contestants",
}
SPIN = 0.2  # seconds after which no thread of an idle worker spins; about 0.1 was seen
WARM = 0.03  # seconds of steps before a slice begins


class Worker:
    """The contestants of one library, in a process of their own."""

    def __init__(self, library: str) -> None:
        self.library = library
        self._pipe, other = get_context("spawn").Pipe()
        self._process = get_context("spawn").Process(target=serve, args=(MODULES[library], other), daemon=True)
        self._process.start()
        other.close()
        self.names: list[str] = self._ask("names")

    def _ask(self, *question: Any) -> Any:
        self._pipe.send(question)
        answer = self._pipe.recv()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def prepare(self, name: str, size: tuple[int, int, int]) -> list[float]:
        """Build a contestant's step, warm it up; returns the costs of its first ten steps."""
        costs: list[float] = self._ask("prepare", name, size)
        return costs

    def slice(self, name: str, steps: int) -> float:
        """Seconds a step, over ``steps`` steps."""
        seconds: float = self._ask("slice", name, steps)
        return seconds

    def blas(self) -> list[dict[str, Any]]:
        """What threadpoolctl tells of the process."""
        found: list[dict[str, Any]] = self._ask("blas")
        return found

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join(timeout=10)


def serve(module: str, pipe: Connection) -> None:
    """Answer questions until the pipe closes."""
    contestants = import_module(module).CONTESTANTS
    steps: dict[str, Callable[[], float]] = {}
    while True:
        try:
            what, *args = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send(answer(what, args, contestants, steps))
        except Exception as error:
            pipe.send(RuntimeError(f"{type(error).__name__}: {error}"))


def answer(what: str, args: list[Any], contestants: dict[str, Any], steps: dict[str, Callable[[], float]]) -> Any:
    """The answer to one question."""
    if what == "names":
        return list(contestants)
    if what == "blas":
        from threadpoolctl import threadpool_info

        return threadpool_info()
    name = args[0]
    if what == "prepare":
        steps[name] = contestants[name](Problem.of(*args[1]))
        return [steps[name]() for _ in range(10)]
    step, count = steps[name], args[1]
    settle(step)
    start = perf_counter()
    for _ in range(count):
        step()
    return (perf_counter() - start) / count


def settle(step: Callable[[], float]) -> None:
    """Let the threads of the worker before fall asleep, then run the step until its own are awake and its data is hot.

    An idle BLAS or OpenMP thread spins for tens of milliseconds before it sleeps. On a machine with few cores it takes
    a core from whoever works next, and two-thread products then take several times as long.
    """
    sleep(SPIN)
    until = perf_counter() + WARM
    step()
    while perf_counter() < until:
        step()
