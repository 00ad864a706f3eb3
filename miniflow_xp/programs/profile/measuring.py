"""The rounds: a pass with each call timed, the plain step and the captured one, interleaved."""

import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf
from statistics import median
from time import perf_counter
from typing import Any

from miniflow_xp.errors import GraphError
from miniflow_xp.programs.bench.ceilings import measure_ceilings
from miniflow_xp.programs.bench.clock import timed, wait_for
from miniflow_xp.programs.bench.peak import peak_bytes
from miniflow_xp.programs.bench.record import Ceiling
from miniflow_xp.programs.bench.scheduler import Group, calls_for, interleave, warm_up
from miniflow_xp.programs.profile.counts import SHOWN, Work, total
from miniflow_xp.programs.profile.figures import BELOW_CLOCK, Part, Row
from miniflow_xp.programs.profile.laps import Laps, Pass, Stopwatch, clock_overhead, gaps, stopwatch, timed_pass
from miniflow_xp.programs.profile.result import Profile
from miniflow_xp.programs.profile.subjects import Place, Run, Step, Subject

SLICE_S = 2e-3  # of a sample
MOST_CALLS = 50
WARM_S = 0.5
LEAST_ROUNDS = 3  # however long they take


@dataclass
class Whole:
    """A step as a whole, waited for at its end."""

    name: str
    run: Run
    wait: Callable[[Any], None]
    now: Callable[[], float]
    calls: int = 1

    def sample(self) -> float:
        """Seconds a step, the median of some: what is interrupted counts no more than others."""
        return median(timed(self.run, 1, self.wait, now=self.now)[0] for _ in range(self.calls))


@dataclass
class Walk:
    """A pass with each of its calls timed; ``rounds``: for each sample the median seconds of each call and each gap."""

    name: str
    subject: Subject
    watch: Stopwatch
    calls: int = 1
    host_s: float = 0.0
    rounds: list[tuple[list[float], list[float]]] = field(default_factory=list)
    last: Pass | None = None

    def sample(self) -> float:
        """Seconds a pass, every look at the clock included."""
        found = [self.one() for _ in range(self.calls)]
        calls = [[end - begin for begin, end in p.calls] for p in found]
        self.rounds.append((medians(calls), medians([gaps(p) for p in found])))
        return median(p.whole for p in found)

    def one(self) -> Pass:
        """One pass; raises GraphError where it makes other calls than the first did."""
        sums = {n for n, step in enumerate(self.subject.steps) if step.sums}
        found = timed_pass(self.subject.walk, Laps(self.watch, sums), self.host_s)
        if len(found.calls) != len(self.subject.steps):
            came = f"it makes {len(found.calls)} calls, and made {len(self.subject.steps)} before"
            remedy = "Take out what changes from call to call"
            raise GraphError(f"profile of {self.subject.title}", came, "it makes the same calls each time", remedy)
        self.last = found
        return found


def medians(rows: Sequence[Sequence[float]]) -> list[float]:
    """Of each column."""
    return [median(column) for column in zip(*rows, strict=True)]


def measure(
    subject: Subject,
    rounds: int,
    budget_s: float,
    ceiling: Ceiling | bool = False,
    now: Callable[[], float] = perf_counter,
    watch: Stopwatch | None = None,
) -> Profile:
    """The profile of a subject, from so many interleaved rounds, or as many as fit into the budget.

    ``ceiling``: the machine's peaks, or True to measure them. Raises GraphError for what calls nothing.
    """
    if not subject.steps:
        rule, remedy = "there is something to measure", "Give it what computes something"
        raise GraphError(f"profile of {subject.title}", "it calls nothing of the library", rule, remedy)
    backend = subject.backend
    wait = wait_for(backend)
    watch = watch or stopwatch(backend, now)
    load = load_now()
    walk = Walk("walk", subject, watch)
    wholes = [Whole("plain", subject.plain, wait, now)]
    if subject.captured is not None:
        wholes.append(Whole("captured", subject.captured, wait, now))
    contestants: list[Any] = [walk, *wholes]
    with backend.activate():
        seconds = {}
        for one in contestants:
            each = one.one if isinstance(one, Walk) else waited(one)
            seconds[one.name] = warm_up(each, now, at_most_s=min(WARM_S, budget_s / 8)).seconds_per_call
        walk.host_s = seconds["plain"]
        for one in contestants:
            one.calls = min(MOST_CALLS, calls_for(seconds[one.name], SLICE_S))
        done = subject.plain()[:1]
        clock_s = median(clock_overhead(watch, done) for _ in range(LEAST_ROUNDS))
        group = Group("step", contestants)
        first = interleave([group], min(rounds, LEAST_ROUNDS), inf, random.Random(0), now)
        rest = interleave([group], max(0, rounds - LEAST_ROUNDS), now() + budget_s, random.Random(1), now)
        samples = {name: first[name].samples + rest[name].samples for name in first}
        failed = [found.failed for found in (*first.values(), *rest.values()) if found.failed]
        if failed:
            raise GraphError(f"profile of {subject.title}", failed[0], "it runs the same way each time", "Mend that")
        upload = uploads(subject, wait, now, rounds)
    memory = {one.name: peak_bytes(backend, waited(one), calls=1)["peak_bytes"] for one in wholes}
    if ceiling is True:
        ceiling = measure_ceilings(backend, subject.dtype)
    fused, joined = difference(subject)
    assert walk.last is not None
    return Profile(
        title=subject.title,
        machine=backend.describe(),
        clock=watch.whose,
        rows=rows_of(subject.steps, walk, clock_s),
        between=[between(subject.steps, found) for _, found in walk.rounds],
        plain=samples["plain"],
        captured=samples.get("captured", []),
        how=subject.how,
        clock_s=clock_s,
        dtype=subject.dtype,
        ceiling=ceiling or None,
        holding=subject.holding,
        peak_bytes=memory,
        fused=fused,
        joined=joined,
        gone=gone(subject),
        load=None if load is None else (load, load_now() or load),
        upload=upload,
        passes=placed(subject.steps, walk.last),
        last=walk.last,
        drawn=subject.drawn,
    )


