"""A run: cases on backends, prepared, interleaved until the clock says stop, and recorded."""

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from miniflow_xp.programs.bench.cases import Case
from miniflow_xp.programs.bench.controls import controls, recorded, sampled
from miniflow_xp.programs.bench.environment import memory_bytes
from miniflow_xp.programs.bench.record import Cell, Record
from miniflow_xp.programs.bench.session import Session
from miniflow_xp.programs.bench.sittings import in_sittings
from miniflow_xp.programs.bench.trial import SPENT, Trial

PREPARE = 0.45  # share of the time after which no more cases are prepared
PREPARE_FIRST = 0.7  # the same for the first case of each family
PATIENCE = 0.1  # share of the time that one case may take to be compiled and warmed; LEAST_PATIENCE where that is more
LEAST_PATIENCE = 20.0  # seconds
SLOW = ("memory",)  # families that start a process for each case
ROUNDS = 40  # at most
ENOUGH = 8  # rounds of every cell that make a run complete: below, an interval at 95 % says little
DTYPE = "float32"
CEILINGS_S = 1.4  # seconds of looking for the peaks of a backend
SHARE_OF_MEMORY = 0.1  # that the arrays of one case may take

Progress = Callable[[str, float], None]
"""``progress(what, fraction)``: called now and then."""


def silent(what: str, fraction: float) -> None:
    """A Progress that shows nothing."""


def run(
    cases: Sequence[Case],
    backends: Sequence[str],
    budget_s: float,
    *,
    mode: str = "budget",
    command: str = "",
    seed: int = 0,
    rounds: int = ROUNDS,
    now: Callable[[], float] = time.perf_counter,
    progress: Progress = silent,
) -> Record:
    """Measure ``cases`` on ``backends`` within ``budget_s`` seconds; returns the record that is written as JSON.

    ``now`` is the clock of the budget; samples are timed by the workers' own.

    What the time did not suffice for is in it as skipped. The first usable backend is the one whose results the others
    must agree with. Raises WorkerError where no backend can be used.
    """
    start = now()
    progress("starting the backends", 0.0)
    with Session(backends) as session:
        starting_s = now() - start
        looking_s = min(CEILINGS_S, budget_s / 20)
        ceilings = {
            session.told[name].name: {DTYPE: worker.ask("ceilings", DTYPE, looking_s)}
            for name, worker in session.workers.items()
        }
        for worker in session.workers.values():
            worker.patience = max(LEAST_PATIENCE, PATIENCE * budget_s)
        groups = [[trial for case in alike for trial in session.trials(case)] for alike in grouped(cases)]
        until = start + 0.97 * budget_s
        prepare(groups, until, now, progress)
        extra = controls(groups)
        found, second = in_sittings(
            sampled(groups, extra),
            rounds,
            until,
            random.Random(seed),
            starting_s,
            now,
            lambda *_: progress("measuring", min(1.0, (now() - start) / budget_s)),
        )
    control, planted = recorded(extra, found)
    cells = [session.cell(trial, found) for group in groups for trial in group]
    return session.record(
        mode,
        budget_s,
        now() - start,
        seed,
        cells,
        command=command,
        second_sitting=second,
        complete=all(len(cell.samples) >= min(rounds, ENOUGH) for cell in cells if waited_for_time(cell)),
        ceilings=ceilings,
        control=control,
        planted=planted,
    )


def waited_for_time(cell: Cell) -> bool:
    """True for a cell that would have samples, or more of them, if the clock had not run out."""
    return cell.family != "memory" and (cell.state == "measured" or cell.why == SPENT)


def grouped(cases: Sequence[Case]) -> list[list[Case]]:
    """Cases that are compared with each other, together: they differ in the contestant only."""
    groups: dict[Any, list[Case]] = {}
    for case in cases:
        groups.setdefault((case.family, case.series, case.case, case.residence), []).append(case)
    return list(groups.values())


def prepare(groups: Sequence[Sequence[Trial]], until: float, now: Callable[[], float], progress: Progress) -> None:
    """Build and warm the trials, in turns from every family, until a share of the time that is left is spent.

    The first turn, in which every family is seen once, may take more of it.
    """
    memory, start = memory_bytes(), now()
    for turn, group in in_turns(groups):
        for trial in group:
            spent = (now() - start) / max(1e-9, until - start)
            if spent > (PREPARE if turn else PREPARE_FIRST):
                continue
            progress(f"preparing {trial.case.series}, {trial.case.case}", spent)
            if memory is not None and trial.case.bytes > SHARE_OF_MEMORY * memory:
                trial.state, trial.why = "skipped", "it would take more than a tenth of the memory"
                continue
            trial.prepare(group)


def in_turns(groups: Sequence[Sequence[Trial]]) -> list[tuple[int, Sequence[Trial]]]:
    """(turn, group): the first group of each family, then the second of each, and so on; the quick families first."""
    turns: Counter[str] = Counter()
    found = []
    for group in groups:
        family = group[0].case.family if group else ""
        found.append((turns[family], family in SLOW, group))
        turns[family] += 1
    return [(turn, group) for turn, _, group in sorted(found, key=lambda one: one[:2])]
