"""Measurements of a user's graph along one axis, in each of the ways to use it, made when they are asked for."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
    """Measurements of one graph, made when they are first asked for.

    ``cells``: {(way, size): {backend: its cell, measured or failed}}, none where the time was spent.
    """

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
        self.cells: dict[tuple[str, int], dict[str, Cell]] = {}
        self.control: list[Control] = []
        self.planted: list[Planted] = []

    def share_time(self, ways_left: int) -> None:
        """Give the next way its part of the time that is left."""
        now = self.now()
        self.deadline = now + max(0.0, self.until - now) / ways_left

    def at(self, way: str, size: int) -> dict[str, Cell]:
        """{backend: what was measured} at one size; backends that failed there are left out."""
        if (way, size) not in self.cells:
            self.cells[way, size] = {} if self.now() > self.deadline else self._measure(way, size)
        return {name: cell for name, cell in self.cells[way, size].items() if cell.measured}

    def along(self, way: str) -> dict[int, dict[str, Cell]]:
        """{size: the same}, smallest first, of the sizes at which anything was measured."""
        sizes = sorted(size for known, size in self.cells if known == way)
        return {size: found for size in sizes if (found := self.at(way, size))}

    def compare(self, way: str, candidate: str, reference: str) -> Callable[[int], Ratio | str]:
        """``compare(size)``: time of the candidate over that of the reference, or why there is none."""

        def ratio(size: int) -> Ratio | str:
            found = self.at(way, size)
            for name in (candidate, reference):
                if name not in found:
                    return self.cells[way, size][name].why if self.cells[way, size] else SPENT
            return paired_ratio(found[candidate].samples, found[reference].samples)

        return ratio

    def floor(self, size: int) -> float:
        """Measure every backend beside itself at one size, plain and slowed; by how much equals differ at most."""
        until = self.start + CONTROL * (self.until - self.start)
        with self._prepared("resident", size) as trials:
            extra = controls([trials])
            timings = interleave(sampled([], extra), ROUNDS, until, self.rng, self.now)
        self.control, self.planted = recorded(extra, timings)
        return max((change(paired_ratio(pair.a, pair.b).estimate) for pair in self.control), default=0.0)

    def _measure(self, way: str, size: int) -> dict[str, Cell]:
        rounds = ONCE_ROUNDS if way == "once" else ROUNDS
        with self._prepared(way, size) as trials:
            timings = interleave(sampled([trials], []), rounds, self.deadline, self.rng, self.now)
        title = self.builder.replace("\\", "/").rpartition("/")[2]  # without its folder
        return {one.worker.backend: replace(self.session.cell(one, timings), series=title) for one in trials}

    @contextmanager
    def _prepared(self, way: str, size: int) -> Iterator[list[Trial]]:
        """A trial for each backend, ready or failed; the workers forget them at the end of the block."""
        spent = (self.now() - self.start) / max(1e-9, self.until - self.start)
        self.progress(f"{WAYS[way]}, {self.axis}={size}", min(1.0, spent))
        trials = self.session.trials(Case("user", self.builder, {self.axis: size}, self.axis, residence=way))
        for place, trial in enumerate(trials):
            trial.prepare(trials[:place])
        yield trials
        for trial in trials:
            trial.drop()

    def once_s(self, cell: Cell) -> float:
        """What is paid once: start, the data's way to the device, capture and compilation.

        Start: import of the library, first use of its device, a first small step.
        """
        return (self.session.participants[cell.backend].start_s or 0.0) + (cell.once or 0.0)
