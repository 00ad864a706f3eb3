"""Two sittings: half-way the process of every backend is started afresh.

Chance gives a process things that last its whole life, such as where its arrays lie in memory. With one process a run
they would look like a change between two runs; with two, the run's own spread has them. That measurements must be
repeated at the level where they vary: T. Kalibera and R. Jones, Rigorous Benchmarking in Reasonable Time, ISMM 2013.
"""

import random
import time
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from miniflow_xp.errors import WorkerError
from miniflow_xp.programs.bench.scheduler import Group, Progress, Timings, interleave
from miniflow_xp.programs.bench.trial import Trial

WORTH = 0.2  # of the time that is left: starting afresh may take so much; else there is one sitting


class Sitting(NamedTuple):
    """{contestant's name: its Timings}, and the first round of the second sitting; None where there was one."""

    series: dict[str, Timings]
    second: int | None


def in_sittings(
    groups: Sequence[Group[Trial]],
    rounds: int,
    until: float,
    rng: random.Random,
    starting_s: float = 0.0,
    now: Callable[[], float] = time.perf_counter,
    progress: Progress | None = None,
) -> Sitting:
    """``interleave``, in two sittings where there is time for them; ``starting_s`` is what starting processes takes."""
    cells = {cell.place: cell for group in groups for cell in group.contestants}
    afresh_s = starting_s + sum(cell.setup_s for cell in cells.values())
    left = until - now()
    if rounds < 2 or afresh_s >= WORTH * left:
        return Sitting(interleave(groups, rounds, until, rng, now, progress), None)
    first = interleave(groups, rounds // 2, until - (left + afresh_s) / 2, rng, now, progress)
    second = 1 + max((series.rounds[-1] for series in first.values() if series.rounds), default=-1)
    broken = start_afresh(cells.values())
    for cell in [cell for group in groups for cell in group.contestants]:
        first[cell.name].failed = first[cell.name].failed or broken.get(cell.place, "")
    going = [Group(g.name, [c for c in g.contestants if not first[c.name].failed], g.seconds) for g in groups]
    for name, series in interleave(going, rounds - second, until, rng, now, progress).items():
        first[name].samples += series.samples
        first[name].rounds += [second + number for number in series.rounds]
        first[name].failed = series.failed
    return Sitting(first, second)


def start_afresh(cells: Iterable[Trial]) -> dict[int, str]:
    """New processes with everything prepared in them; {place: why it could not be}."""
    for worker in {cell.worker.backend: cell.worker for cell in cells}.values():
        worker.restart()
    broken = {}
    for cell in cells:
        try:
            cell.prepare_again()
        except WorkerError as error:
            broken[cell.place] = error.got
    return broken
