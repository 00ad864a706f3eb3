"""An anytime interleaved scheduler: what is compared is measured adjacent in time, and may stop at any moment.

Rounds are outside, groups in random order inside; the contestants of a group run A B C in one round and C B A in the
next, so that a drift of the machine falls on all of them alike.
"""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import ceil
from statistics import median
from typing import Generic, NamedTuple, Protocol, TypeVar

STABLE = 0.10  # a warm-up ends when two successive medians differ by no more
MOST_CALLS = 1_000_000  # for a clock that does not move between two calls


class Contestant(Protocol):
    """Something to time."""

    @property
    def name(self) -> str:
        """Unique among all groups of one ``interleave``."""

    def sample(self) -> float:
        """Run one sample, which is several steps, wait until they are done, and return the seconds a step."""


C = TypeVar("C", bound=Contestant)


class Group(NamedTuple, Generic[C]):
    """What is compared with each other. ``seconds``: how long one round of it should take; 0 where nobody knows."""

    name: str
    contestants: Sequence[C]
    seconds: float = 0.0


@dataclass
class Timings:
    """A contestant's samples in seconds a step, the round of each, and why it was dropped, or an empty text.

    No sample and no failure: the time was spent before its turn came.
    """

    samples: list[float] = field(default_factory=list)
    rounds: list[int] = field(default_factory=list)
    failed: str = ""


Progress = Callable[[int, int, str], object]
"""Called with how many turns are behind us, how many there are in all, and the group's name."""


def interleave(
    groups: Sequence[Group[C]],
    rounds: int,
    until: float,
    rng: random.Random,
    now: Callable[[], float] = time.perf_counter,
    progress: Progress | None = None,
) -> dict[str, Timings]:
    """{contestant's name: its Timings}, after so many rounds, or what was measured when ``now()`` reached ``until``.

    The time is looked at between groups only, so that pairs stay whole. A group that would not end in time, by its
    last round, is passed over while quicker ones go on. A contestant that raises is dropped; the others go on.
    Raises ValueError when two contestants have one name.
    """
    everybody = [contestant for group in groups for contestant in group.contestants]
    series = {contestant.name: Timings() for contestant in everybody}
    if len(series) < len(everybody):
        raise ValueError("every contestant needs a name of its own")
    seconds = [group.seconds for group in groups]
    backwards = [rng.random() < 0.5 for _ in groups]
    order = list(range(len(groups)))
    done = 0
    for number in range(rounds):
        rng.shuffle(order)
        for place in order:
            start = now()
            if start >= until:
                return series
            if start + seconds[place] <= until:
                one_round(groups[place], number, backwards[place] ^ (number % 2 == 1), series)
                seconds[place] = now() - start
            done += 1
            if progress:
                progress(done, rounds * len(groups), groups[place].name)
    return series


def one_round(group: Group[C], number: int, backwards: bool, series: dict[str, Timings]) -> None:
    """One sample of every contestant that has not failed."""
    for contestant in reversed(group.contestants) if backwards else group.contestants:
        own = series[contestant.name]
        if own.failed:
            continue
        try:
            sample = contestant.sample()
            if sample <= 0:
                raise ValueError(f"a sample took {sample} s: it holds too few calls for this clock")
        except Exception as error:  # noqa: BLE001, RUF100  one contestant's failure is a result, not the end of the run
            own.failed = f"{type(error).__name__}: {error}"
        else:
            own.samples.append(sample)
            own.rounds.append(number)


class WarmUp(NamedTuple):
    """Seconds of the first call, how many calls followed, whether they became stable, and seconds a call at the end."""

    first_call_s: float
    calls: int
    stable: bool
    seconds_per_call: float


def warm_up(
    step: Callable[[], object],
    clock: Callable[[], float] = time.perf_counter,
    least: int = 3,
    at_most_s: float = 1.0,
) -> WarmUp:
    """Call ``step``, which must wait until its work is done, until its time no longer changes.

    Stable: the median of the last third of the calls is within STABLE of that of the third before. The first
    call, which compiles and allocates, is timed apart; the calls after it start only within ``at_most_s``.
    """
    first = seconds_of(step, clock)
    times: list[float] = []
    end = clock() + at_most_s
    look = max(least, 3)
    while clock() < end:
        times.append(seconds_of(step, clock))
        if len(times) >= look:
            if is_stable(times):
                return WarmUp(first, len(times), True, last_third(times))
            look = ceil(1.5 * look)  # a look costs more than a quick step does
    return WarmUp(first, len(times), False, last_third(times) if times else first)


def seconds_of(step: Callable[[], object], clock: Callable[[], float]) -> float:
    """Seconds that one call takes."""
    start = clock()
    step()
    return clock() - start


def is_stable(times: Sequence[float]) -> bool:
    """True if the median of the last third is within STABLE of that of the third before."""
    third = max(1, len(times) // 3)
    return abs(last_third(times) - last_third(times[:-third], third)) <= STABLE * last_third(times)


def last_third(times: Sequence[float], third: int = 0) -> float:
    """Median of the last third, or of so many last ones."""
    return median(times[-(third or max(1, len(times) // 3)) :])


def calls_for(seconds_per_call: float, slice_s: float) -> int:
    """How many calls make a sample that lasts at least ``slice_s``."""
    if seconds_per_call * MOST_CALLS <= slice_s:
        return MOST_CALLS
    return max(1, ceil(slice_s / seconds_per_call))
