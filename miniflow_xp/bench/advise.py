"""Does another backend pay for this graph? Measured on the user's own graph along one axis, told in sentences."""

import importlib.util
import inspect
import random
import time
from collections.abc import Callable, Sequence
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

from miniflow_xp.bench.cases import Case
from miniflow_xp.bench.cell import Cell
from miniflow_xp.bench.crossover import Crossover, break_even, find_crossover, fit
from miniflow_xp.bench.run import Progress, silent, start_workers
from miniflow_xp.bench.scheduler import Group, interleave
from miniflow_xp.bench.statistics import Ratio, paired_ratio
from miniflow_xp.bench.worker import Worker
from miniflow_xp.errors import BuilderError, SettingError

ROUNDS = 12
WAYS = {"resident": "data on the device", "streamed": "data from the host at every step"}
MOST = 0.5  # a part of the time above this is what limits it


class Measured(NamedTuple):
    """A backend at one size: seconds a step in each round, and what the first call took."""

    samples: list[float]
    first_call_s: float

    @property
    def step_s(self) -> float:
        """Median seconds a step."""
        return sorted(self.samples)[len(self.samples) // 2]

    @property
    def once_s(self) -> float:
        """What is paid once: capture, compilation, the first transfer."""
        return max(0.0, self.first_call_s - self.step_s)


def load_builder(text: str) -> Callable[..., Any]:
    """The function that ``path.py:name`` names; raises BuilderError."""
    path, _, name = text.rpartition(":")
    if not path or not name.isidentifier():
        raise builder_error(text, "it is not of the form model.py:build", "Write the file, a colon and the function")
    if not Path(path).is_file():
        raise builder_error(text, f"there is no file {path}", "Name the file that holds the function")
    spec = importlib.util.spec_from_file_location(Path(path).stem, path)
    if spec is None or spec.loader is None:
        raise builder_error(text, f"{path} is no Python file", "Name a .py file")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise builder_error(text, f"{path} raises {type(error).__name__}: {error}", "Mend the file") from error
    function: Callable[..., Any] | None = getattr(module, name, None)
    if function is None or not callable(function):
        raise builder_error(text, f"{path} has no function {name!r}", "Define it there")
    return function


def check_axis(text: str, axis: str) -> None:
    """Raise BuilderError unless the builder takes the axis by keyword."""
    try:
        inspect.signature(load_builder(text)).bind(**{axis: 1})
    except TypeError as error:
        raise builder_error(text, f"it cannot be called with {axis}=…: {error}", "Give it this parameter") from None


def builder_error(text: str, got: str, remedy: str) -> BuilderError:
    """The error for a builder."""
    return BuilderError(
        f"builder {text!r}", got, "build(axis=n) returns (cost, feed) or (cost, feed, optimizer)", remedy
    )


class Study:
    """Measurements of one graph, made when they are first asked for."""

    def __init__(
        self, builder: str, axis: str, workers: dict[str, Worker], until: float, seed: int, progress: Progress
    ) -> None:
        self.builder, self.axis, self.workers = builder, axis, workers
        self.until, self.start, self.progress = until, time.perf_counter(), progress
        self.rng = random.Random(seed)
        self.found: dict[tuple[str, int], dict[str, Measured]] = {}
        self.failed: dict[tuple[str, str, int], str] = {}

    def at(self, way: str, size: int) -> dict[str, Measured]:
        """{backend: what was measured} at one size; backends that failed there are left out."""
        if (way, size) not in self.found:
            self.found[way, size] = {} if time.perf_counter() > self.until else self._measure(way, size)
        return self.found[way, size]

    def _measure(self, way: str, size: int) -> dict[str, Measured]:
        spent = (time.perf_counter() - self.start) / max(1e-9, self.until - self.start)
        self.progress(f"{WAYS[way]}, {self.axis}={size}", min(1.0, spent))
        case = Case("user", self.builder, {self.axis: size}, self.axis, residence=way)
        cells = [Cell(case, worker, name) for name, worker in self.workers.items()]
        for cell in cells:
            cell.prepare()
            if cell.facts and cells[0].facts and cell is not cells[0]:
                cell.agree_with(cells[0])
            if not cell.ready:
                self.failed[cell.backend, way, size] = cell.why
        ready = [cell for cell in cells if cell.ready]
        series = interleave([Group(case.case, ready)], ROUNDS, inf, self.rng) if ready else {}
        for cell in cells:
            cell.drop()
        return {
            cell.backend: Measured(series[cell.name].samples, cell.facts["first_call_s"])
            for cell in ready
            if series[cell.name].samples and not series[cell.name].failed
        }

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
) -> tuple[list[Advice], dict[str, Any]]:
    """Advice for each backend against the first one, and the measurements as an object for JSON.

    ``sizes`` are those of the coarse grid along ``axis``. Raises BuilderError, WorkerError.
    """
    check_axis(builder, axis)
    workers, told = start_workers(backends)
    names = list(workers)
    try:
        study = Study(builder, axis, workers, time.perf_counter() + budget_s, seed, progress)
        advice = []
        for way in WAYS:
            for candidate in names[1:]:
                crossover = find_crossover(study.compare(way, candidate, names[0]), sizes)
                advice.append(
                    Advice(
                        candidate, names[0], way, crossover, sentence(study, way, candidate, names[0], crossover, steps)
                    )
                )
    finally:
        for worker in workers.values():
            worker.close()
    return advice, written(study, {n: t["describe"] for n, t in told.items()}, steps)


