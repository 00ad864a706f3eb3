"""Does another backend pay for this graph? Measured on the user's own graph along one axis, told in sentences.

Three ways to use it are told apart, since another one may win in each: data on the device, data from the host at every
step, and a single step from data on the host to the cost on the host, capture included. The measurements are written
as a run, which ``report`` and ``compare`` read.
"""

import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import NamedTuple

from miniflow_xp.errors import SettingError, WorkerError
from miniflow_xp.programs.bench.builder import check_axis
from miniflow_xp.programs.bench.cases import WAYS
from miniflow_xp.programs.bench.crossover import (
    COARSE,
    Crossover,
    break_even,
    coarse_grid,
    find_crossover,
    fit_overhead,
)
from miniflow_xp.programs.bench.record import Cell, Record
from miniflow_xp.programs.bench.run import Progress, silent
from miniflow_xp.programs.bench.session import Session
from miniflow_xp.programs.bench.statistics import Ratio
from miniflow_xp.programs.bench.study import Study
from miniflow_xp.programs.bench.trial import SPENT

MOST = 0.5  # a part of the time above this is what limits it


class Advice(NamedTuple):
    """For one candidate and way: from which size on it wins, in figures and in words."""

    candidate: str
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
) -> tuple[list[Advice], Study, Record]:
    """Advice for each backend against the first one, the measurements, and these as a run's record.

    ``sizes`` are those of the coarse grid along ``axis``. Raises BuilderError; WorkerError where a backend cannot be
    used, or nothing could be measured, with the reason. ``now`` is the clock of the budget.
    """
    check_axis(builder, axis)
    start = now()
    with Session(backends) as session:
        names = list(session.workers)
        study = Study(builder, axis, session, now() + budget_s, seed, progress, now)
        floor = study.floor(sizes[len(sizes) // 2])
        if not names[1:]:
            for size in sizes:
                study.at("resident", size)
        advice = []
        for left, way in zip(range(len(WAYS), 0, -1), WAYS, strict=True):
            study.share_time(left)
            for candidate in names[1:]:
                crossover = find_crossover(study.compare(way, candidate, names[0]), sizes, floor)
                said = sentence(study, way, candidate, names[0], crossover, steps)
                advice.append(Advice(candidate, way, crossover, said))
    cells = [cell for found in study.cells.values() for cell in found.values()]
    if not any(cell.samples for cell in cells):
        why = next((cell.why for cell in cells), SPENT)
        raise WorkerError(f"advise {builder}", f"nothing could be measured: {why}", "a step must run", "Mend that")
    record = session.record(
        "advise", budget_s, now() - start, seed, cells, steps=steps, control=study.control, planted=study.planted
    )
    return advice, study, record


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
        later = study.once_s(found[candidate]) - study.once_s(found[reference])
        parts.append(pays(later, gain * step_s(found[reference]), steps) if wins else "")
        parts.append(limit(study, way, candidate, largest))
    return " ".join(part for part in parts if part)


def ratio_in_words(ratio: Ratio) -> str:
    """A ratio of times as so many times faster or slower, with its interval."""
    word, told = ("faster", ratio.inverse) if ratio.estimate <= 1 else ("slower", ratio)
    spread = f"{told.low:.2f}–{told.high:.2f}" if told.bounded else "too few pairs for an interval"
    return f"{told.estimate:.2f}× {word} ({spread}), {ratio.pairs} pair{'s' * (ratio.pairs != 1)}"


def step_s(cell: Cell) -> float:
    """Median seconds a step of a measured cell."""
    return median(cell.samples)


def pays(later: float, gain_s: float, steps: int) -> str:
    """After how many steps it is earned that it starts so many seconds later; ``gain_s`` is what a step saves."""
    after = break_even(later, gain_s)
    if after is None or after <= 1:
        return "It pays from the first step on."
    verdict = "it pays" if after <= steps else "it does not pay"
    return f"It starts {later:.2g} s later and has caught up after {after:,} steps: for {steps:,}, {verdict}."


def limit(study: Study, way: str, name: str, size: int) -> str:
    """What takes more than half of a step: transfers, launches, or the arithmetic."""
    here = study.at(way, size)[name]
    resident = study.at("resident", size).get(name)
    if way == "streamed" and resident is not None and step_s(here) - step_s(resident) > MOST * step_s(here):
        found = "transfers"
    else:
        least, most = overhead(study, way, name, here)
        if least > MOST * step_s(here):
            found = "launches: calls take more than half of a step, whatever the size"
        elif most <= MOST * step_s(here):
            found = "products, arithmetic and memory"
        else:
            return ""
    return f"There {name} is limited by {found}."


def overhead(study: Study, way: str, name: str, here: Cell) -> tuple[float, float]:
    """Seconds of a step that do not grow with the size: at least, and at most.

    By the device's own clock, where it has one; else by a fit of the times, where it explains them. Else it is at most
    what a step takes at the smallest size, and at least what is left of that if the work grows as the size or faster.
    """
    if here.device_s is not None:
        waited = max(0.0, step_s(here) - here.device_s)
        return waited, waited
    points = [(n, step_s(found[name])) for n, found in study.along(way).items() if name in found]
    fitted = fit_overhead([n for n, _ in points], [t for _, t in points])
    if fitted is not None:
        return fitted, fitted
    (small, first), (large, last) = points[0], points[-1]
    work = (last - first) / (large / small - 1) if large > small else first
    return max(0.0, first - work), first


Table = dict[int, dict[str, float]]
"""{size: {backend: seconds}}."""


def times(study: Study, steps: int) -> tuple[Table, Table]:
    """With data on the device: seconds a step, and seconds for all steps and what is paid once."""
    found = study.along("resident")
    step = {size: {name: step_s(cell) for name, cell in cells.items()} for size, cells in found.items()}
    whole = {
        size: {name: study.once_s(cell) + steps * step_s(cell) for name, cell in cells.items()}
        for size, cells in found.items()
    }
    return step, whole


def parse_axis(text: str) -> tuple[str, list[int]]:
    """``batch=1:65536`` as the name and a grid of factor 4, both ends in it; raises SettingError."""
    name, _, span = text.partition("=")
    low, _, high = span.partition(":")
    if not (name.isidentifier() and low.isdecimal() and high.isdecimal() and 1 <= int(low) < int(high)):
        expected = "it is name=low:high, whole numbers from 1 on, the low one below the high one"
        raise SettingError("--axis", f"it is {text!r}", expected, "Write batch=1:65536")
    return name, coarse_grid(int(low), int(high), COARSE)
