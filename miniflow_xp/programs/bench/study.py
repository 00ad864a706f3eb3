"""Measurements of a user's graph along one axis, in each of the ways to use it, made when they are asked for."""

import random
import time
from collections.abc import Callable, Mapping
from statistics import median
from typing import Any, NamedTuple

from miniflow_xp.programs.bench.cases import WAYS, Case
from miniflow_xp.programs.bench.cell import SPENT, Cell
from miniflow_xp.programs.bench.limits import change
from miniflow_xp.programs.bench.run import Progress, controls, sampled, written_controls
from miniflow_xp.programs.bench.scheduler import Group, interleave
from miniflow_xp.programs.bench.statistics import Ratio, paired_ratio
from miniflow_xp.programs.bench.worker import Worker

ROUNDS = 12
ONCE_ROUNDS = 8  # a step that is captured anew takes long; six pairs are needed for an interval of 95 %
CONTROL = 0.2  # of the time, at most, goes into the A/A pairs


class Measured(NamedTuple):
    """A backend at one size: seconds a step in each round, and what is paid once.

    ``start_s``: import of the library, first use of its device, a first small step; ``upload_s``: data to the device;
    ``device_s``: what the device itself works on a step, where it has a clock.
    """

    samples: list[float]
    first_call_s: float
    upload_s: float = 0.0
    start_s: float = 0.0
    device_s: float | None = None

    @classmethod
    def of(cls, cell: Mapping[str, Any], start_s: float) -> "Measured":
        """From a measured cell of a run."""
        return cls(cell["samples"], cell["first_call_s"], cell["upload_s"] or 0.0, start_s, cell["device_s"])

    @property
    def step_s(self) -> float:
        """Median seconds a step."""
        return median(self.samples)

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
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.builder, self.axis, self.workers, self.told = builder, axis, workers, told
        self.start, self.until, self.progress, self.now = now(), until, progress, now
        self.deadline = until  # of the way that is being measured
        self.rng = random.Random(seed)
        self.found: dict[tuple[str, int], dict[str, Measured]] = {}
        self.failed: dict[tuple[str, str, int], str] = {}
        self.cells: list[dict[str, Any]] = []
        self.controls: dict[str, list[dict[str, Any]]] = {}

    def share_time(self, ways_left: int) -> None:
        """Give the next way its part of the time that is left."""
        now = self.now()
        self.deadline = now + max(0.0, self.until - now) / ways_left

    def at(self, way: str, size: int) -> dict[str, Measured]:
        """{backend: what was measured} at one size; backends that failed there are left out."""
        if (way, size) not in self.found:
            self.found[way, size] = {} if self.now() > self.deadline else self._measure(way, size)
        return self.found[way, size]

    def control(self, size: int) -> float:
        """Measure every backend beside itself at one size, plain and slowed; by how much equals differ at most."""
        cells = self._prepared("resident", size)
        extra = controls([cells])
        until = self.start + CONTROL * (self.until - self.start)
        series = interleave(sampled([], extra), ROUNDS, until, self.rng, self.now)
        self.controls = written_controls(extra, series)
        for cell in cells:
            cell.drop()
        ratios = [paired_ratio(c["a"], c["b"]).estimate for c in self.controls["control"]]
        return max((change(ratio) for ratio in ratios), default=0.0)

    def _measure(self, way: str, size: int) -> dict[str, Measured]:
        cells = self._prepared(way, size)
        ready = [cell for cell in cells if cell.ready]
        rounds = ONCE_ROUNDS if way == "once" else ROUNDS
        group = Group(str(size), ready, sum(cell.seconds for cell in ready))
        series = interleave([group], rounds, self.deadline, self.rng, self.now) if ready else {}
        found = {}
        for cell in cells:
            name = cell.worker.backend
            cell.drop()
            written = cell.written(series.get(cell.name), self.told[name]["synchronous"])
            self.cells.append(written | {"series": self.title})
            if written["state"] == "measured":
                found[name] = Measured.of(written, self.told[name]["start_s"])
            else:
                self.failed[name, way, size] = written["why"]
        return found

    @property
    def title(self) -> str:
        """The builder without its folder."""
        return self.builder.replace("\\", "/").rpartition("/")[2]

    def _prepared(self, way: str, size: int) -> list[Cell]:
        """A cell for each backend, ready or failed; results agree with those of the first."""
        spent = (self.now() - self.start) / max(1e-9, self.until - self.start)
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
                    return self.failed.get((name, way, size), SPENT)
            return paired_ratio(found[candidate].samples, found[reference].samples)

        return ratio
