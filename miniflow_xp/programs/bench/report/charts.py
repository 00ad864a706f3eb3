"""Figures along one axis: times, speed-up, memory, transfers."""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from miniflow_xp.programs.bench.findings import units
from miniflow_xp.programs.bench.findings.outcome import duels
from miniflow_xp.programs.bench.findings.run import Comparison, Run, Series
from miniflow_xp.programs.bench.peers import BESIDE_PEERS
from miniflow_xp.programs.bench.record import Cell
from miniflow_xp.programs.bench.report.svg import MARKERS, Log, Plot, Style, around, band, marker, polyline
from miniflow_xp.programs.bench.statistics import quartiles
from miniflow_xp.system.svg import label, tag

Point = tuple[float, float, float, float, str]
"""Size, low, middle, high, and what a pointer is told; low and high are one number where there is no interval."""


def styles(run: Run, series: Series) -> dict[str, Style]:
    """Backends have one look on the whole page; peers are told apart within their series."""
    if series.family in BESIDE_PEERS:
        return {name: Style(k, k >= MARKERS) for k, name in enumerate(series.labels)}
    seen: set[str] = set()
    found = {}
    for name in series.labels:
        backend = series.backend(name)
        found[name] = Style(run.backends.index(backend), backend in seen)
        seen.add(backend)
    return found


def line_plot(
    title: str,
    about: str,
    lines: dict[str, list[Point]],
    looks: dict[str, Style],
    axis: str,
    y_units: Callable[[float], str],
    through: Sequence[float] = (),
    room: float = 0.06,
) -> tuple[Plot, Log, Log] | None:
    """A log-log plot for lines with bands, which shows ``through``, too; None under two measured sizes."""
    drawn = {name: points for name, points in lines.items() if points}
    sizes = sorted({p[0] for points in drawn.values() for p in points if p[0] > 0})
    if len(sizes) < 2:
        return None
    plot = Plot(title, about, [(name, looks[name]) for name in drawn])
    x = around(sizes, plot.left, plot.right)
    seen = (v for points in drawn.values() for p in points for v in p[1:4])
    y = around((*through, *seen), plot.bottom, plot.top, room)
    plot.y_ticks(y, [(v, y_units(v)) for v in y.decades()])
    plot.x_ticks(x, [(s, units.size(s)) for s in sizes], axis)
    return plot, x, y


def draw(plot: Plot, x: Log, y: Log, lines: dict[str, list[Point]], looks: dict[str, Style]) -> None:
    """Bands below, lines above them, markers on top."""
    shown = {name: [p for p in points if p[0] > 0] for name, points in lines.items()}
    for name, points in shown.items():
        plot.body += [band([(x(p[0]), y(p[1]), y(p[3])) for p in part], looks[name]) for part in with_interval(points)]
    for name, points in shown.items():
        plot.body.append(polyline([(x(p[0]), y(p[2])) for p in points], looks[name]))
    for name, points in shown.items():
        plot.body += [marker(x(p[0]), y(p[2]), looks[name], f"{name}, {p[4]}") for p in points]


def with_interval(points: Sequence[Point]) -> Iterator[list[Point]]:
    """Runs of neighbours that have an interval: its ends are two numbers."""
    return (list(part) for known, part in groupby(points, lambda p: p[1] < p[3]) if known)


def values(series: Series, name: str, point: Callable[[Cell], tuple[float, float, float, str] | None]) -> list[Point]:
    """The points of one label."""
    cells = [(case.size, case.cells[name]) for case in series.cases if name in case.cells]
    found = [(size, point(cell)) for size, cell in cells if size is not None]
    return [(size, *p) for size, p in found if p is not None]


def simple(
    run: Run,
    series: Series,
    what: str,
    point: Callable[[Cell], tuple[float, float, float, str] | None],
    unit: Callable[[float], str],
) -> str | None:
    """A figure of one quantity against the size."""
    looks = styles(run, series)
    lines = {name: values(series, name, point) for name in series.labels}
    about = (
        f"{what} against {series.axis}, both on logarithmic axes; {', '.join(name for name in lines if lines[name])}."
    )
    made = line_plot(series.title, about, lines, looks, series.axis, unit)
    if made is None:
        return None
    draw(*made, lines, looks)
    return made[0].svg()


