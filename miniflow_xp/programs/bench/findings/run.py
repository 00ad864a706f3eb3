"""A run as its readers see it: cells in series of cases, one column a backend, and the comparisons between them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from miniflow_xp.programs.bench.ceilings import Lie, lies
from miniflow_xp.programs.bench.findings.texts import printable, text
from miniflow_xp.programs.bench.limits import change
from miniflow_xp.programs.bench.peers import BESIDE_PEERS
from miniflow_xp.programs.bench.record import Ceiling, Cell, Control, Planted, Record
from miniflow_xp.programs.bench.statistics import Ratio, paired_ratio, verdict


class Comparison(NamedTuple):
    """A cell against the reference in the rounds that both have; ``speedup`` is reference / time."""

    speedup: Ratio
    verdict: str


class Contest(NamedTuple):
    """The same work on several backends."""

    name: str
    size: float | None
    cells: dict[str, Cell]


class Series(NamedTuple):
    """Cases that differ in one axis, smallest first."""

    family: str
    title: str
    axis: str
    dtype: str
    residence: str
    name: str
    cases: list[Contest]

    @property
    def labels(self) -> list[str]:
        """Everyone who takes part."""
        return list(dict.fromkeys(label for case in self.cases for label in case.cells))

    @property
    def is_measured(self) -> bool:
        """Has any of its cells a time?"""
        return any(cell.times for case in self.cases for cell in case.cells.values())

    def backend(self, label: str) -> str:
        """The backend of a label."""
        return next(case.cells[label].backend for case in self.cases if label in case.cells)


@dataclass(frozen=True)
class Run:
    """A record and its file's name; all that the sections need is a property here."""

    record: Record
    name: str = ""

    @cached_property
    def cells(self) -> list[Cell]:
        return [printable(cell) for cell in self.record.cells]

    @cached_property
    def floor(self) -> float | None:
        """By how much two measurements of the same thing differed at most; None where none was made."""
        return max((change(ratio.estimate) for _, ratio in self.controls), default=None)

    @cached_property
    def controls(self) -> list[tuple[Control, Ratio]]:
        """The A/A pairs with their ratios."""
        return [(pair, ratio) for pair in self.record.control if (ratio := paired(pair.a, pair.b)) is not None]

    @cached_property
    def planted(self) -> list[tuple[Planted, Ratio]]:
        """The slowdowns that were put in on purpose, as they were measured."""
        found = [(pair, paired(pair.slowed, pair.plain)) for pair in self.record.planted]
        return [(pair, ratio) for pair, ratio in found if ratio is not None]

    @cached_property
    def ceilings(self) -> dict[str, dict[str, Ceiling]]:
        """{backend: {dtype: its ceiling}}, none where none was looked for."""
        found = (self.record.ceilings or {}).items()
        return {text(backend): {text(dtype): one for dtype, one in by_dtype.items()} for backend, by_dtype in found}

    @cached_property
    def lies(self) -> list[Lie]:
        """The cells that are faster than their ceilings allow."""
        return lies(self.cells, self.ceilings)

    @cached_property
    def backends(self) -> list[str]:
        """The backends that have cells, in the order of the run."""
        found = dict.fromkeys(c.backend for c in self.cells)
        known = [b for b in self.record.backends if b in found]
        return [*known, *(b for b in found if b not in known)]

    def start(self, cell: Cell) -> float:
        """Seconds that its library and device take to start; 0 where the run does not say."""
        participant = self.record.backends.get(cell.backend)
        return 0.0 if participant is None else participant.start_s or 0.0

    @cached_property
    def reference(self) -> str:
        """The backend that others are compared with: the first one of the run that was measured."""
        measured = {c.backend for c in self.cells if c.times}
        return next((b for b in self.backends if b in measured), "")

    @cached_property
    def left_out(self) -> list[tuple[str, str, list[Cell]]]:
        """(skipped or failed, why, cells), most first."""
        groups: dict[tuple[str, str], list[Cell]] = {}
        for cell in self.cells:
            if cell.state != "measured":
                groups.setdefault((cell.state, cell.why or "no reason given"), []).append(cell)
        return [(*key, cells) for key, cells in sorted(groups.items(), key=lambda group: -len(group[1]))]

    @cached_property
    def series(self) -> list[Series]:
        """All series; what distinguishes those of one name is added to their titles."""
        groups: dict[tuple[str, ...], list[Cell]] = {}
        for cell in self.cells:
            groups.setdefault((cell.family, cell.series, cell.dtype, cell.residence or "", cell.axis), []).append(cell)
        return [as_series(key, cells, qualifiers(key, groups), self.backends) for key, cells in groups.items()]

    def of(self, *families: str) -> list[Series]:
        """The series of these families."""
        return [s for s in self.series if s.family in families]

    def compare(self, cell: Cell | None, reference: Cell | None) -> Comparison | None:
        """Paired by round; None where there is nothing to compare."""
        if cell is None or reference is None or cell is reference:
            return None
        theirs = dict(reference.times)
        pairs = [(t, theirs[r]) for r, t in cell.times if r in theirs]
        if not pairs:
            return None
        ratio = ratio_of(tuple(t for t, _ in pairs), tuple(t for _, t in pairs))
        return Comparison(ratio.inverse, verdict(ratio, self.floor or 0.0))

    def rival(self, series: Series, label: str) -> str:
        """Whom a label is compared with: ours among peers, the plain loop of its own backend, or the reference."""
        if series.family in BESIDE_PEERS:
            ours = [other for other in series.labels if other.startswith("ours")]
            at_home = [other for other in ours if series.backend(other) == series.backend(label)]
            return next(iter(at_home or ours), "")
        own = f"plain loop ({series.backend(label)})"
        if own in series.labels:
            return own
        return self.reference if self.reference in series.labels else ""

    def rivals(self, series: Series) -> list[tuple[str, str]]:
        """(label, the one that it is compared with) of all that can be compared."""
        pairs = [(label, self.rival(series, label)) for label in series.labels]
        return [(label, rival) for label, rival in pairs if rival and rival != label]


