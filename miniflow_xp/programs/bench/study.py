"""Measurements of a user's graph along one axis, in each of the ways to use it, made when they are asked for."""

import random
import time
from collections.abc import Callable
from dataclasses import replace

from miniflow_xp.programs.bench.cases import WAYS, Case
from miniflow_xp.programs.bench.controls import controls, recorded, sampled
from miniflow_xp.programs.bench.limits import change
from miniflow_xp.programs.bench.record import Cell, Control, Planted
from miniflow_xp.programs.bench.run import Progress
from miniflow_xp.programs.bench.scheduler import interleave
from miniflow_xp.programs.bench.session import Session
from miniflow_xp.programs.bench.statistics import Ratio, paired_ratio
from miniflow_xp.programs.bench.trial import SPENT, Trial

ROUNDS = 12
ONCE_ROUNDS = 8  # a step that is captured anew takes long; six pairs are needed for an interval of 95 %
CONTROL = 0.2  # of the time, at most, goes into the A/A pairs


class Study:
    """Measurements of one graph, made when they are first asked for."""

    def __init__(
        self,
        builder: str,
        axis: str,
        session: Session,
        until: float,
        seed: int,
        progress: Progress,
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.builder, self.axis, self.session = builder, axis, session
        self.start, self.until, self.progress, self.now = now(), until, progress, now
        self.deadline = until  # of the way that is being measured
        self.rng = random.Random(seed)
        self.found: dict[tuple[str, int], dict[str, Cell]] = {}
        self.failed: dict[tuple[str, str, int], str] = {}
        self.cells: list[Cell] = []
        self.control: list[Control] = []
        self.planted: list[Planted] = []

    def share_time(self, ways_left: int) -> None:
        """Give the next way its part of the time that is left."""
        now = self.now()
        self.deadline = now + max(0.0, self.until - now) / ways_left

    def at(self, way: str, size: int) -> dict[str, Cell]:
        """{backend: what was measured} at one size; backends that failed there are left out."""
        if (way, size) not in self.found:
            self.found[way, size] = {} if self.now() > self.deadline else self._measure(way, size)
        return self.found[way, size]

    def floor(self, size: int) -> float:
        """Measure every backend beside itself at one size, plain and slowed; by how much equals differ at most."""
        trials = self._prepared("resident", size)
        extra = controls([trials])
        until = self.start + CONTROL * (self.until - self.start)
        self.control, self.planted = recorded(extra, interleave(sampled([], extra), ROUNDS, until, self.rng, self.now))
        for trial in trials:
            trial.drop()
        return max((change(paired_ratio(pair.a, pair.b).estimate) for pair in self.control), default=0.0)

    def _measure(self, way: str, size: int) -> dict[str, Cell]:
        trials = self._prepared(way, size)
        rounds = ONCE_ROUNDS if way == "once" else ROUNDS
        timings = interleave(sampled([trials], []), rounds, self.deadline, self.rng, self.now)
        found = {}
        for trial in trials:
            name = trial.worker.backend
            trial.drop()
            cell = replace(self.session.cell(trial, timings), series=self.title)
            self.cells.append(cell)
            if cell.measured:
                found[name] = cell
            else:
                self.failed[name, way, size] = cell.why
        return found

    def once_s(self, backend: str, cell: Cell) -> float:
        """What is paid once: start, the data's way to the device, capture and compilation.

        Start: import of the library, first use of its device, a first small step.
        """
        return self.session.told[backend].start_s + (cell.once or 0.0)

    @property
    def title(self) -> str:
        """The builder without its folder."""
        return self.builder.replace("\\", "/").rpartition("/")[2]

    def _prepared(self, way: str, size: int) -> list[Trial]:
        """A trial for each backend, ready or failed; results agree with those of the first."""
        spent = (self.now() - self.start) / max(1e-9, self.until - self.start)
        self.progress(f"{WAYS[way]}, {self.axis}={size}", min(1.0, spent))
        case = Case("user", self.builder, {self.axis: size}, self.axis, residence=way)
        trials = self.session.trials(case)
        for trial in trials:
            trial.prepare()
            if trial.facts and trials[0].facts and trial is not trials[0]:
                trial.agree_with(trials[0])
        return trials

    def compare(self, way: str, candidate: str, reference: str) -> Callable[[int], Ratio | str]:
        """``compare(size)``: time of the candidate over that of the reference, or why there is none."""

        def ratio(size: int) -> Ratio | str:
            found = self.at(way, size)
            for name in (candidate, reference):
                if name not in found:
                    return self.failed.get((name, way, size), SPENT)
            return paired_ratio(found[candidate].samples, found[reference].samples)

        return ratio
