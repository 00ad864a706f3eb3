"""A trial: a case on a backend, prepared in the backend's process, sampled there, and recorded as a cell."""

import itertools
import time
from collections.abc import Sequence
from contextlib import suppress
from math import inf, isfinite
from typing import Any

import numpy as np

from miniflow_xp.errors import WorkerError
from miniflow_xp.programs.bench.cases import Case
from miniflow_xp.programs.bench.record import Cell
from miniflow_xp.programs.bench.scheduler import Timings, calls_for
from miniflow_xp.programs.bench.statistics import steady
from miniflow_xp.programs.bench.worker import Worker

SPENT = "the budget was spent"
SLICE = 0.01  # seconds that a sample aims at; at least one call
AGREE = 5e-3  # relative to the largest number: three float32 training steps in another order
AGREE_CHANGE = 0.1  # the same of what the calls changed; a missing or a wrong update is off by all of it
LEAST_CHANGE = 1e-4  # relative: of a smaller change in float32 too much is rounding

FACTS = ("capture_s", "first_call_s", "upload_s", "device_s", "warmup_calls", "flops", "bytes", "peak_bytes")

keys = itertools.count()


class Trial:
    """A case on a backend: what a scheduler samples, and what a cell of the record is made of."""

    def __init__(self, case: Case, worker: Worker, backend: str, slow: float = 0.0) -> None:
        self.key = next(keys)
        self.name = str(self.key)
        self.place = self.key  # where the worker keeps the workload
        self.case, self.worker, self.backend, self.slow = case, worker, backend, slow
        self.calls = 0
        self.setup_s = 0.0
        self.facts: dict[str, Any] = {}
        self.host: list[float] = []
        self.state, self.why = "skipped", SPENT

    def prepare(self, alike: Sequence["Trial"] = ()) -> None:
        """Have the worker build and warm it; its results must agree with those of the first ``alike`` that has any.

        What goes wrong is kept as the reason.
        """
        try:
            if self.case.family == "memory":
                self._prepare_memory()
                return
            start = time.perf_counter()
            self.facts = self.prepare_again()
            self.setup_s = time.perf_counter() - start
        except WorkerError as error:
            self.state, self.why = "failed", error.got
            return
        self.calls = calls_for(self.facts["seconds"], SLICE)
        for reference in [one for one in alike if one.facts][:1]:
            self.agree_with(reference)

    def prepare_again(self) -> dict[str, Any]:
        """Its facts; in a fresh process what was found out before still holds. Raises WorkerError."""
        facts: dict[str, Any] = self.worker.ask("prepare", self.place, self.case)
        self.worker.prepared.add(self.place)
        return facts

    def _prepare_memory(self) -> None:
        """In a process of its own: one that has freed memory before would take it from there, unseen."""
        fresh = Worker(self.worker.backend, self.worker.patience)
        try:
            self.facts = fresh.ask("peak", self.case)
        finally:
            fresh.close()
        self.state = "measured" if self.facts["peak_bytes"] is not None else "skipped"
        self.why = self.facts.get("why", "")

    def sample(self) -> float:
        """Seconds a call, of one slice; prepared again where another case ended the process."""
        if self.place not in self.worker.prepared:
            self.prepare_again()
        seconds, host = self.worker.ask("sample", self.place, self.calls, self.slow)
        self.host.append(host)
        return float(seconds)

    def drop(self) -> None:
        """Let the worker forget it."""
        with suppress(WorkerError):
            self.worker.ask("drop", self.place)

    @property
    def ready(self) -> bool:
        """True if it can be sampled."""
        return self.calls > 0 and self.state != "failed"

    @property
    def seconds(self) -> float:
        """How long a sample should take."""
        return float(self.calls * self.facts["seconds"])

    def again(self, slow: float = 0.0) -> "Trial":
        """The same workload once more, in the same place of the worker."""
        twin = Trial(self.case, self.worker, self.backend, slow)
        twin.place, twin.calls, twin.facts, twin.setup_s = self.place, self.calls, self.facts, self.setup_s
        return twin

    def agree_with(self, reference: "Trial") -> None:
        """Compare results with those of another backend; too far off is a failure, not a figure."""
        found, expected = self.facts.get("results"), reference.facts.get("results")
        if found is None or expected is None:
            return
        error = self.facts["error"] = disagreement(found[-1], expected[-1])
        if not error <= AGREE:
            self.state, self.why = "failed", f"its results differ from those of {reference.backend} by {error:.1g}"
            return
        change = disagreement(*(changes(results, expected) for results in (found, expected)))
        if not change <= AGREE_CHANGE:
            words = f"what its steps change differs from {reference.backend} by {change:.1g}"
            self.state, self.why = "failed", words

    def cell(self, timings: Timings | None, synchronous: bool) -> Cell:
        """What is recorded of it."""
        samples = [] if timings is None else timings.samples
        if timings is not None and timings.failed:
            self.state, self.why = "failed", timings.failed
        elif samples:
            self.state, self.why = "measured", ""
        facts, case = self.facts, self.case
        return Cell(
            family=case.family,
            series=case.series,
            case=case.case,
            axes=dict(case.axes),
            axis=case.axis,
            backend=self.backend,
            contestant=case.contestant,
            dtype=case.dtype,
            residence=case.residence,
            cache="hot",
            kind="latency" if synchronous else "throughput",
            state=self.state,
            why=self.why,
            samples=samples,
            rounds=[] if timings is None else timings.rounds,
            calls=self.calls,
            host_s=None if synchronous else self.host[-len(samples) :] if samples else [],
            stable=facts["stable"] and steady(samples) if "stable" in facts else None,
            error=finite(facts.get("error")),
            note=facts.get("note", ""),
            **{name: facts.get(name) for name in FACTS},
        )


Results = Sequence[np.ndarray]


def disagreement(found: Results, reference: Results) -> float:
    """Largest difference between results, relative to the largest number of each array; infinite for other shapes."""
    if [np.shape(a) for a in found] != [np.shape(b) for b in reference]:
        return inf
    worst = 0.0
    for a, b in zip(found, reference, strict=True):
        scale = float(np.max(np.abs(b), initial=0.0)) or 1.0
        error = float(np.max(np.abs(a - b), initial=0.0)) / scale
        worst = max(worst, error if isfinite(error) else inf)
    return worst


def changes(results: Sequence[Results], expected: Sequence[Results]) -> list[np.ndarray]:
    """What changed from the first results to the last, of the arrays where the expected change is more than rounding.

    Costs hardly move in a few steps: they would agree although nothing was updated.
    """
    first, last = expected[0], expected[-1]
    return [
        after - before
        for before, after, x, y in zip(results[0], results[-1], first, last, strict=True)
        if np.max(np.abs(y - x), initial=0.0) > LEAST_CHANGE * np.max(np.abs(x), initial=0.0)
    ]


def finite(number: float | None) -> float | None:
    """The number, or None where JSON has no word for it."""
    return number if number is None or isfinite(number) else None