def named(cells: Sequence[Cell], most: int = 12) -> str:
    """The first ones by name, counted by series."""
    series = Counter((c.series, c.label) for c in cells)
    words = [f"{name} on {label}{f' ({n})' if n > 1 else ''}" for (name, label), n in series.most_common(most)]
    rest = len(series) - len(words)
    return "; ".join(words) + (f"; and {rest} more series" if rest > 0 else "")


def qualifiers(key: tuple[str, ...], keys: Iterable[tuple[str, ...]]) -> list[str]:
    """Dtype and residence, where series of the same name differ in them."""
    alike = [other for other in keys if other[:2] == key[:2]]
    return [key[place] for place in (2, 3) if len({other[place] for other in alike}) > 1 and key[place] != key[1]]


def as_series(key: tuple[str, ...], cells: Iterable[Cell], more: Sequence[str], backends: Sequence[str]) -> Series:
    """Cells of one key, by case."""
    family, name, dtype, residence, axis = key
    cases: dict[tuple[Any, ...], Contest] = {}
    for cell in sorted(cells, key=lambda c: backends.index(c.backend)):
        place = cell.case, tuple(sorted(cell.axes.items()))
        case = cases.setdefault(place, Contest(cell.case, cell.size, {}))
        case.cells.setdefault(cell.label, cell)
    ordered = sorted(cases.values(), key=lambda c: (c.size is None, c.size or 0.0))
    return Series(family, ", ".join([name, *more]), axis, dtype, residence, name, ordered)


def paired(times: Sequence[float], reference: Sequence[float]) -> Ratio | None:
    """The ratio of two lists of the same length; None where they are not that."""
    return ratio_of(tuple(times), tuple(reference)) if times and len(times) == len(reference) else None


@lru_cache(maxsize=4096)
def ratio_of(times: tuple[float, ...], reference: tuple[float, ...]) -> Ratio:
    """``paired_ratio``, remembered: several sections ask for the same."""
    return paired_ratio(times, reference)
