"""A run: cases on backends, prepared, interleaved until the clock says stop, and written down as one JSON object."""

import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from miniflow_xp.errors import SettingError, WorkerError
from miniflow_xp.programs.bench.cases import ITEM, Case
from miniflow_xp.programs.bench.cell import SPENT, Cell
from miniflow_xp.programs.bench.environment import machine, memory_bytes, state
from miniflow_xp.programs.bench.files import FORMAT, VERSION
from miniflow_xp.programs.bench.scheduler import Group, Series
from miniflow_xp.programs.bench.sittings import in_sittings
from miniflow_xp.programs.bench.worker import Worker

PREPARE = 0.45  # share of the time after which no more cases are prepared
PREPARE_FIRST = 0.7  # the same for the first case of each family
SLOW = ("memory",)  # families that start a process for each case
ROUNDS = 40  # at most
ENOUGH = 8  # rounds of every cell that make a run complete: below, an interval at 95 % says little
DTYPE = "float32"
CEILINGS_S = 1.4  # seconds of looking for the peaks of a backend
PLANTED = 0.05
TIMES = 3  # that the controls are sampled in a round: 5 % are hard to see, and all verdicts rest on them
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
) -> dict[str, Any]:
    """Measure ``cases`` on ``backends`` within ``budget_s`` seconds; returns the object that is written as JSON.

    ``now`` is the clock of the budget; samples are timed by the workers' own.

    What the time did not suffice for is in it as skipped. The first usable backend is the one whose results the others
    must agree with. Raises WorkerError where no backend can be used.
    """
    start = now()
    before, facts = state(), machine()
    progress("starting the backends", 0.0)
    workers, told = start_workers(backends)
    starting_s = now() - start
    try:
        for name in workers:
            merge(facts, told[name])
        looking_s = min(CEILINGS_S, budget_s / 20)
        ceilings = {told[n]["name"]: {DTYPE: w.ask("ceilings", DTYPE, looking_s)} for n, w in workers.items()}
        groups = [
            [Cell(case, workers[n], told[n]["name"]) for case in alike for n in workers if case.runs_on(n)]
            for alike in grouped(cases)
        ]
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
    finally:
        close(workers)
    cells = [
        cell.written(found.get(cell.name), told[cell.worker.backend]["synchronous"])
        for group in groups
        for cell in group
    ]
    environment = (facts, before, state())
    written = written_run(mode, budget_s, now() - start, seed, environment, told, workers, cells)
    return written | {
        "command": command,
        "second_sitting": second,
        "complete": all(len(c["samples"]) >= min(rounds, ENOUGH) for c in cells if waited_for_time(c)),
        "ceilings": ceilings,
        **written_controls(extra, found),
    }


def waited_for_time(cell: dict[str, Any]) -> bool:
    """Would it have samples, or more of them, if the clock had not run out?"""
    return cell["family"] != "memory" and bool(cell["state"] == "measured" or cell["why"] == SPENT)


def written_run(
    mode: str,
    budget_s: float,
    seconds: float,
    seed: int,
    environment: tuple[dict[str, Any], dict[str, Any], dict[str, Any]],
    told: dict[str, dict[str, Any]],
    workers: dict[str, Worker],
    cells: list[dict[str, Any]],
) -> dict[str, Any]:
    """A run as it stands in its file; ``environment`` is the machine, its state before, and after."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "mode": mode,
        "budget_s": budget_s,
        "seconds": seconds,
        "seed": seed,
        "environment": dict(zip(("machine", "before", "after"), environment, strict=True)),
        "backends": {
            t["name"]: {"describe": t["describe"], "usable": n in workers, "start_s": t.get("start_s")}
            for n, t in told.items()
        },
        "cells": cells,
    }


def start_workers(backends: Sequence[str]) -> tuple[dict[str, Worker], dict[str, dict[str, Any]]]:
    """The workers of the backends that can be used, and what each backend tells of itself, or why it cannot."""
    workers, told = {}, {}
    for name in backends:
        worker = Worker(name)
        try:
            told[name] = worker.ask("describe")
            workers[name] = worker
        except WorkerError as error:
            told[name] = {"name": name, "describe": error.got}
            worker.close()
    first = next(iter(told), None)
    if first is None or first not in workers:
        close(workers)
        raise WorkerError(
            "bench",
            told[first]["describe"] if first else "no backend was named",
            "the first backend, which is the reference, must be usable",
            "Run miniflow-xp info, and choose by --backends",
        )
    places = [told[name]["name"] for name in workers]
    if len(set(places)) < len(places):
        close(workers)
        raise SettingError(
            "--backends", f"it names {max(places, key=places.count)} twice", "each is measured once", "Drop one"
        )
    return workers, told


def close(workers: dict[str, Worker]) -> None:
    """End their processes."""
    for worker in workers.values():
        worker.close()


def merge(facts: dict[str, Any], told: dict[str, Any]) -> None:
    """Add a worker's packages, threads and BLAS libraries to the facts of the machine."""
    facts["packages"] |= told["packages"]
    facts["threads"] |= told["threads"]
    facts["blas"] += [library for library in told["blas"] if library not in facts["blas"]]


