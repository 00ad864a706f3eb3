"""Two runs of the suite: which rows became slower or faster, without calling the machine's noise a change.

The runs are separate in time, so their samples are not pairs, and what disturbs one run need not disturb the other.
Other work on a machine only ever adds time. So two questions are asked of each row:

- ``best``: the ratio of the shortest samples. Between runs of one commit on a disturbed machine with two cores it
  stayed within 5 % for 95 of 100 rows, where medians moved by 11 to 28 %; a slowdown of the code moves it in full.
- ``typical``: the Hodges–Lehmann shift of the logarithms with the Mann–Whitney interval. It must agree, for a
  shortest sample alone is a single event.

How far two runs of one commit lie apart is learned from the runs themselves: from their A/A controls, and from each
row's second sitting against its first, which had a process of its own. A change must exceed 5 %; and every sitting of
one run must be past every sitting of the other, by what 70 of 100 rows of the same backend and family do not differ by
between their sittings. Then chance makes fewer than 5 of 100 unchanged rows SLOWER or FASTER, be it rare and large or
small and everywhere; ``python -m miniflow_xp.bench.simulation`` prints how many. Where there was one sitting, its
halves share a process and what that was given for its life; there a change must exceed what 95 of 100 rows do not
differ by between halves. A slowdown of 10 % is SLOWER for rows that repeat themselves to about 7 %, whatever others do;
where they do not, the text says so. A real change of the code is in all sittings and raises no limit.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import comb, exp, log, sqrt
from statistics import NormalDist, median
from typing import TYPE_CHECKING, Any, NamedTuple

from miniflow_xp.bench.statistics import CONFIDENCE, TIE, Ratio, paired_ratio
from miniflow_xp.errors import DifferentMachinesError

if TYPE_CHECKING:
    from rich.console import Console

KEY = ("family", "series", "case", "backend", "contestant", "dtype", "residence")
ORDER = ("SLOWER", "FASTER", "UNCLEAR", "MISSING", "NEW", "SAME")
COARSE = 0.10  # runs that cannot tell such a change apart call nothing the same on the strength of their noise
LEAST = 4  # samples on either side: with fewer no interval of 95 % exists
QUIET = 0.95  # of rows whose parts are halves of a sitting differ less than what counts
TWICE = 0.70  # of rows whose parts are sittings do
MOST_EXACT = 2500  # products of sample counts above this take the normal approximation

Run = Mapping[str, Any]
Cell = Mapping[str, Any]


class Row(NamedTuple):
    """One row of both runs. ``best`` and ``typical`` are new time / base time, None where one of them is missing."""

    key: tuple[str, ...]
    state: str
    best: float | None = None
    typical: Ratio | None = None
    why: str = ""

    @property
    def name(self) -> str:
        """The key in words."""
        return ", ".join(part for part in self.key if part)


@dataclass
class Comparison:
    """Rows of both runs.

    ``failed``: those SLOWER by more than was allowed. ``visible``: {(backend, family): the change that a row must
    exceed, if its own sittings do not differ by more}; ``drift``: {backend: median of its rows' best ratios}, which is
    in every row and is not divided out; ``notes``: what else differs.
    """

    rows: list[Row]
    failed: list[Row]
    visible: dict[tuple[str, str], float]
    drift: dict[str, float]
    notes: list[str]

    def of(self, *states: str) -> list[Row]:
        """The rows in these states."""
        return [row for row in self.rows if row.state in states]

    def __str__(self) -> str:
        counts = ", ".join(f"{len(self.of(state))} {state}" for state in ORDER if self.of(state))
        lines = [f"{len(self.rows)} rows: {counts or 'none'}"]
        lines += [f"{row.state} {row.name}: {in_words(row)}" for row in self.rows if row.state != "SAME"]
        return "\n".join(lines + self.notes)


def compare(base: Run, new: Run, fail: float | None = None, force: bool = False) -> Comparison:
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
    before, after = by_key(base), by_key(new)
    limits = {one: Limits.of(one, (base, new)) for one in sorted(set(map(kind, before | after)))}
    own = [apart(run, min) for run in (base, new) if sat_twice(run)]
    rows = [
        judge(
            key,
            before.get(key),
            after.get(key),
            limits[kind(key)].beyond(max((a.get(key, 0.0) for a in own), default=0.0)),
        )
        for key in before | after
        if measured(before.get(key)) or measured(after.get(key))
    ]
    rows.sort(key=lambda row: (ORDER.index(row.state), -abs(log(row.best or 1))))
    failed = [row for row in rows if fail is not None and row.state == "SLOWER" and (row.best or 1) > 1 + fail]
    visible = {one: limit.best for one, limit in limits.items()}
    drift = common_drift(rows)
    notes = [f"forced: {difference}" for difference in differences]
    return Comparison(rows, failed, visible, drift, notes + drift_notes(drift, visible) + setting_notes(base, new))


class Limits(NamedTuple):
    """The changes, 0.05 for 5 %, that runs of one commit seldom reach: of the shortest samples, of the typical ones.

    The parts of a row seldom differ by more than ``apart``.
    """

    best: float
    typical: float
    apart: float

    @classmethod
    def of(cls, alike: tuple[str, str], runs: Sequence[Run]) -> "Limits":
        """From both runs' A/A controls of the backend and from the two parts of the rows of this kind."""
        controls = [c for run in runs for c in run.get("control") or [] if c["backend"] == alike[0] and c["a"]]
        pairs = [(c["a"], c["b"]) for c in controls if len(c["a"]) == len(c["b"])]
        best, typical = (
            [found for run in runs for key, found in apart(run, of).items() if kind(key) == alike]
            for of in (min, median)
        )
        usual = seldom(best, TWICE if all(map(sat_twice, runs)) else QUIET)
        return cls(
            max(TIE, usual, *(change(min(b) / min(a)) for a, b in pairs), 0.0),
            max(TIE, seldom(typical, QUIET), *(change(paired_ratio(b, a).estimate) for a, b in pairs), 0.0),
            usual,
        )

    def beyond(self, own: float) -> "Limits":
        """The same for a row whose own parts differ by so much: all of one run must be past all of the other."""
        return self._replace(best=max(self.best, (1 + self.apart) * (1 + own) - 1))


def sat_twice(run: Run) -> bool:
    """Had it two sittings?"""
    return run.get("second_sitting") is not None


def apart(run: Run, of: Callable[[Sequence[float]], float]) -> dict[tuple[str, ...], float]:
    """{key: by how much the two parts of a row differ in ``of`` their samples}, of rows with LEAST samples."""
    cells = {key: cell for key, cell in by_key(run).items() if measured(cell) and len(cell["samples"]) >= LEAST}
    both = {key: parts(cell, run.get("second_sitting")) for key, cell in cells.items()}
    return {key: change(of(b) / of(a)) for key, (a, b) in both.items() if a and b}


def parts(cell: Cell, second: int | None) -> tuple[list[float], list[float]]:
    """Samples of the first and the second sitting; halves of them where there was one sitting."""
    samples = list(cell["samples"])
    cut = len(samples) // 2 if second is None else bisect_left(cell["rounds"], second)
    return samples[:cut], samples[cut:]


def seldom(changes: Iterable[float], share: float) -> float:
    """The change that this share of them do not exceed; 0 where there are none."""
    sizes = sorted(changes)
    return sizes[min(len(sizes) - 1, int(share * len(sizes)))] if sizes else 0.0


def change(ratio: float) -> float:
    """How far a ratio is from 1, the same for 2 and 1/2."""
    return max(ratio, 1 / ratio) - 1


def by_key(run: Run) -> dict[tuple[str, ...], Cell]:
    """{key: cell}."""
    return {tuple(str(cell.get(part) or "") for part in KEY): cell for cell in run["cells"]}


def kind(key: tuple[str, ...]) -> tuple[str, str]:
    """Backend and family: what rows must have in common to repeat themselves about equally well."""
    return key[KEY.index("backend")], key[KEY.index("family")]


def measured(cell: Cell | None) -> bool:
    """Is there a cell, with samples?"""
    return cell is not None and cell.get("state") == "measured" and bool(cell.get("samples"))


def judge(key: tuple[str, ...], base: Cell | None, new: Cell | None, limits: Limits) -> Row:
    """The row of two cells, at least one of which was measured."""
    if base is None or not measured(base):
        return Row(key, "NEW", why=reason(base))
    if new is None or not measured(new):
        return Row(key, "MISSING", why=reason(new))
    before, after = base["samples"], new["samples"]
    best, typical = min(after) / min(before), shift(after, before)
    if min(len(before), len(after)) < LEAST:
        return Row(key, "UNCLEAR", best, typical, f"fewer than {LEAST} samples")
    state, why = state_of(best, typical, limits)
    return Row(key, state, best, typical, why)


def reason(cell: Cell | None) -> str:
    """Why a cell has no times."""
    return str(cell.get("why") or cell.get("state") or "") if cell is not None else "no such row"


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


def shift(times: Sequence[float], reference: Sequence[float], confidence: float = CONFIDENCE) -> Ratio:
    """exp of the Hodges–Lehmann shift of log times, with the Mann–Whitney interval; the samples are not pairs.

    Hollander and Wolfe, Nonparametric Statistical Methods, section 4.3. 0 and infinity where no interval exists.
    """
    differences = sorted(log(a / b) for a in times for b in reference)
    outside = rank_sum_quantile(*sorted((len(times), len(reference))), (1 - confidence) / 2)
    count = min(len(times), len(reference))
    if outside == 0:
        return Ratio(exp(median(differences)), 0.0, float("inf"), count)
    return Ratio(exp(median(differences)), exp(differences[outside - 1]), exp(differences[-outside]), count)


@cache
def rank_sum_quantile(few: int, many: int, tail: float) -> int:
    """The largest k with P(U < k) ≤ tail, for the Mann–Whitney statistic U of two such samples; 0 where none is."""
    if few * many > MOST_EXACT:
        deviation = sqrt(few * many * (few + many + 1) / 12)
        return max(0, int(few * many / 2 - NormalDist().inv_cdf(1 - tail) * deviation))
    counts = [1] + [0] * (few * many)  # counts[u]: of the orders of both samples, those with U = u; Gauss's binomial
    for i in range(1, few + 1):
        for u in range(few * many, many + i - 1, -1):
            counts[u] -= counts[u - many - i]
        for u in range(i, few * many + 1):
            counts[u] += counts[u - i]
    below, k = 0, 0
    while below + counts[k] <= tail * comb(few + many, few):
        below += counts[k]
        k += 1
    return k


def common_drift(rows: Iterable[Row]) -> dict[str, float]:
    """{backend: median of its rows' best ratios}."""
    ratios: dict[str, list[float]] = {}
    for row in rows:
        if row.best is not None:
            ratios.setdefault(row.key[KEY.index("backend")], []).append(row.best)
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


def machine_differences(base: Run, new: Run) -> list[str]:
    """The facts that times depend on and that differ; BLAS libraries are compared if both runs had them loaded."""
    a, b = (run.get("environment", {}).get("machine", {}) for run in (base, new))
    found = [
        f"{fact} {x!r} and {y!r}"
        for fact, x, y in [
            *((fact, a.get(fact), b.get(fact)) for fact in ("cpu", "cores")),
            ("usable cores", used_cores(a), used_cores(b)),
            ("gpu", gpu_name(a), gpu_name(b)),
        ]
        if x != y
    ]
    ours, theirs = (kernels(machine) for machine in (a, b))
    return found + [
        f"{library} kernel {' '.join(sorted(ours[library]))} and {' '.join(sorted(theirs[library]))}"
        for library in sorted(ours.keys() & theirs.keys())
        if ours[library] != theirs[library]
    ]


def used_cores(machine: Mapping[str, Any]) -> object:
    """How many cores the run could use: all of them, where it does not say."""
    return machine.get("usable_cores", machine.get("cores"))


def gpu_name(machine: Mapping[str, Any]) -> object:
    """The GPU's name, or all that is known of it; None where there is none."""
    gpu = machine.get("gpu")
    return gpu.get("name", gpu) if isinstance(gpu, Mapping) else gpu


def kernels(machine: Mapping[str, Any]) -> dict[str, set[str]]:
    """{BLAS library: its kernels}."""
    found: dict[str, set[str]] = {}
    for library in machine.get("blas") or []:
        found.setdefault(str(library.get("library")), set()).add(str(library.get("kernel")))
    return found


def setting_notes(base: Run, new: Run) -> list[str]:
    """Packages, thread counts and variables that differ: they change times, and may be what one wants to compare."""
    a, b = (run.get("environment", {}).get("machine", {}) for run in (base, new))
    notes = []
    for part in ("packages", "threads", "variables"):
        x, y = (machine.get(part) or {} for machine in (a, b))
        notes += [f"{part}: {k} {x.get(k)} and {y.get(k)}" for k in sorted(x | y) if x.get(k) != y.get(k)]
    return notes


def percent(ratio: float) -> str:
    """1.1 → 10.0 % slower."""
    return f"{abs(ratio - 1):.1%} {'slower' if ratio >= 1 else 'faster'}".replace("%", " %")


def in_words(row: Row) -> str:
    """The change of a row, or why there is none."""
    if row.best is None or row.typical is None:
        return row.why
    t = row.typical
    text = f"{percent(row.best)} (typical ×{t.estimate:.2f}, {t.low:.2f}–{t.high:.2f})"
    return f"{text}; {row.why}" if row.why else text


def show(comparison: Comparison, console: "Console") -> None:
    """Print a table of all rows that are not SAME, the counts and the notes."""
    from rich.markup import escape
    from rich.table import Table

    table = Table("", "row", "change", box=None, pad_edge=False)
    for row in comparison.rows:
        if row.state != "SAME":
            mark = " ✗" if row in comparison.failed else ""
            table.add_row(row.state + mark, escape(row.name), escape(in_words(row)))
    if table.row_count:
        console.print(table)
    counts = ", ".join(f"{len(comparison.of(state))} {state}" for state in ORDER if comparison.of(state))
    console.print(f"{len(comparison.rows)} rows: {counts or 'none'}")
    for note in comparison.notes:
        console.print(note, soft_wrap=True, markup=False)
