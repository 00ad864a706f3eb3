"""Two runs of the suite: which rows became slower or faster, without calling the machine's noise a change.

The runs are separate in time, so their samples are not pairs, and what disturbs one run need not disturb the other.
Other work on a machine only ever adds time. So two questions are asked of each row:

- ``best``: the ratio of the shortest samples. Between runs of one commit on a disturbed machine with two cores it
  stayed within 5 % for 95 of 100 rows, where medians moved by 11 to 28 %; a slowdown of the code moves it in full.
- ``typical``: the Hodges–Lehmann shift of the logarithms with the Mann–Whitney interval. It must agree, for a
  shortest sample alone is a single event.

How far two runs of one commit lie apart, and so which change counts, is learned from the runs: see ``limits``.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import log
from statistics import median
from typing import NamedTuple

from miniflow_xp.errors import DifferentMachinesError
from miniflow_xp.programs.bench.differences import machine_differences, setting_notes
from miniflow_xp.programs.bench.limits import LEAST, Limits, between, change, kind, sat_twice
from miniflow_xp.programs.bench.record import Cell, Key, Record
from miniflow_xp.programs.bench.statistics import TIE, Ratio, shift

ORDER = ("SLOWER", "FASTER", "UNCLEAR", "MISSING", "NEW", "SAME")
COARSE = 0.10  # runs that cannot tell such a change apart call nothing the same on the strength of their noise


class Row(NamedTuple):
    """One row of both runs. ``best`` and ``typical`` are new time / base time, None where one of them is missing."""

    key: Key
    state: str
    best: float | None = None
    typical: Ratio | None = None
    why: str = ""

    @property
    def name(self) -> str:
        """The key in words."""
        return ", ".join(part for part in self.key if part)


@dataclass
class Changes:
    """The rows of two runs.

    ``failed``: those SLOWER by more than was allowed, and those MISSING: nobody knows how slow they are. ``visible``:
    {(backend, family): the change that a row must exceed, if its own sittings do not differ by more}; ``drift``:
    {backend: median of its rows' best ratios}, which is in every row and is not divided out; ``notes``: what else
    differs.
    """

    rows: list[Row]
    failed: list[Row]
    visible: dict[tuple[str, str], float]
    drift: dict[str, float]
    notes: list[str]

    def of(self, *states: str) -> list[Row]:
        """The rows in these states."""
        return [row for row in self.rows if row.state in states]

    @property
    def counts(self) -> str:
        """How many rows there are, and how many in each state."""
        counts = ", ".join(f"{len(self.of(state))} {state}" for state in ORDER if self.of(state))
        return f"{len(self.rows)} rows: {counts or 'none'}"


def compare(base: Record, new: Record, fail: float | None = None, force: bool = False) -> Changes:
    """What changed from ``base`` to ``new``; ``fail`` is the slowdown that is allowed, 0.05 for 5 %.

    Raises DifferentMachinesError unless the processor, its cores and those in use, the GPU and the BLAS kernels are
    the same, or forced.
    """
    differences = machine_differences(base, new)
    if differences and not force:
        raise DifferentMachinesError(
            "compare",
            "the runs are of different machines: " + "; ".join(differences),
            "times of one machine say nothing about another's",
            "Run both on one machine, or compare them all the same with --force",
        )
    before, after = base.by_key(), new.by_key()
    limits = {one: Limits.of(*one, (base, new)) for one in sorted(set(map(kind, before | after)))}
    own = [between(run, min) for run in (base, new) if sat_twice(run)]
    rows = [
        judge(
            key,
            before.get(key),
            after.get(key),
            limits[kind(key)].beyond(max((a.get(key, 0.0) for a in own), default=0.0)),
        )
        for key in before | after
        if any(key in side and side[key].measured for side in (before, after))
    ]
    rows.sort(key=lambda row: (ORDER.index(row.state), -abs(log(row.best or 1))))
    failed = [row for row in rows if fail is not None and fails(row, fail)]
    visible = {one: limit.best for one, limit in limits.items()}
    drift = common_drift(rows)
    notes = [f"forced: {difference}" for difference in differences]
    return Changes(rows, failed, visible, drift, notes + drift_notes(drift, visible) + setting_notes(base, new))


def judge(key: Key, base: Cell | None, new: Cell | None, limits: Limits) -> Row:
    """The row of two cells, at least one of which was measured."""
    if base is None or not base.measured:
        return Row(key, "NEW", why=reason(base))
    if new is None or not new.measured:
        return Row(key, "MISSING", why=reason(new))
    before, after = base.samples, new.samples
    best, typical = min(after) / min(before), shift(after, before)
    if min(len(before), len(after)) < LEAST:
        return Row(key, "UNCLEAR", best, typical, f"fewer than {LEAST} samples")
    state, why = state_of(best, typical, limits)
    return Row(key, state, best, typical, why)


def fails(row: Row, allowed: float) -> bool:
    """True for a row that is slower by more than is allowed, or missing."""
    return row.state == "MISSING" or (row.state == "SLOWER" and (row.best or 1) > 1 + allowed)


def reason(cell: Cell | None) -> str:
    """Why a cell has no times."""
    return cell.why or cell.state if cell is not None else "no such row"


def state_of(best: float, typical: Ratio, limits: Limits) -> tuple[str, str]:
    """SLOWER, FASTER, SAME or UNCLEAR, with the reason for the last.

    Slower: the shortest samples are, by more than the limit, and the typical ones are too, as far as one can tell.
    Same: the shortest are within the limit, or a change of theirs is contradicted by typical ones that show none, as
    after a single lucky sample; and the typical ones are not surely beyond theirs. Where the limit is above COARSE,
    only rows within TIE are.
    """
    limit = 1 + limits.best
    if limits.best > COARSE and TIE < change(best) <= limits.best:
        return "UNCLEAR", f"within the noise of these runs, {limits.best:.0%}"
    if best > limit and typical.estimate > 1:
        return ("SLOWER", "") if typical.high > limit else ("UNCLEAR", "only the shortest sample is slower by so much")
    if best < 1 / limit and typical.estimate < 1:
        return (
            ("FASTER", "") if typical.low < 1 / limit else ("UNCLEAR", "only the shortest sample is faster by so much")
        )
    if not 1 / limit <= best <= limit and not typical.low <= 1 <= typical.high:
        return "UNCLEAR", "the shortest and the typical samples disagree"
    if typical.low > 1 + limits.typical:
        return "UNCLEAR", "slower, but for the shortest samples: disturbed, or slow at times"
    if typical.high < 1 / (1 + limits.typical):
        return "UNCLEAR", "faster, but for the shortest samples: disturbed, or slow at times"
    return "SAME", ""


def common_drift(rows: Iterable[Row]) -> dict[str, float]:
    """{backend: median of its rows' best ratios}."""
    ratios: dict[str, list[float]] = {}
    for row in rows:
        if row.best is not None:
            ratios.setdefault(kind(row.key)[0], []).append(row.best)
    return {backend: median(values) for backend, values in sorted(ratios.items())}


def drift_notes(drift: Mapping[str, float], visible: Mapping[tuple[str, str], float]) -> list[str]:
    """What all rows of a backend have in common, and where small changes could not be seen."""
    notes = [
        f"{backend}: all rows together are {percent(ratio)}: the machine, or a change that touches them all. It is in "
        "every row."
        for backend, ratio in drift.items()
        if change(ratio) > TIE / 2
    ]
    return notes + [
        f"{backend}, {family}: this machine does not repeat itself better than {limit:.0%}; smaller changes are "
        "not seen."
        for (backend, family), limit in visible.items()
        if limit > TIE
    ]


def percent(ratio: float) -> str:
    """1.1 → 10.0 % slower."""
    return f"{abs(ratio - 1):.1%} {'slower' if ratio >= 1 else 'faster'}".replace("%", " %")


def in_words(row: Row) -> str:
    """The change of a row, or why there is none."""
    if row.best is None or row.typical is None:
        return row.why
    t = row.typical
    spread = f"{t.low:.2f}–{t.high:.2f}" if t.bounded else "too few samples for an interval"
    text = f"{percent(row.best)} (typical ×{t.estimate:.2f}, {spread})"
    return f"{text}; {row.why}" if row.why else text
