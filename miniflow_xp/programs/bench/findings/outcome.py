"""Who wins: at one size, and from which size on."""

from typing import NamedTuple, cast

from miniflow_xp.programs.bench.crossover import Crossover, find_crossover
from miniflow_xp.programs.bench.findings.run import Comparison, Contest, Run, Series
from miniflow_xp.programs.bench.statistics import Ratio

WINS, TIE, UNCLEAR, ALONE, NOTHING = "wins", "tie", "unclear", "alone", "nothing"


class Winner(NamedTuple):
    """``kind`` says whether ``labels`` is one winner, a group that cannot be told apart, or the only one measured."""

    kind: str
    labels: list[str]


class Against(NamedTuple):
    """A label against its rival along a series: the bracket, and every size that was compared."""

    label: str
    rival: str
    crossover: Crossover
    points: list[tuple[Contest, Comparison]]

    def count(self, verdict: str) -> int:
        """At how many sizes this is the verdict."""
        return sum(c.verdict == verdict for _, c in self.points)


def winner(run: Run, case: Contest) -> Winner:
    """The fastest, if it beats everyone else; otherwise all whom it does not beat."""
    measured = sorted((c for c in case.cells.values() if c.times and not c.is_floor), key=lambda c: c.seconds or 0.0)
    if not measured:
        return Winner(NOTHING, [])
    best, *others = measured
    if not others:
        return Winner(ALONE, [best.label])
    verdicts = {c.label: v.verdict if (v := run.compare(best, c)) is not None else UNCLEAR for c in others}
    unbeaten = [label for label, word in verdicts.items() if word != WINS]
    if not unbeaten:
        return Winner(WINS, [best.label])
    return Winner(TIE if all(verdicts[label] == TIE for label in unbeaten) else UNCLEAR, [best.label, *unbeaten])


def duels(run: Run, series: Series) -> list[Against]:
    """All that can be compared in a series, each against its rival."""
    found = (against(run, series, *pair) for pair in run.rivals(series))
    return [one for one in found if one is not None]


def against(run: Run, series: Series, label: str, rival: str) -> Against | None:
    """The bracket comes from measured sizes alone; None where the two were never compared."""
    sizes = {c.size: c for c in reversed(series.cases) if c.size is not None and {label, rival} <= set(c.cells)}
    points = [
        (c, v) for s, c in sorted(sizes.items()) if (v := run.compare(c.cells[label], c.cells[rival])) is not None
    ]
    if not points:
        return None
    ratios = {case.size: compared.speedup.inverse for case, compared in points}

    def ratio(size: int) -> Ratio | str:
        return ratios[size] if size in ratios else missing(sizes[size], label, rival)

    steps = [whole(size) for size in sorted(sizes)]
    return Against(label, rival, find_crossover(ratio, steps, run.floor or 0.0, most_extra=0), points)


def whole(size: float) -> int:
    """Sizes are whole numbers; where one is not, it is kept as it is."""
    return int(size) if size == int(size) else cast(int, size)


def missing(case: Contest, label: str, rival: str) -> str:
    """Why two cells could not be compared."""
    reasons = [case.cells[name].why or case.cells[name].state for name in (label, rival) if not case.cells[name].times]
    return reasons[0] if reasons else "no round has both"
