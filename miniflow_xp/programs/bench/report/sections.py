"""The sections of the page, in order; one without data gives an empty text."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from miniflow_xp.programs.bench.findings import units
from miniflow_xp.programs.bench.findings.outcome import duels
from miniflow_xp.programs.bench.findings.run import Run, Series
from miniflow_xp.programs.bench.peers import BESIDE_PEERS
from miniflow_xp.programs.bench.report import bars, charts, heatmap, roofline, tables
from miniflow_xp.programs.bench.report.decisions import decisions
from miniflow_xp.programs.bench.report.html import Entry, Row, figure, grid, paragraph, table
from miniflow_xp.programs.bench.report.machine import machine

MOST = 12  # figures of single nodes on the page; all are among the figure files


class Section(NamedTuple):
    """``missing`` says what a page lacks without it."""

    name: str
    title: str
    missing: str
    build: Callable[[Run], str]


def speedups(run: Run) -> str:
    """One figure a series, with the brackets in words below."""
    drawn = [figure(s, brackets(run, series)) for series in workloads(run) if (s := charts.speedup(run, series))]
    lead = (
        "Above the line at 1× the backend is faster. Bands around the lines are 95 % intervals of paired ratios; a "
        "marker without one had too few pairs for an interval. The shaded band is the crossover, between the last size "
        "that loses and the first from which on all win."
    )
    return under(lead, drawn)


def under(lead: str, drawn: Sequence[str]) -> str:
    """Figures below a paragraph; nothing without any."""
    return paragraph(lead) + grid(drawn) if drawn else ""


def workloads(run: Run) -> list[Series]:
    """Series with a figure of their own."""
    return run.of("step", "user", "capture")


def brackets(run: Run, series: Series) -> str:
    """The crossovers of a series in words."""
    return " ".join(f"{one.label}: {one.crossover}." for one in duels(run, series))


def heatmaps(run: Run) -> str:
    """Winners over two axes."""
    drawn = [figure(svg) for _, svg in heatmap.heatmaps(run)]
    lead = (
        "Numbers are the lead of the winner over the next. Hatched: a tie, a winner that the noise hides (?), or "
        "nothing measured. Blank: not in this run."
    )
    return under(lead, drawn)


def times(run: Run) -> str:
    """Log-log times."""
    drawn = [figure(svg) for series in workloads(run) if (svg := charts.times(run, series))]
    lead = "Median seconds a step; the band holds the middle half of the samples. Both axes are logarithmic."
    return under(lead, drawn)


def breakdown(run: Run) -> str:
    """Host, device, transfer."""
    drawn = [figure(bars.breakdown(series, name, splits)) for series, name, splits in bars.breakdowns(run)]
    lead = (
        "Device is what its own clock tells while the host is ahead; host dispatch is the rest, in which the device "
        "waits. For JAX, which has no such clock, host dispatch is the time until the host had asked for everything. "
        "Transfer is the streamed step less the resident one."
    )
    return under(lead, drawn)


def transfers(run: Run) -> str:
    """Bytes a second of copies."""
    drawn = [figure(svg) for series in run.of("transfer") if (svg := charts.bandwidth(run, series))]
    lead = (
        "Bytes over the seconds until they are on the other side; both axes are logarithmic. On the CPU a library may "
        "share an array's memory and copy nothing: that is no bandwidth. From the device, an addition comes first: "
        "libraries keep a copy of what came from the host."
    )
    return under(lead, drawn)


def nodes(run: Run) -> str:
    """The table, and the first figures."""
    drawn = [figure(svg) for series in run.of("node") if (svg := charts.speedup(run, series))]
    hidden = max(0, len(drawn) - MOST)
    more = (
        f"{hidden} further figures: miniflow-xp report {run.name} --figures FOLDER writes all of them."
        if hidden
        else ""
    )
    return tables.nodes(run) + grid(drawn[:MOST]) + (paragraph(more) if more else "")


def rooflines(run: Run) -> str:
    """Arithmetic under the ceilings."""
    drawn = [figure(svg) for _, svg in roofline.rooflines(run)]
    lead = "The slope is the measured memory bandwidth, the flat part the measured arithmetic; a dot is a case."
    return under(lead, drawn)


def memory(run: Run) -> str:
    """Peak memory: figures, or a table of single sizes."""
    return grid([figure(svg) for series in run.of("memory") if (svg := charts.memory(run, series))]) or peaks(run)


def peaks(run: Run) -> str:
    """Peak memory in words, where there is one size only."""
    found = [(c, c.peak_bytes) for c in run.cells if c.family == "memory" and c.peak_bytes is not None]
    rows: list[Row] = [[f"{c.series}, {c.case}", c.label, Entry(units.byte_count(p), p)] for c, p in found]
    return table("Peak memory", ["Workload", "Backend", "Bytes"], rows)


def peers(run: Run) -> str:
    """Other packages."""
    drawn = [figure(svg, brackets(run, s)) for s in run.of(*BESIDE_PEERS) if (svg := charts.speedup(run, s))]
    return tables.peers(run) + grid(drawn)


def rest(run: Run) -> str:
    """What was not measured, and who did not win."""
    return tables.missing(run) + tables.ties(run)


SECTIONS = (
    Section("decisions", "Which backend for which size", "a comparison of backends", decisions),
    Section("speedup", "Speed-up", "speed-up along an axis", speedups),
    Section("heatmap", "Winners over two axes", "winners over two axes", heatmaps),
    Section("times", "Times", "times along an axis", times),
    Section("breakdown", "Where the time goes", "host and device time apart", breakdown),
    Section("transfer", "Transfer", "transfers", transfers),
    Section("breakeven", "Break-even", "steps to break even", tables.payback),
    Section("nodes", "Single nodes", "single nodes", nodes),
    Section("roofline", "Roofline", "a roofline", rooflines),
    Section("memory", "Memory", "memory", memory),
    Section("first", "First call and capture", "first calls", tables.first_calls),
    Section("peers", "Peers", "peers", peers),
    Section("missing", "Failures, skips, ties", "", rest),
    Section("machine", "Machine and settings", "", machine),
)
