"""One process for each backend, so that thread pools and memory pools do not meet; one of them works at a time."""

import itertools
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from time import perf_counter, sleep
from typing import Any, NamedTuple

import numpy as np

from miniflow_xp.backend import Backend
from miniflow_xp.errors import WorkerError
from miniflow_xp.programs.bench.cases import Case, network
from miniflow_xp.programs.bench.ceilings import measure_ceilings
from miniflow_xp.programs.bench.clock import device_clock, device_seconds, timed, wait_for
from miniflow_xp.programs.bench.environment import libraries
from miniflow_xp.programs.bench.peak import peak_bytes
from miniflow_xp.programs.bench.record import Ceiling
from miniflow_xp.programs.bench.scheduler import warm_up
from miniflow_xp.programs.bench.workloads import Workload, workload
from miniflow_xp.switch import set_backend
from miniflow_xp.system.processes import ONE_THREAD, start

FIRST = Case("step", "a first step", network(2, 2, 1), "batch")
"""Part of the start: a process's first step pays for what libraries load and prepare when they are first used."""

SINGLE = " on one thread"
"""Ends the name of a backend whose worker has one BLAS thread: on busy cores several wait for each other."""

STARTING = 120.0  # seconds that a process may take until it answers
SETTLE = 0.005  # seconds before a sample, in which the worker before falls asleep
WARM_AT_MOST = 0.2  # seconds of warm-up for one case
COMPARED = (1, 3)  # the calls whose results must agree with other backends', and the change between them


