"""A profile: what was measured of each part of a step and of the whole, and what follows from it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from miniflow_xp.errors import SettingError
from miniflow_xp.programs.bench.record import Ceiling
from miniflow_xp.programs.bench.statistics import Ratio, paired_ratio
from miniflow_xp.programs.profile.counts import Work, total
from miniflow_xp.programs.profile.laps import Pass
from miniflow_xp.programs.profile.subjects import Holding, Place

DIRECTIONS = ("forward", "backward", "sum", "update")
AGREED = 0.10  # parts within so much of the whole add up
BELOW_CLOCK = 1e-9  # seconds of a call that takes no longer than a look at the clock


def estimate(samples: Sequence[float]) -> Ratio:
    """Seconds with their interval: the samples against one second each."""
    return paired_ratio(samples, [1.0] * len(samples))


@dataclass
class Part:
    """One direction of one place: ``samples`` are seconds a step, a round each, the clock's own time taken off."""

    direction: str
    samples: list[float]
    work: Work

    @cached_property
    def time(self) -> Ratio:
        """Seconds a step."""
        return estimate(self.samples)

    def of_ceiling(self, ceiling: Ceiling | None) -> float | None:
        """The least time that the machine's peaks allow, as a part of its time; None where either is unknown."""
        if ceiling is None or self.work.uncounted:
            return None
        return ceiling.bound(self.work.flops, self.work.moved) / self.time.estimate or None


@dataclass
class Row:
    """A node, a function at a line, or the update, with its parts by direction."""

    place: Place
    parts: dict[str, Part] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """Of all its parts."""
        return sum(part.time.estimate for part in self.parts.values())

    @property
    def work(self) -> Work:
        """Of all its parts."""
        return total(part.work for part in self.parts.values())


@dataclass
class Figures:
    """Where the time of a step goes, as numbers.

    ``rows``: each node, or function at a line, in the order of the pass. ``plain`` and ``captured``: seconds a step as
    a whole, a sample a round; ``between``: of what lies between the calls; ``clock_s``: what a look at the clock takes,
    which is taken off. ``fused``: {function: calls} that the captured step does not make, ``joined``: those that it
    makes instead, ``gone``: {part: its functions of which no call is left}. ``ceiling``: the machine's measured peaks,
    None where they were not measured. ``holding``: who holds the memory when most is held; ``peak_bytes`` what the
    library, or the system, says of it.
    """

    title: str
    machine: str
    clock: str
    rows: list[Row]
    between: list[float]
    plain: list[float]
    captured: list[float]
    how: str
    clock_s: float
    dtype: str
    ceiling: Ceiling | None
    holding: Holding
    peak_bytes: dict[str, Any]
    fused: dict[str, int]
    joined: dict[str, int]
    gone: dict[str, list[str]]
    load: tuple[float, float] | None
    upload: tuple[float, list[float]] | None
    passes: list[tuple[Place, str, float, float]]
    last: Pass
    drawn: Any = None

    @property
    def parts(self) -> list[Part]:
        """All parts of all rows."""
        return [part for row in self.rows for part in row.parts.values()]

    @cached_property
    def sums(self) -> list[float]:
        """Seconds of all parts together, a round each."""
        return [sum(times) for times in zip(*(part.samples for part in self.parts), strict=True)]

    @cached_property
    def agreement(self) -> Ratio:
        """All parts together, as a part of the plain step, by pairs of one round."""
        return paired_ratio(self.sums, self.plain)

    @property
    def adds_up(self) -> bool:
        """Are the parts within 10 % of the whole?"""
        return abs(self.agreement.estimate - 1) <= AGREED

    def row(self, name: Any) -> Row:
        """The row of a node, or of this name; raises SettingError where there is none."""
        for row in self.rows:
            if name in (row.place.key, row.place.name) or getattr(row.place.node, "name", None) == name:
                return row
        raise SettingError(
            "Profile.row", f"{name} is none", "it is a node or a name of a row", "Look at print(profile)"
        )

    def share(self, row: Row) -> float:
        """A row's part of all parts."""
        return row.seconds / sum(r.seconds for r in self.rows)