def times(run: Run, series: Series) -> str | None:
    """Median seconds a step, with the quartiles as a band."""

    def point(cell: Cell) -> tuple[float, float, float, str] | None:
        if not cell.times:
            return None
        low, middle, high = quartiles([t for _, t in cell.times])
        return (
            low,
            middle,
            high,
            f"{cell.case}: {units.seconds(middle)} ({units.seconds(low)} to {units.seconds(high)})",
        )

    return simple(run, series, "Seconds a step", point, lambda v: units.tick(v, units.SECONDS))


def memory(run: Run, series: Series) -> str | None:
    """Peak bytes."""

    def point(cell: Cell) -> tuple[float, float, float, str] | None:
        peak = cell.peak_bytes
        return (peak, peak, peak, f"{cell.case}: {units.byte_count(peak)}") if peak and peak > 0 else None

    return simple(run, series, "Peak memory", point, lambda v: units.tick(v, units.BYTES))


def bandwidth(run: Run, series: Series) -> str | None:
    """Bytes a second of a copy."""

    def point(cell: Cell) -> tuple[float, float, float, str] | None:
        if not cell.times or not cell.bytes:
            return None
        low, middle, high = (cell.bytes / t for t in reversed(quartiles([t for _, t in cell.times])))
        return low, middle, high, f"{cell.case}: {units.rate(middle, 'B/s')}, {units.seconds(cell.bytes / middle)}"

    return simple(run, series, "Bytes a second", point, lambda v: units.tick(v, units.RATES))


def speedup(run: Run, series: Series) -> str | None:
    """Rival's time / time with its interval; above 1 it is faster. The crossover's bracket is shaded."""
    looks = styles(run, series)
    found = duels(run, series)
    lines = {
        one.label: [speedup_point(c.name, c.size, compared) for c, compared in one.points if c.size is not None]
        for one in found
    }
    ends = [(one.crossover.low, one.crossover.high, looks[one.label]) for one in found]
    brackets = [(low, high, look) for low, high, look in ends if low and high]
    rivals = " or ".join(dict.fromkeys(rival for _, rival in run.rivals(series)))
    about = f"How many times as fast as {rivals}, against {series.axis}; the line at 1 is equal speed."
    made = line_plot(series.title, about, lines, looks, series.axis, ratio_tick, through=[1.0], room=0.1)
    if made is None:
        return None
    plot, x, y = made
    plot.body[:0] = shaded(plot, x, brackets)
    plot.body.append(tag("path", class_="one", d=f"M{plot.left:.1f} {y(1):.1f}H{plot.right:.1f}"))
    draw(plot, x, y, lines, looks)
    plot.body.append(beside_one(plot, y, lines, clipped_rival(rivals)))
    return plot.svg()


def beside_one(plot: Plot, y: Log, lines: dict[str, list[Point]], words: str) -> str:
    """What the line at 1 stands for, at the end and on the side where the curves are farther from it."""
    starts, ends = ([y(points[place][2]) - y(1) for points in lines.values() if points] for place in (0, -1))
    right = min(map(abs, ends)) >= min(map(abs, starts))
    above = max(ends if right else starts, key=abs) > 0
    x, anchor = (plot.right - 4, "end") if right else (plot.left + 4, "start")
    return label(x, y(1) + (-4 if above else 12), words, text_anchor=anchor, class_="n halo")


def clipped_rival(rivals: str) -> str:
    """What stands at the line of equal speed."""
    return f"1× = {rivals}" if len(rivals) < 32 else "1×"


def speedup_point(case: str, size: float, compared: Comparison) -> Point:
    """Where there is no interval, both of its ends are the middle, and none is drawn."""
    speedup = compared.speedup
    middle = speedup.estimate
    low, high = (speedup.low, speedup.high) if speedup.bounded else (middle, middle)
    return size, low, middle, high, f"{case}: {units.interval(speedup)}, {compared.verdict}"


def shaded(plot: Plot, x: Log, brackets: Sequence[tuple[float, float, Style]]) -> Iterator[str]:
    """The brackets, from the last size that loses to the first that wins: shaded, and a bar in each one's colour."""
    for low, high in dict.fromkeys((low, high) for low, high, _ in brackets):
        yield tag("rect", class_="x", x=x(low), y=plot.top, width=x(high) - x(low), height=plot.height)
    for k, (low, high, style) in enumerate(brackets):
        about = tag("title", f"the crossover lies between {units.size(low)} and {units.size(high)}")
        y = plot.top + 2 + 7.0 * k
        yield tag("rect", about, class_=f"xb {style.colour}", x=x(low), y=y, width=x(high) - x(low), height=5.0)


def ratio_tick(value: float) -> str:
    """10×, ½× as 0.5×."""
    return f"{value:g}×"