class Worker:
    """The cases of one backend, in a process of their own; when that ends, the next question goes to a fresh one.

    ``patience``: seconds that a question may take before the process is ended, so that no compiler holds up a run;
    what it takes to start is no part of them.
    ``prepared``: the places of the cases that are prepared in the process as it is now.
    """

    def __init__(self, backend: str, patience: float = STARTING) -> None:
        self.backend = backend
        self.patience = patience
        self._start()

    def _start(self) -> None:
        self.started = False
        self.prepared: set[int] = set()
        settings = ONE_THREAD if self.backend.endswith(SINGLE) else None
        self._process, self._pipe = start(serve, self.backend, daemon=True, settings=settings)

    def ask(self, *question: Any) -> Any:
        """The answer to a question; raises WorkerError."""
        if not self.started:
            self._answer(("describe",), max(STARTING, self.patience))
            self.started = True
        return self._answer(question, self.patience)

    def _answer(self, question: tuple[Any, ...], patience: float) -> Any:
        try:
            self._pipe.send(question)
            if not self._pipe.poll(patience):
                self._process.kill()
                self.restart()
                raise worker_error(self.backend, f"no answer in {patience:.0f} s, as long as one case may take")
            answer = self._pipe.recv()
        except (EOFError, OSError):
            self._process.join(timeout=5)
            code = self._process.exitcode
            self.restart()
            raise worker_error(self.backend, f"its process ended (exit code {code}): out of memory, maybe") from None
        if isinstance(answer, Failure):
            raise worker_error(self.backend, answer.text)
        return answer

    def restart(self) -> None:
        """End the process and begin with a fresh one, in which nothing is prepared."""
        self.close()
        self._start()

    def close(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.join(timeout=5)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


class Description(NamedTuple):
    """What a worker tells of itself; ``synchronous``: a call returns when its work is done."""

    name: str
    describe: str
    synchronous: bool
    start_s: float
    packages: dict[str, str]
    threads: dict[str, int]
    blas: list[dict[str, Any]]


class Failure(NamedTuple):
    """What went wrong in a worker, in words."""

    text: str


def worker_error(backend: str, got: str) -> WorkerError:
    """The error for a worker."""
    return WorkerError(f"backend {backend!r}", got, "a benchmark needs its answer", "Leave it out with --backends")


def serve(name: str, pipe: Connection) -> None:
    """Answer questions until the pipe closes. Ctrl-C is the parent's to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    desk: Desk | None = None
    while True:
        try:
            what, *args = pipe.recv()
        except EOFError:
            return
        try:
            desk = desk or Desk(name)
            answer = getattr(desk, what)(*args)
        except Exception as error:
            answer = Failure(in_words(error))
        pipe.send(answer)


def in_words(error: Exception) -> str:
    """An error as one line; running out of memory by that name, whatever the library calls it."""
    text = f"{type(error).__name__}: {error}".splitlines()[0]
    signs = ("out of memory", "outofmemory", "can't allocate memory", "resource_exhausted")
    memory = isinstance(error, MemoryError) or any(sign in text.lower() for sign in signs)
    return "out of memory" if memory else text


class Desk:
    """What a worker can be asked."""

    def __init__(self, name: str) -> None:
        begun = perf_counter()
        self.backend: Backend = set_backend(name.removesuffix(SINGLE))
        self.single = SINGLE if name.endswith(SINGLE) else ""
        self.wait = wait_for(self.backend)
        self.wait(workload(FIRST, self.backend).step())
        self.start_s = perf_counter() - begun
        self.each = "cpu" in self.backend.device
        self.device_clock = None if self.each else device_clock(self.backend)
        self._loads: dict[int, Workload] = {}

    def describe(self) -> Description:
        """Backend and device, and what this process runs on."""
        name = f"{self.backend.name}:{self.backend.device}{self.single}"
        return Description(name, self.backend.describe(), self.each, self.start_s, *libraries(self.backend.name))

    def ceilings(self, dtype: str, at_most_s: float) -> Ceiling:
        """Peak arithmetic and bandwidth, measured in about so many seconds."""
        return measure_ceilings(self.backend, dtype, at_most_s)

    def prepare(self, key: int, case: Case) -> dict[str, Any]:
        """Build a case, warm it up; its facts and, for comparison, what it computed in the COMPARED calls."""
        load = workload(case, self.backend)
        calls = itertools.count(1)
        results: dict[int, list[np.ndarray]] = {}

        def step() -> int:
            result, number = load.step(), next(calls)
            self.wait(result)
            if number in COMPARED and result is not None:
                results[number] = self._host(result)
            return number

        warm = warm_up(step, at_most_s=WARM_AT_MOST)
        while step() < max(COMPARED):
            pass
        self._loads[key] = load
        return {
            "first_call_s": warm.first_call_s,
            "capture_s": max(0.0, warm.first_call_s - warm.seconds_per_call),
            "warmup_calls": warm.calls,
            "stable": warm.stable,
            "seconds": warm.seconds_per_call,
            "upload_s": load.upload_s,
            "device_s": self._device_s(load),
            "flops": load.flops,
            "bytes": load.bytes,
            "results": [results[number] for number in COMPARED] if results else None,
        }

    def _device_s(self, load: Workload) -> float | None:
        """By the device's own clock, where it has one and a step finds prepared what it needs."""
        if self.device_clock is None or load.afresh:
            return None
        _, host_s = timed(load.step, 1, self.wait)
        return device_seconds(load.step, self.wait, self.device_clock, host_s)

    def peak(self, case: Case) -> dict[str, Any]:
        """The most memory that a case takes besides its data, capture included."""
        load = workload(case, self.backend)
        return peak_bytes(self.backend, lambda: self.wait(load.step()))

    def _host(self, result: Any) -> list[np.ndarray]:
        """A result on the host, thinned out to a thousand numbers of each array."""
        arrays = result if isinstance(result, list | tuple) else [result]
        on_host = [self.backend.to_numpy(a) if self.backend.owns(a) else a for a in arrays]
        hosts = [np.asarray(a, dtype="float64").reshape(-1) for a in on_host]
        return [host[:: max(1, len(host) // 1000)] for host in hosts]

    def sample(self, key: int, calls: int, slow: float = 0.0) -> tuple[float, float]:
        """(seconds, host seconds) a call; ``slow`` adds that part of the time, as a planted slowdown."""
        sleep(SETTLE)
        return sample(self._loads[key], calls, self.wait, self.each, slow)

    def drop(self, key: int) -> None:
        """Forget a case."""
        self._loads.pop(key, None)


def sample(
    load: Workload,
    calls: int,
    wait: Callable[[Any], None],
    each: bool,
    slow: float = 0.0,
    now: Callable[[], float] = perf_counter,
) -> tuple[float, float]:
    """One sample, after one call that makes its data hot."""
    if not load.afresh:
        wait(load.step())
    return timed(load.step, calls, slowed(wait, slow, now) if slow else wait, each, now)


def slowed(wait: Callable[[Any], None], part: float, now: Callable[[], float]) -> Callable[[Any], None]:
    """A wait that goes on for ``part`` of the time since the one before.

    Slowing the step itself would not do: with a device it only asks for work, behind which a delay of the host hides.
    """
    before = now()

    def longer(result: Any) -> None:
        nonlocal before
        wait(result)
        done = now()
        until = done + part * (done - before)
        while (before := now()) < until:
            pass

    return longer
