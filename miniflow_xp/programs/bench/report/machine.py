"""What the run was made on, and with which settings."""

from collections.abc import Iterator, Mapping
from typing import Any

from miniflow_xp.programs.bench.findings import units
from miniflow_xp.programs.bench.findings.run import Run
from miniflow_xp.programs.bench.findings.texts import text
from miniflow_xp.programs.bench.findings.trust import signed
from miniflow_xp.programs.bench.report.html import Entry, Row, escape, table
from miniflow_xp.programs.bench.schema import Object

UNITS = {
    "load": "over 1, 5 and 15 minutes",
    "clocks.sm": "MHz",
    "clocks.max.sm": "MHz",
    "memory.total": "MiB",
    "temperature.gpu": "°C",
    "utilization.gpu": "%",
}


def machine(run: Run) -> str:
    """Tables of the machine, the backends, the ceilings and the controls."""
    parts = [
        pairs("Machine", facts(run)),
        pairs("Backends", backends(run)),
        pairs("Run", settings(run)),
        peaks(run),
        controls(run),
    ]
    return "".join(parts)


def pairs(caption: str, rows: Iterator[tuple[str, str]]) -> str:
    """A table of names and values; empty without any."""
    return table(caption, ["What", "Value"], ([name, value] for name, value in rows if value))


def facts(run: Run) -> Iterator[tuple[str, str]]:
    """Stable facts, then the state before and after."""
    environment = run.record.environment
    for key, value in known(environment.machine):
        if key == "memory_bytes":
            yield "memory", units.byte_count(value)
        elif key == "blas":
            yield "BLAS", "; ".join(spelled(one) for one in value)
        else:
            yield text(key).replace("_", " "), with_unit(key, value)
    for when, state in (("before", environment.before), ("after", environment.after)):
        for key, value in known(state):
            yield f"{text(key).replace('_', ' ')} {when}", with_unit(key, value)


def with_unit(key: str, value: Any) -> str:
    """A value for a person, with the unit that its name goes with."""
    told = spelled(value)
    return f"{told} {UNITS[key]}" if told and key in UNITS else told


def known(found: Object) -> Iterator[tuple[str, Any]]:
    """What it holds by name, another version's keys with it."""
    return ((key, value) for key, value in found.to_json().items() if value is not None)


def spelled(value: Any) -> str:
    """A value of any form, for a person."""
    if isinstance(value, Mapping):
        return ", ".join(f"{text(k)} {with_unit(k, v)}" for k, v in value.items() if v is not None)
    if isinstance(value, list | tuple):
        return ", ".join(map(spelled, value))
    if isinstance(value, float):
        return f"{value:.4g}"
    return text(value)


def backends(run: Run) -> Iterator[tuple[str, str]]:
    """Who took part, or why not."""
    for name, participant in run.record.backends.items():
        yield text(name), ("" if participant.usable else "not usable: ") + text(participant.describe)


def settings(run: Run) -> Iterator[tuple[str, str]]:
    """How the run was made."""
    record = run.record
    yield "made", text(record.created)
    yield "mode", text(record.mode)
    yield "budget", f"{record.budget_s:g} s" if record.budget_s is not None else ""
    yield "took", f"{record.seconds:.4g} s" if record.seconds is not None else ""
    yield "seed", text(record.seed)
    second = record.second_sitting
    yield "sittings", "one" if second is None else f"two, with fresh processes from round {second} on"
    yield "kind of times", ", ".join(kinds(run))
    yield "cache", ", ".join(dict.fromkeys(c.cache for c in run.cells if c.cache))
    errors = [c.error for c in run.cells if c.error is not None]
    yield "largest difference of outputs", f"{max(errors):.2g}, relative; compared before timing" if errors else ""


def kinds(run: Run) -> Iterator[str]:
    """Latency or throughput, by backend."""
    for backend in run.backends:
        found = dict.fromkeys(c.kind for c in run.cells if c.backend == backend and c.kind)
        if found:
            yield f"{backend} {' and '.join(found)}"


def peaks(run: Run) -> str:
    """The ceilings measured on this machine."""
    rows: list[Row] = [
        [f"{backend}, {dtype}", speed(peak.flops_per_s, "FLOP/s"), speed(peak.bytes_per_s, "B/s")]
        for backend, by_dtype in run.ceilings.items()
        for dtype, peak in by_dtype.items()
    ]
    return table("Ceilings, measured", ["Backend", "Arithmetic", "Memory"], rows)


def speed(value: float | None, unit: str) -> Entry:
    """A rate, or a dash."""
    return Entry("–") if not value else Entry(units.rate(value, unit), value)


def controls(run: Run) -> str:
    """A/A pairs and planted slowdowns."""
    rows = [["A/A", text(pair.backend), text(pair.case), signed(ratio)] for pair, ratio in run.controls]
    rows += [["planted", text(pair.backend), text(pair.case), signed(ratio)] for pair, ratio in run.planted]
    return table("Controls: measured difference of the two", ["Kind", "Backend", "Case", "Difference"], rows)


def command(run: Run) -> str:
    """How to make it again."""
    told = run.record.command[:2000]
    return f"<pre><code>{escape(told)}</code></pre>" if told else ""
