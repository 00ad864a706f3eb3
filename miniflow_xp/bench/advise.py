"""Does another backend pay for this graph? Measured on the user's own graph along one axis, told in sentences.

Three ways to use it are told apart, since another one may win in each: data on the device, data from the host at every
step, and a single step from data on the host to the cost on the host, capture included. The measurements are written
as a run, which ``report`` and ``compare`` read.
"""

import random
import time
from collections.abc import Callable, Sequence
from math import inf
from typing import Any, NamedTuple

from miniflow_xp.bench.builder import check_axis
from miniflow_xp.bench.cases import Case
from miniflow_xp.bench.cell import Cell
from miniflow_xp.bench.crossover import COARSE, Crossover, break_even, coarse_grid, find_crossover, fit
from miniflow_xp.bench.environment import machine, state
from miniflow_xp.bench.run import Progress, merge, silent, start_workers, written_run
from miniflow_xp.bench.scheduler import Group, interleave
from miniflow_xp.bench.statistics import Ratio, paired_ratio
from miniflow_xp.bench.worker import Worker
from miniflow_xp.errors import SettingError

ROUNDS = 12
ONCE_ROUNDS = 8  # a step that is captured anew takes long; six pairs are needed for an interval of 95 %
WAYS = {
    "resident": "data on the device",
    "streamed": "data from the host at every step",
    "once": "a single step from host to host, capture included",
}
MOST = 0.5  # a part of the time above this is what limits it


