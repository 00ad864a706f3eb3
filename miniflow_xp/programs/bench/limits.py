"""Which change counts between two runs: more than what the runs themselves differ by, without a change of the code.

It is learned from the runs' A/A controls, and from each row's second sitting against its first, which had a process of
its own. A change must exceed 5 %; and every sitting of one run must be past every sitting of the other, by what 70 of
100 rows of the same backend and family do not differ by between their sittings. Then chance makes fewer than 5 of
100 unchanged rows SLOWER or FASTER, be it rare and large or small and everywhere; ``tests/simulation.py`` prints how
many. Where there was one sitting, its halves share a process and what that was given for its life; there a change must
exceed what 95 of 100 rows do not differ by between halves. A slowdown of 10 % is SLOWER for rows that repeat themselves
to about 7 %, whatever others do; where they do not, the text says so. A real change of the code is in all sittings and
raises no limit.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from statistics import median
from typing import NamedTuple

from miniflow_xp.programs.bench.record import KEY, Cell, Key, Record
from miniflow_xp.programs.bench.statistics import TIE, paired_ratio

LEAST = 4  # samples on either side: with fewer no interval of 95 % exists
QUIET = 0.95  # of rows whose parts are halves of a sitting differ less than what counts
TWICE = 0.70  # of rows whose parts are sittings do


class Limits(NamedTuple):
    """The changes, 0.05 for 5 %, that runs of one commit seldom reach: of the shortest samples, of the typical ones.

    The parts of a row seldom differ by more than ``apart``.
    """

    best: float
    typical: float
    apart: float

    @classmethod
    def of(cls, backend: str, family: str, runs: Sequence[Record]) -> "Limits":
        """From both runs' A/A controls of the backend and from the two parts of the rows of this kind."""
        controls = [c for run in runs for c in run.control if c.backend == backend]
        pairs = [(c.a, c.b) for c in controls if c.a and len(c.a) == len(c.b)]
        best, typical = (
            [found for run in runs for key, found in between(run, part).items() if kind(key) == (backend, family)]
            for part in (min, median)
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


def kind(key: Key) -> tuple[str, str]:
    """Backend and family: what rows must have in common to repeat themselves about equally well."""
    return key[KEY.index("backend")], key[KEY.index("family")]


def sat_twice(run: Record) -> bool:
    """True for a run of two sittings."""
    return run.second_sitting is not None


def between(run: Record, statistic: Callable[[Sequence[float]], float]) -> dict[Key, float]:
    """{key: by how much a statistic of the samples differs between a row's two parts}, of rows with LEAST samples."""
    cells = {key: cell for key, cell in run.by_key().items() if cell.measured and len(cell.samples) >= LEAST}
    both = {key: parts(cell, run.second_sitting) for key, cell in cells.items()}
    return {key: change(statistic(b) / statistic(a)) for key, (a, b) in both.items() if a and b}


def parts(cell: Cell, second: int | None) -> tuple[list[float], list[float]]:
    """Samples of the first and the second sitting; halves of them where there was one sitting."""
    cut = len(cell.samples) // 2 if second is None else bisect_left(cell.rounds, second)
    return cell.samples[:cut], cell.samples[cut:]


def seldom(changes: Iterable[float], share: float) -> float:
    """The change that this share of them do not exceed; 0 where there are none."""
    sizes = sorted(changes)
    return sizes[min(len(sizes) - 1, int(share * len(sizes)))] if sizes else 0.0


def change(ratio: float) -> float:
    """How far a ratio is from 1, the same for 2 and 1/2."""
    return max(ratio, 1 / ratio) - 1