def grouped(cases: Sequence[Case]) -> list[list[Case]]:
    """Cases that are compared with each other, together: they differ in the contestant only."""
    groups: dict[Any, list[Case]] = {}
    for case in cases:
        groups.setdefault((case.family, case.series, case.case, case.residence), []).append(case)
    return list(groups.values())


def prepare(groups: Sequence[Sequence[Cell]], until: float, now: Callable[[], float], progress: Progress) -> None:
    """Build and warm the cells, in turns from every family, until a share of the time that is left is spent.

    The first turn, in which every family is seen once, may take more of it.
    """
    memory, start = memory_bytes(), now()
    for turn, group in in_turns(groups):
        for cell in group:
            spent = (now() - start) / max(1e-9, until - start)
            if spent > (PREPARE if turn else PREPARE_FIRST):
                continue
            progress(f"preparing {cell.case.series}, {cell.case.case}", spent)
            if memory is not None and cell.case.floats * ITEM > SHARE_OF_MEMORY * memory:
                cell.state, cell.why = "skipped", "it would take more than a tenth of the memory"
                continue
            cell.prepare()
            reference = next((c for c in group if c.facts), None)
            if reference is not None and cell.facts:
                cell.agree_with(reference)


def in_turns(groups: Sequence[Sequence[Cell]]) -> list[tuple[int, Sequence[Cell]]]:
    """(turn, group): the first group of each family, then the second of each, and so on; the quick families first."""
    turns: Counter[str] = Counter()
    found = []
    for group in groups:
        family = group[0].case.family if group else ""
        found.append((turns[family], family in SLOW, group))
        turns[family] += 1
    return [(turn, group) for turn, _, group in sorted(found, key=lambda one: one[:2])]


def controls(groups: Sequence[Sequence[Cell]]) -> list[tuple[Cell, Cell]]:
    """For each backend one training step beside itself, and beside itself with a planted slowdown.

    Where a run has no training steps, another cell takes their place.
    """
    ready = [c for group in groups for c in group if c.ready]
    pairs = []
    for backend in dict.fromkeys(c.backend for c in ready):
        own = [c for c in ready if c.backend == backend]
        steps = [c for c in own if c.case.family == "step"] or own
        typical = sorted(steps, key=lambda c: c.facts["seconds"])[len(steps) // 2]
        pairs += [(typical.again(), typical.again(slow)) for slow in (0.0, PLANTED) for _ in range(TIMES)]
    return pairs


def sampled(groups: Sequence[Sequence[Cell]], extra: Sequence[tuple[Cell, Cell]]) -> list[Group[Cell]]:
    """What the scheduler interleaves; the controls first, for without them nothing is a result."""
    ready = [*extra, *([c for c in group if c.ready] for group in groups)]
    return [Group(str(n), list(cells), sum(c.seconds for c in cells)) for n, cells in enumerate(ready) if cells]


def written_controls(extra: Sequence[tuple[Cell, Cell]], found: dict[str, Series]) -> dict[str, list[dict[str, Any]]]:
    """The A/A pairs and the planted slowdowns as they stand in the file."""
    return {
        "control": [
            {"backend": backend, "case": case, "a": a, "b": b} for backend, case, a, b in pairs_of(extra, found, 0.0)
        ],
        "planted": [
            {"backend": backend, "case": case, "slowdown": PLANTED, "plain": plain, "slowed": slowed}
            for backend, case, plain, slowed in pairs_of(extra, found, PLANTED)
        ],
    }


class Pairs(NamedTuple):
    """A control of a backend: the samples of both, pair by pair."""

    backend: str
    case: str
    plain: list[float]
    other: list[float]


def pairs_of(extra: Sequence[tuple[Cell, Cell]], found: dict[str, Series], slow: float) -> list[Pairs]:
    """The measured pairs of this slowdown, by backend; only those rounds in which both were sampled."""
    pairs: dict[str, Pairs] = {}
    for cell, twin in extra:
        if twin.slow == slow:
            own = pairs.setdefault(cell.backend, Pairs(cell.backend, cell.case.case, [], []))
            both = min(len(found[one.name].samples) for one in (cell, twin))
            own.plain.extend(found[cell.name].samples[:both])
            own.other.extend(found[twin.name].samples[:both])
    return [one for one in pairs.values() if one.plain]
