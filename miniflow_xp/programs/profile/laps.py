"""The time of each call of a pass, by the backend's own clock, with what lies between two calls told apart.

On a device with a clock of its own a call lies between two marks among the device's work; elsewhere the host looks at
its clock, makes the call, waits for its result, and looks again.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

from miniflow_xp.backend import Backend
from miniflow_xp.programs.bench.clock import LONGEST_BUSY, device_clock, wait_for

EMPTY_CALLS = 32  # a look at the clock takes as long as the median of so many calls of nothing


class Stopwatch(NamedTuple):
    """``mark()`` is a moment, ``between(a, b)`` the seconds from one to the other once both are behind.

    ``settle(result)`` waits for what a call gave and ``catch_up()`` for all that was asked, where that takes a wait;
    ``finish()`` waits in any case. ``busy(seconds)`` gives a device so much to do that it never waits for the host
    meanwhile. ``whose``: in words.
    """

    mark: Callable[[], Any]
    between: Callable[[Any, Any], float]
    settle: Callable[[Any], None]
    catch_up: Callable[[], None]
    finish: Callable[[], None]
    busy: Callable[[float], None]
    whose: str


def stopwatch(backend: Backend, now: Callable[[], float] = perf_counter) -> Stopwatch:
    """The device's own clock, where it has one; else the host's, which waits for each call."""
    own = device_clock(backend)
    if own is not None:
        return Stopwatch(
            *(own.mark, own.between, nothing, nothing, backend.synchronize, own.busy),
            whose="the device's own, by marks among its work",
        )
    if getattr(backend.synchronize, "__func__", None) is Backend.synchronize:  # its calls return when they are done
        return Stopwatch(now, lambda a, b: b - a, nothing, nothing, nothing, nothing, "the host's, around each call")
    wait = wait_for(backend)

    def settle(result: Any) -> None:
        wait(list(result.values()) if isinstance(result, Mapping) else result)

    waits = backend.synchronize
    return Stopwatch(now, lambda a, b: b - a, settle, waits, waits, nothing, "the host's, waiting for each call")


def nothing(*_: Any) -> None:
    """No wait, no work."""


class Laps:
    """One pass: what makes its calls, and keeps a mark before and after each.

    ``sums``: the calls, by number, after which gradients are added up before the next one begins.
    """

    def __init__(self, watch: Stopwatch, sums: Collection[int] = ()) -> None:
        self.watch = watch
        self.sums = sums
        self.marks: list[tuple[Any, Any]] = []

    def __call__(self, _: Any, __: str, function: Callable[..., Any], *arguments: Any, **keywords: Any) -> Any:
        if len(self.marks) - 1 in self.sums:
            self.watch.catch_up()
        begin = self.watch.mark()
        result = function(*arguments, **keywords)
        self.watch.settle(result)
        self.marks.append((begin, self.watch.mark()))
        return result


class Pass(NamedTuple):
    """Seconds of one pass: ``calls`` are (begin, end) of each, from its start, which ends after ``whole``."""

    calls: list[tuple[float, float]]
    whole: float


def timed_pass(make: Callable[[Laps], Callable[[], Any]], laps: Laps, host_s: float = 0.0) -> Pass:
    """Run a pass whose calls ``laps`` makes; ``host_s``: how long the host takes to ask for it."""
    watch, run = laps.watch, make(laps)
    watch.busy(min(LONGEST_BUSY, 2 * host_s))
    start = watch.mark()
    result = run()
    watch.settle(result)
    end = watch.mark()
    watch.finish()
    at = [(watch.between(start, a), watch.between(start, b)) for a, b in laps.marks]
    return Pass(at, watch.between(start, end))


def clock_overhead(watch: Stopwatch, result: Any) -> float:
    """Seconds that a call of nothing is said to take; ``result``: one that is there, like those that are waited for."""
    laps = Laps(watch)
    for _ in range(EMPTY_CALLS):
        laps(None, "", same, result)
    watch.finish()
    return median(watch.between(a, b) for a, b in laps.marks)


def same(result: Any) -> Any:
    """What it is given."""
    return result


def gaps(found: Pass) -> Sequence[float]:
    """Seconds before the first call, between each two, and after the last."""
    ends = [0.0, *(end for _, end in found.calls)]
    begins = [*(begin for begin, _ in found.calls), found.whole]
    return [begin - end for end, begin in zip(ends, begins, strict=True)]
