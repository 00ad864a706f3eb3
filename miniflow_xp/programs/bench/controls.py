"""Controls: one step beside itself, plain and slowed on purpose; all verdicts of a run rest on them."""

from collections.abc import Mapping, Sequence

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
    """The A/A pairs and the planted slowdowns by backend, of the rounds in which both were sampled."""
    pairs: dict[tuple[float, str, str], list[tuple[float, float]]] = {}
    for trial, twin in extra:
        both = zip(found[trial.name].samples, found[twin.name].samples, strict=False)
        pairs.setdefault((twin.slow, trial.backend, trial.case.case), []).extend(both)
    control, planted = [], []
    for (slow, backend, case), rounds in pairs.items():
        plain, other = [a for a, _ in rounds], [b for _, b in rounds]
        if rounds and slow:
            planted.append(Planted(backend=backend, case=case, slowdown=slow, plain=plain, slowed=other))
        elif rounds:
            control.append(Control(backend=backend, case=case, a=plain, b=other))
    return control, planted
