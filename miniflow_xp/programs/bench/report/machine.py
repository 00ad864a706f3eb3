"""What the run was made on, and with which settings."""

from collections.abc import Iterator, Mapping
from typing import Any

from miniflow_xp.programs.bench.report import units
from miniflow_xp.programs.bench.report.cells import items, mapping, number, text
from miniflow_xp.programs.bench.report.html import Entry, Row, escape, table
from miniflow_xp.programs.bench.report.run import Run
from miniflow_xp.programs.bench.report.trust import ceilings, signed

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
    found = [[name, value] for name, value in rows if value]
    return table(caption, ["What", "Value"], found) if found else ""


def facts(run: Run) -> Iterator[tuple[str, str]]:
    """Stable facts, then the state before and after."""
    environment = mapping(run.raw.get("environment"))
    known = mapping(environment.get("machine"))
    for key, value in known.items():
        if key == "memory_bytes" and number(value) is not None:
            yield "memory", units.byte_count(float(value))
        elif key == "blas":
            yield "BLAS", "; ".join(spelled(one) for one in items(value))
        else:
            yield text(key).replace("_", " "), with_unit(key, value)
    for when in ("before", "after"):
        for key, value in mapping(environment.get(when)).items():
            yield f"{text(key).replace('_', ' ')} {when}", with_unit(key, value)


def with_unit(key: str, value: Any) -> str:
    """A value for a person, with the unit that its name goes with."""
    told = spelled(value)
    return f"{told} {UNITS[key]}" if told and key in UNITS else told


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
    for name, about in mapping(run.raw.get("backends")).items():
        usable = "" if mapping(about).get("usable") is not False else "not usable: "
        yield text(name), usable + text(mapping(about).get("describe"))


def settings(run: Run) -> Iterator[tuple[str, str]]:
    """How the run was made."""
    yield "made", text(run.raw.get("created"))
    yield "mode", text(run.raw.get("mode"))
    budget, took = number(run.raw.get("budget_s")), number(run.raw.get("seconds"))
    yield "budget", f"{budget:g} s" if budget is not None else ""
    yield "took", f"{took:.4g} s" if took is not None else ""
    yield "seed", text(run.raw.get("seed"))
    second = run.raw.get("second_sitting")
    yield "sittings", "one" if second is None else f"two, with fresh processes from round {text(second)} on"
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
        [f"{backend}, {dtype}", speed(peak.get("flops_per_s"), "FLOP/s"), speed(peak.get("bytes_per_s"), "B/s")]
        for backend, by_dtype in ceilings(run).items()
        for dtype, peak in by_dtype.items()
    ]
    return table("Ceilings, measured", ["Backend", "Arithmetic", "Memory"], rows) if rows else ""


def speed(value: float | None, unit: str) -> Entry:
    """A rate, or a dash."""
    return Entry("–") if value is None else Entry(units.rate(value, unit), value)


def controls(run: Run) -> str:
    """A/A pairs and planted slowdowns."""
    rows = [["A/A", text(c.get("backend")), text(c.get("case")), signed(ratio)] for c, ratio in run.controls]
    rows += [["planted", text(p.get("backend")), text(p.get("case")), signed(ratio)] for p, ratio in run.planted]
    return (
        table("Controls: measured difference of the two", ["Kind", "Backend", "Case", "Difference"], rows)
        if rows
        else ""
    )


def command(run: Run) -> str:
    """How to make it again."""
    raw = run.raw.get("command")
    return f"<pre><code>{escape(str(raw)[:2000])}</code></pre>" if isinstance(raw, str) and raw else ""