def waited(whole: Whole) -> Run:
    """A step that is done when it returns."""
    return lambda: whole.wait(whole.run())


def uploads(
    subject: Subject, wait: Callable[[Any], None], now: Callable[[], float], rounds: int
) -> tuple[float, list[float]] | None:
    """Bytes that the feed brings from the host at every step, and seconds that this takes."""
    if subject.fed is None:
        return None
    size, bring = subject.fed
    return size, [timed(bring, 1, wait, now=now)[0] for _ in range(max(LEAST_ROUNDS, min(rounds, 10)))]


def load_now() -> float | None:
    """How many processes want to run, where the system tells."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def rows_of(steps: Sequence[Step], walk: Walk, clock_s: float) -> list[Row]:
    """The rows, in the order of the first call of each; a sum of gradients is a part of its node."""
    rows: dict[Any, Row] = {}
    samples: dict[tuple[Any, str], list[float]] = {}
    works: dict[tuple[Any, str], list[Work]] = {}

    def enter(place: Place, direction: str, work: Work, seconds: list[float]) -> None:
        row = rows.setdefault(place.key, Row(place))
        row.parts.setdefault(direction, Part(direction, [], work))
        key = place.key, direction
        before = samples.get(key, [0.0] * len(seconds))
        samples[key] = [a + max(b - clock_s, BELOW_CLOCK) for a, b in zip(before, seconds, strict=True)]
        works.setdefault(key, []).append(work)

    for n, step in enumerate(steps):
        enter(step.place, step.direction, step.work, [calls[n] for calls, _ in walk.rounds])
        for place, work in step.sums:
            enter(place, "sum", work, [found[n + 1] / len(step.sums) for _, found in walk.rounds])
    for key, row in rows.items():
        for direction, part in row.parts.items():
            part.samples, part.work = samples[key, direction], total(works[key, direction])
    return list(rows.values())


def between(steps: Sequence[Step], found: Sequence[float]) -> float:
    """Seconds between the calls, without the sums of gradients."""
    summed = {n + 1 for n, step in enumerate(steps) if step.sums}
    return sum(gap for n, gap in enumerate(found) if n not in summed)


def placed(steps: Sequence[Step], found: Pass) -> list[tuple[Place, str, float, float]]:
    """The calls of a pass as they followed one another: place, direction, begin and end."""
    timeline = []
    ends = [*(begin for begin, _ in found.calls[1:]), found.whole]
    for step, (begin, end), following in zip(steps, found.calls, ends, strict=True):
        timeline.append((step.place, step.direction, begin, end))
        timeline += [(place, "sum", end, following) for place, _ in step.sums[:1]]
    return timeline


def difference(subject: Subject) -> tuple[dict[str, int], dict[str, int]]:
    """Calls of the plain pass that the captured one does not make, and calls that only this one makes, by function."""
    if subject.replayed is None:
        return {}, {}
    plain = total(step.work for step in subject.steps).calls
    plain += total(work for step in subject.steps for _, work in step.sums).calls
    names = [name for name in dict.fromkeys([*plain, *subject.replayed]) if name not in SHOWN]
    left = {name: plain[name] - subject.replayed.get(name, 0) for name in names}
    return {k: n for k, n in left.items() if n > 0}, {k: -n for k, n in left.items() if n < 0}


def gone(subject: Subject) -> dict[str, list[str]]:
    """{place and direction: its functions that the captured step does not call at all}: they were fused away."""
    replayed, found = subject.replayed, {}
    for step in subject.steps if replayed is not None else ():
        missing = [op for op in step.work.calls if op not in SHOWN and not (replayed or {}).get(op)]
        if missing:
            found[f"{step.place.name}, {step.direction}"] = missing
    return found