def sentence(study: Study, way: str, candidate: str, reference: str, crossover: Crossover, steps: int) -> str:
    """What was found, for a person."""
    largest = max(crossover.measured, default=None)
    if largest is None:
        return f"{candidate} against {reference}, {WAYS[way]}: {crossover}."
    found = study.at(way, largest)
    parts = [f"{candidate} against {reference}, {WAYS[way]}: {crossover}."]
    parts.append(f"At {study.axis}={largest}: {ratio_in_words(crossover.measured[largest])}.")
    parts.append(pays(study, way, candidate, reference, largest, steps))
    limits = limit(study, way, candidate, largest)
    if limits:
        parts.append(f"There {candidate} is limited by {limits}.")
    return " ".join(part for part in parts if part and found)


def ratio_in_words(ratio: Ratio) -> str:
    """A ratio of times as so many times faster or slower, with its interval."""
    if ratio.estimate <= 1:
        low, high = 1 / ratio.high, 1 / max(ratio.low, 1e-9)
        return f"{1 / ratio.estimate:.2f}× faster ({low:.2f}–{high:.2f}), {ratio.pairs} pairs"
    return f"{ratio.estimate:.2f}× slower ({ratio.low:.2f}–{ratio.high:.2f}), {ratio.pairs} pairs"


def pays(study: Study, way: str, candidate: str, reference: str, size: int, steps: int) -> str:
    """After how many steps what is paid once is earned, at one size."""
    found = study.at(way, size)
    a, b = found[candidate], found[reference]
    gain = b.step_s - a.step_s
    if gain <= 0:
        return ""
    after = break_even(a.once_s - b.once_s, gain)
    if after is None or after <= 1:
        return "It pays from the first step on."
    verdict = "it pays" if after <= steps else "it does not pay"
    later = f"{a.once_s - b.once_s:.2g} s"
    return f"It starts {later} later and has caught up after {after:,} steps: for {steps:,}, {verdict}."


def limit(study: Study, way: str, name: str, size: int) -> str:
    """What takes more than half of a step: transfers, what does not grow with the size, or the arithmetic."""
    here = study.at(way, size)[name].step_s
    resident = study.at("resident", size).get(name)
    if way == "streamed" and resident is not None and here - resident.step_s > MOST * here:
        return "transfers"
    points = [(n, m[name].step_s) for (w, n), m in sorted(study.found.items()) if w == way and name in m]
    model = fit([n for n, _ in points], [t for _, t in points])
    if model is None:
        return ""
    return "calls and launches" if model.overhead_s > MOST * here else "arithmetic and memory"


def written(study: Study, described: dict[str, str], steps: int) -> dict[str, Any]:
    """All measurements, for JSON."""
    return {
        "format": "miniflow_xp advice",
        "version": 1,
        "builder": study.builder,
        "axis": study.axis,
        "steps": steps,
        "backends": described,
        "failed": [{"backend": b, "way": w, "size": n, "why": why} for (b, w, n), why in study.failed.items()],
        "measured": [
            {"way": way, "size": size, "backend": name, "samples": m.samples, "first_call_s": m.first_call_s}
            for (way, size), found in sorted(study.found.items())
            for name, m in found.items()
        ],
    }


def rows(study: dict[str, Any]) -> list[tuple[int, dict[str, float], dict[str, float]]]:
    """For each size with data on the device: {backend: seconds a step}, {backend: seconds for all the steps}."""
    found: dict[int, tuple[dict[str, float], dict[str, float]]] = {}
    for m in study["measured"]:
        if m["way"] == "resident":
            one = Measured(m["samples"], m["first_call_s"])
            step, whole = found.setdefault(m["size"], ({}, {}))
            step[m["backend"]] = one.step_s
            whole[m["backend"]] = one.once_s + study["steps"] * one.step_s
    return [(size, *found[size]) for size in sorted(found)]


def parse_axis(text: str) -> tuple[str, list[int]]:
    """``batch=1:65536`` as the name and a grid of factor 4, both ends in it; raises SettingError."""
    name, _, span = text.partition("=")
    low, _, high = span.partition(":")
    if not (name.isidentifier() and low.isdecimal() and high.isdecimal() and 1 <= int(low) < int(high)):
        raise SettingError("--axis", f"it is {text!r}", "it is name=low:high", "Write batch=1:65536")
    sizes = [int(low)]
    while sizes[-1] * 4 < int(high):
        sizes.append(sizes[-1] * 4)
    return name, [*sizes, int(high)]
