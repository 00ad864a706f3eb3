"""Controls: one step beside itself, plain and slowed on purpose; all verdicts of a run rest on them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from miniflow_xp.programs.bench.record import Control, Planted
from miniflow_xp.programs.bench.scheduler import Group, Timings
from miniflow_xp.programs.bench.trial import Trial

PLANTED = 0.05
TIMES = 3  # that the controls are sampled in a round: 5 % are hard to see, and all verdicts rest on them


def controls(groups: Sequence[Sequence[Trial]]) -> list[tuple[Trial, Trial]]:
    """For each backend one training step beside itself, and beside itself with a planted slowdown.

    Where a run has no training steps, another case takes their place.
    """
    ready = [trial for group in groups for trial in group if trial.ready]
    pairs = []
    for backend in dict.fromkeys(trial.backend for trial in ready):
        own = [trial for trial in ready if trial.backend == backend]
        steps = [trial for trial in own if trial.case.family == "step"] or own
        typical = sorted(steps, key=lambda trial: trial.facts["seconds"])[len(steps) // 2]
        pairs += [(typical.again(), typical.again(slow)) for slow in (0.0, PLANTED) for _ in range(TIMES)]
    return pairs


def sampled(groups: Sequence[Sequence[Trial]], extra: Sequence[tuple[Trial, Trial]]) -> list[Group[Trial]]:
    """What the scheduler interleaves; the controls first, for without them nothing is a result."""
    ready = [*extra, *([t for t in group if t.ready] for group in groups)]
    return [Group(str(n), list(trials), sum(t.seconds for t in trials)) for n, trials in enumerate(ready) if trials]


def recorded(extra: Sequence[tuple[Trial, Trial]], found: Mapping[str, Timings]) -> tuple[list[Control], list[Planted]]:
    """The A/A pairs, and the planted slowdowns."""
    same, slowed = (pairs_of(extra, found, slow) for slow in (0.0, PLANTED))
    return (
        [Control(backend=one.backend, case=one.case, a=one.plain, b=one.other) for one in same],
        [
            Planted(backend=one.backend, case=one.case, slowdown=PLANTED, plain=one.plain, slowed=one.other)
            for one in slowed
        ],
    )


class Pairs(NamedTuple):
    """A control of a backend: the samples of both, pair by pair."""

    backend: str
    case: str
    plain: list[float]
    other: list[float]


def pairs_of(extra: Sequence[tuple[Trial, Trial]], found: Mapping[str, Timings], slow: float) -> list[Pairs]:
    """The measured pairs of this slowdown, by backend; only those rounds in which both were sampled."""
    pairs: dict[str, Pairs] = {}
    for trial, twin in extra:
        if twin.slow == slow:
            own = pairs.setdefault(trial.backend, Pairs(trial.backend, trial.case.case, [], []))
            both = min(len(found[one.name].samples) for one in (trial, twin))
            own.plain.extend(found[trial.name].samples[:both])
            own.other.extend(found[twin.name].samples[:both])
    return [one for one in pairs.values() if one.plain]
