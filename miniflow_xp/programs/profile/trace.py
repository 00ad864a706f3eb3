"""A profile as trace events, in the format that Chrome defined and that Perfetto and speedscope read.

Complete events (``ph: X``) with ``ts`` and ``dur`` in microseconds, named processes and threads: one pass as it was
timed, call by call, and the steps as a whole beside it. What else there is stands under ``otherData``, as the format
allows. Google, "Trace Event Format", 2016.
"""

import json
from typing import Any

from miniflow_xp.programs.bench.statistics import Ratio
from miniflow_xp.programs.profile.figures import Figures, Part, Row, estimate
from miniflow_xp.programs.profile.notes import notes
from miniflow_xp.programs.profile.table import of_ceiling
from miniflow_xp.system.version import __version__

PROCESS = 1
THREADS = {1: "plain, each call timed", 2: "plain, as a whole", 3: "captured, as a whole"}
MICRO = 1e6
Event = dict[str, Any]


def trace_text(profile: Figures) -> str:
    """The file."""
    return json.dumps(trace(profile), allow_nan=False, ensure_ascii=False)


def trace(profile: Figures) -> dict[str, Any]:
    """The events and what else there is."""
    return {"traceEvents": events(profile), "displayTimeUnit": "ns", "otherData": figures(profile)}


def events(profile: Figures) -> list[Event]:
    """Names first, then the events in the order of time."""
    threads = {number: name for number, name in THREADS.items() if number != 3 or profile.captured}
    named = [named_event("process_name", 0, f"miniflow_xp profile: {profile.title}")]
    named += [named_event("thread_name", number, name) for number, name in threads.items()]
    wholes = [complete(2, "plain step", "whole", 0.0, estimate(profile.plain).estimate)]
    if profile.captured:
        seconds = estimate(profile.captured).estimate
        wholes.append(complete(3, "captured step", "whole", 0.0, seconds))
    return [*named, *walked(profile), *wholes]


def walked(profile: Figures) -> list[Event]:
    """The pass: the whole, in it each run of calls of one direction, in these the calls."""
    found = [complete(1, profile.title, "whole", 0.0, profile.last.whole)]
    runs: list[tuple[str, list[Event]]] = []
    for place, direction, begin, end in profile.passes:
        which = "backward" if direction == "sum" else direction
        name = f"sum of gradients of {place.name}" if direction == "sum" else place.name
        event = complete(1, name, direction, begin, end - begin)
        if not runs or runs[-1][0] != which:
            runs.append((which, []))
        runs[-1][1].append(event)
    for direction, inside in runs:
        first, last = inside[0], inside[-1]
        start = first["ts"]
        run = {**complete(1, direction, direction, 0.0, 0.0), "ts": start, "dur": last["ts"] + last["dur"] - start}
        found += [run, *inside]
    return found


def complete(thread: int, name: str, kind: str, begin: float, seconds: float) -> Event:
    """An event with its duration; without ``args``, which speedscope would make a part of its name."""
    times = {"ts": round(begin * MICRO, 3), "dur": round(seconds * MICRO, 3)}
    return {"name": name, "cat": kind, "ph": "X", **times, "pid": PROCESS, "tid": thread}


def named_event(what: str, thread: int, name: str) -> Event:
    """The name of a process or a thread."""
    return {"name": what, "ph": "M", "ts": 0, "pid": PROCESS, "tid": thread, "args": {"name": name}}


def figures(profile: Figures) -> dict[str, Any]:
    """All that was measured, for programs."""
    ceiling = profile.ceiling
    return {
        "format": "miniflow_xp profile",
        "miniflow_xp": __version__,
        "title": profile.title,
        "machine": profile.machine,
        "dtype": profile.dtype,
        "clock": profile.clock,
        "clock_s": profile.clock_s,
        "rounds": len(profile.plain),
        "plain_s": spelled(estimate(profile.plain)),
        "captured_s": spelled(estimate(profile.captured)) if profile.captured else None,
        "parts_of_plain": spelled(profile.agreement),
        "between_s": spelled(estimate(profile.between)),
        "ceiling": None if ceiling is None else ceiling.to_json(),
        "memory": {"at": profile.holding.at, "held_bytes": profile.holding.held, "peak_bytes": profile.peak_bytes},
        "fused_away": profile.fused,
        "in_their_place": profile.joined,
        "nothing_left_of": profile.gone,
        "load": profile.load,
        "rows": [row_of(profile, row) for row in profile.rows],
        "notes": notes(profile),
    }


def row_of(profile: Figures, row: Row) -> dict[str, Any]:
    """A row."""
    parts = {name: part_of(part, profile) for name, part in row.parts.items()}
    about = {"name": row.place.name, "operation": row.place.operation, "line": row.place.line}
    return {**about, "share": profile.share(row), "of_peak": of_ceiling(profile, row), **parts}


def part_of(part: Part, profile: Figures) -> dict[str, Any]:
    """A part of a row."""
    work = part.work
    return {
        "seconds": spelled(part.time),
        "flop": work.flops,
        "bytes": work.moved,
        "of_peak": part.of_ceiling(profile.ceiling),
        "calls": dict(work.calls),
        "not_counted": sorted(work.uncounted),
    }


def spelled(ratio: Ratio) -> dict[str, float | None]:
    """An estimate and its interval, which is null where there are too few rounds."""
    low, high = (ratio.low, ratio.high) if ratio.bounded else (None, None)
    return {"estimate": ratio.estimate, "low": low, "high": high}
