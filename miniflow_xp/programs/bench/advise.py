"""Does another backend pay for this graph? Measured on the user's own graph along one axis, told in sentences.

Three ways to use it are told apart, since another one may win in each: data on the device, data from the host at every
step, and a single step from data on the host to the cost on the host, capture included. The measurements are written
as a run, which ``report`` and ``compare`` read.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from miniflow_xp.errors import SettingError, WorkerError
from miniflow_xp.programs.bench.builder import check_axis
from miniflow_xp.programs.bench.cases import WAYS
from miniflow_xp.programs.bench.cell import SPENT
from miniflow_xp.programs.bench.crossover import COARSE, Crossover, break_even, coarse_grid, find_crossover, fit
from miniflow_xp.programs.bench.environment import machine, state
from miniflow_xp.programs.bench.run import Progress, close, merge, silent, start_workers, written_run
from miniflow_xp.programs.bench.statistics import Ratio
from miniflow_xp.programs.bench.study import Measured, Study

MOST = 0.5  # a part of the time above this is what limits it


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
    now: Callable[[], float] = time.perf_counter,
) -> tuple[list[Advice], Study, dict[str, Any]]:
    """Advice for each backend against the first one, the measurements, and these as a run for JSON.

    ``sizes`` are those of the coarse grid along ``axis``. Raises BuilderError; WorkerError where a backend cannot be
    used, or nothing could be measured, with the reason. ``now`` is the clock of the budget.
    """
    check_axis(builder, axis)
    start, before, facts = now(), state(), machine()
    workers, told = start_workers(backends)
    names = list(workers)
    try:
        for name in names:
            merge(facts, told[name])
        study = Study(builder, axis, workers, told, now() + budget_s, seed, progress, now)
        floor = study.control(sizes[len(sizes) // 2])
        if not names[1:]:
            for size in sizes:
                study.at("resident", size)
        advice = []
        for left, way in zip(range(len(WAYS), 0, -1), WAYS, strict=True):
            study.share_time(left)
            for candidate in names[1:]:
                crossover = find_crossover(study.compare(way, candidate, names[0]), sizes, floor)
                said = sentence(study, way, candidate, names[0], crossover, steps)
                advice.append(Advice(candidate, names[0], way, crossover, said))
    finally:
        close(workers)
    if not any(cell["samples"] for cell in study.cells):
        why = next((cell["why"] for cell in study.cells), SPENT)
        raise WorkerError(f"advise {builder}", f"nothing could be measured: {why}", "a step must run", "Mend that")
    written = written_run("advise", budget_s, now() - start, seed, (facts, before, state()), told, workers, study.cells)
    return advice, study, written | {"steps": steps, **study.controls}


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
    word, told = ("faster", ratio.inverse) if ratio.estimate <= 1 else ("slower", ratio)
    spread = f"{told.low:.2f}–{told.high:.2f}" if told.bounded else "too few pairs for an interval"
    return f"{told.estimate:.2f}× {word} ({spread}), {ratio.pairs} pair{'s' * (ratio.pairs != 1)}"


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
    else:
        least, most = overhead(study, way, name, here)
        if least > MOST * here.step_s:
            found = "launches: calls take more than half of a step, whatever the size"
        elif most <= MOST * here.step_s:
            found = "products, arithmetic and memory"
        else:
            return ""
    return f"There {name} is limited by {found}."


def overhead(study: Study, way: str, name: str, here: Measured) -> tuple[float, float]:
    """Seconds of a step that do not grow with the size: at least, and at most.

    By the device's own clock, where it has one; else by a fit of the times, where it explains them. Else it is at most
    what a step takes at the smallest size, and at least what is left of that if the work grows as the size or faster.
    """
    if here.device_s is not None:
        waited = max(0.0, here.step_s - here.device_s)
        return waited, waited
    points = [(n, m[name].step_s) for (w, n), m in sorted(study.found.items()) if w == way and name in m]
    model = fit([n for n, _ in points], [t for _, t in points])
    if model is not None:
        return model.overhead_s, model.overhead_s
    (small, first), (large, last) = points[0], points[-1]
    work = (last - first) / (large / small - 1) if large > small else first
    return max(0.0, first - work), first


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
        expected = "it is name=low:high, whole numbers from 1 on, the low one below the high one"
        raise SettingError("--axis", f"it is {text!r}", expected, "Write batch=1:65536")
    return name, coarse_grid(int(low), int(high), COARSE)