class Measured(NamedTuple):
    """A backend at one size: seconds a step in each round, and what is paid once.

    ``start_s``: import of the library and first use of its device; ``upload_s``: data to the device; ``device_s``:
    what the device itself works on a step, where it has a clock.
    """

    samples: list[float]
    first_call_s: float
    upload_s: float = 0.0
    start_s: float = 0.0
    device_s: float | None = None

    @property
    def step_s(self) -> float:
        """Median seconds a step."""
        return sorted(self.samples)[len(self.samples) // 2]

    @property
    def once_s(self) -> float:
        """What is paid once: start, the data's way to the device, capture and compilation."""
        return self.start_s + self.upload_s + max(0.0, self.first_call_s - self.step_s)


class Study:
    """Measurements of one graph, made when they are first asked for."""

    def __init__(
        self,
        builder: str,
        axis: str,
        workers: dict[str, Worker],
        told: dict[str, dict[str, Any]],
        until: float,
        seed: int,
        progress: Progress,
    ) -> None:
        self.builder, self.axis, self.workers, self.told = builder, axis, workers, told
        self.start, self.until, self.progress = time.perf_counter(), until, progress
        self.deadline = until  # of the way that is being measured
        self.rng = random.Random(seed)
        self.found: dict[tuple[str, int], dict[str, Measured]] = {}
        self.failed: dict[tuple[str, str, int], str] = {}
        self.cells: list[dict[str, Any]] = []
        self.controls: list[dict[str, Any]] = []

    def share_time(self, ways_left: int) -> None:
        """Give the next way its part of the time that is left."""
        now = time.perf_counter()
        self.deadline = now + max(0.0, self.until - now) / ways_left

    def at(self, way: str, size: int) -> dict[str, Measured]:
        """{backend: what was measured} at one size; backends that failed there are left out."""
        if (way, size) not in self.found:
            self.found[way, size] = {} if time.perf_counter() > self.deadline else self._measure(way, size)
        return self.found[way, size]

    def control(self, size: int) -> float:
        """Measure every backend beside itself at one size; by how much the two differ at most, 0.05 for 5 %."""
        floor = 0.0
        for cell in self._prepared("resident", size):
            if cell.ready:
                twin = cell.again()
                series = interleave([Group("A/A", [cell, twin])], ROUNDS, inf, self.rng)
                a, b = series[cell.name].samples, series[twin.name].samples
                if a and len(a) == len(b):
                    ratio = paired_ratio(a, b).estimate
                    floor = max(floor, ratio - 1, 1 / ratio - 1)
                    self.controls.append({"backend": cell.backend, "case": cell.case.case, "a": a, "b": b})
            cell.drop()
        return floor

    def _measure(self, way: str, size: int) -> dict[str, Measured]:
        cells = self._prepared(way, size)
        ready = [cell for cell in cells if cell.ready]
        rounds = ONCE_ROUNDS if way == "once" else ROUNDS
        series = interleave([Group(str(size), ready)], rounds, inf, self.rng) if ready else {}
        found = {}
        for name, cell in zip(self.workers, cells, strict=True):
            cell.drop()
            samples = series[cell.name].samples if cell.name in series else []
            written = cell.written(series.get(cell.name), self.told[name]["synchronous"])
            self.cells.append(written | {"series": self.builder.replace("\\", "/").rpartition("/")[2]})
            if cell.state == "failed":
                self.failed[name, way, size] = cell.why
            elif samples:
                facts = {key: cell.facts[key] for key in ("first_call_s", "device_s")}
                found[name] = Measured(
                    samples, **facts, upload_s=cell.facts["upload_s"] or 0.0, start_s=self.told[name]["start_s"]
                )
        return found

    def _prepared(self, way: str, size: int) -> list[Cell]:
        """A cell for each backend, ready or failed; results agree with those of the first."""
        spent = (time.perf_counter() - self.start) / max(1e-9, self.until - self.start)
        self.progress(f"{WAYS[way]}, {self.axis}={size}", min(1.0, spent))
        case = Case("user", self.builder, {self.axis: size}, self.axis, residence=way)
        cells = [Cell(case, worker, self.told[name]["name"]) for name, worker in self.workers.items()]
        for cell in cells:
            cell.prepare()
            if cell.facts and cells[0].facts and cell is not cells[0]:
                cell.agree_with(cells[0])
        return cells

    def compare(self, way: str, candidate: str, reference: str) -> Callable[[int], Ratio | str]:
        """``compare(size)``: time of the candidate over that of the reference, or why there is none."""

        def ratio(size: int) -> Ratio | str:
            found = self.at(way, size)
            for name in (candidate, reference):
                if name not in found:
                    return self.failed.get((name, way, size), "the budget was spent")
            return paired_ratio(found[candidate].samples, found[reference].samples)

        return ratio


class Advice(NamedTuple):
    """For one candidate and way: from which size on it wins, and everything measured."""

    candidate: str
    reference: str
    way: str
    crossover: Crossover
    sentence: str


def advise(
    builder: str,
    axis: str,
    sizes: Sequence[int],
    backends: Sequence[str],
    steps: int,
    budget_s: float,
    seed: int = 0,
    progress: Progress = silent,
) -> tuple[list[Advice], Study, dict[str, Any]]:
    """Advice for each backend against the first one, the measurements, and these as a run for JSON.

    ``sizes`` are those of the coarse grid along ``axis``. Raises BuilderError, WorkerError.
    """
    check_axis(builder, axis)
    start, before, facts = time.perf_counter(), state(), machine()
    workers, told = start_workers(backends)
    names = list(workers)
    try:
        for name in names:
            merge(facts, told[name])
        study = Study(builder, axis, workers, told, time.perf_counter() + budget_s, seed, progress)
        floor = study.control(sizes[len(sizes) // 2])
        advice = []
        for left, way in zip(range(len(WAYS), 0, -1), WAYS, strict=True):
            study.share_time(left)
            for candidate in names[1:]:
                crossover = find_crossover(study.compare(way, candidate, names[0]), sizes, floor)
                said = sentence(study, way, candidate, names[0], crossover, steps)
                advice.append(Advice(candidate, names[0], way, crossover, said))
    finally:
        for worker in workers.values():
            worker.close()
    written = written_run(
        "advise", budget_s, time.perf_counter() - start, seed, (facts, before, state()), told, workers, study.cells
    )
    return advice, study, written | {"steps": steps, "control": study.controls}


def sentence(study: Study, way: str, candidate: str, reference: str, crossover: Crossover, steps: int) -> str:
    """What was found, for a person."""
    parts = [f"{candidate} against {reference}, {WAYS[way]}: {crossover}."]
    largest = max(crossover.measured, default=None)
    if largest is None:
        return parts[0]
    parts.append(f"At {study.axis}={largest}: {ratio_in_words(crossover.measured[largest])}.")
    if way != "once":
        wins = crossover.verdicts[largest] == "wins"
        found, gain = study.at(way, largest), 1 - crossover.measured[largest].estimate
        parts.append(pays(found[candidate], found[reference], gain, steps) if wins else "")
        parts.append(limit(study, way, candidate, largest))
    return " ".join(part for part in parts if part)


def ratio_in_words(ratio: Ratio) -> str:
    """A ratio of times as so many times faster or slower, with its interval."""
    if ratio.estimate <= 1:
        low, high = 1 / ratio.high, 1 / max(ratio.low, 1e-9)
        return f"{1 / ratio.estimate:.2f}× faster ({low:.2f}–{high:.2f}), {ratio.pairs} pairs"
    return f"{ratio.estimate:.2f}× slower ({ratio.low:.2f}–{ratio.high:.2f}), {ratio.pairs} pairs"


def pays(candidate: Measured, reference: Measured, gain: float, steps: int) -> str:
    """After how many steps what is paid once is earned; ``gain`` is the part of a step that is saved."""
    later = candidate.once_s - reference.once_s
    after = break_even(later, gain * reference.step_s)
    if after is None or after <= 1:
        return "It pays from the first step on."
    verdict = "it pays" if after <= steps else "it does not pay"
    return f"It starts {later:.2g} s later and has caught up after {after:,} steps: for {steps:,}, {verdict}."


def limit(study: Study, way: str, name: str, size: int) -> str:
    """What takes more than half of a step: transfers, launches, or the arithmetic."""
    here = study.at(way, size)[name]
    resident = study.at("resident", size).get(name)
    if way == "streamed" and resident is not None and here.step_s - resident.step_s > MOST * here.step_s:
        found = "transfers"
    elif overhead(study, way, name, here) > MOST * here.step_s:
        found = "launches: calls take more than half of a step, whatever the size"
    else:
        found = "products, arithmetic and memory"
    return f"There {name} is limited by {found}."


def overhead(study: Study, way: str, name: str, here: Measured) -> float:
    """Seconds of a step that do not grow with the size.

    By the device's own clock, where it has one; else by a fit of the times, where it explains them; else what a step
    takes at the smallest size, which is at least as much.
    """
    if here.device_s is not None:
        return max(0.0, here.step_s - here.device_s)
    points = [(n, m[name].step_s) for (w, n), m in sorted(study.found.items()) if w == way and name in m]
    model = fit([n for n, _ in points], [t for _, t in points])
    return model.overhead_s if model is not None else points[0][1]


class Times(NamedTuple):
    """Of one size with data on the device: {backend: seconds a step}, {backend: seconds for all steps}."""

    size: int
    step: dict[str, float]
    whole: dict[str, float]


def times(study: Study, steps: int) -> list[Times]:
    """By size, for a table."""
    return [
        Times(size, {n: m.step_s for n, m in found.items()}, {n: m.once_s + steps * m.step_s for n, m in found.items()})
        for (way, size), found in sorted(study.found.items())
        if way == "resident" and found
    ]


def parse_axis(text: str) -> tuple[str, list[int]]:
    """``batch=1:65536`` as the name and a grid of factor 4, both ends in it; raises SettingError."""
    name, _, span = text.partition("=")
    low, _, high = span.partition(":")
    if not (name.isidentifier() and low.isdecimal() and high.isdecimal() and 1 <= int(low) < int(high)):
        raise SettingError("--axis", f"it is {text!r}", "it is name=low:high", "Write batch=1:65536")
    return name, coarse_grid(int(low), int(high), COARSE)
