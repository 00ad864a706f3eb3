"""Arithmetic done a second against arithmetic per byte, under the measured ceilings of the machine."""

from collections.abc import Iterator

from miniflow_xp.programs.bench.findings import units
from miniflow_xp.programs.bench.findings.run import Run
from miniflow_xp.programs.bench.record import Cell
from miniflow_xp.programs.bench.report.svg import Plot, Style, around, marker, polyline


def rooflines(run: Run) -> Iterator[tuple[str, str]]:
    """(title, figure) of each dtype that has both ceilings and cells with known arithmetic and traffic."""
    peaks = run.ceilings
    for dtype in dict.fromkeys(c.dtype for c in run.cells):
        found = {backend: by_dtype[dtype] for backend, by_dtype in peaks.items() if dtype in by_dtype}
        known = {b: (p.flops_per_s, p.bytes_per_s) for b, p in found.items() if p.flops_per_s and p.bytes_per_s}
        cells = [
            c for c in run.cells if c.dtype == dtype and c.backend in known and rates(c) and c.contestant == "ours"
        ]
        if cells:
            title = f"roofline, {dtype}" if dtype else "roofline"
            yield title, roofline(run, title, known, cells)


def rates(cell: Cell) -> tuple[float, float] | None:
    """(flops a byte, flops a second)."""
    if not cell.flops or not cell.bytes or not cell.seconds or cell.flops < 0 or cell.bytes < 0:
        return None
    return cell.flops / cell.bytes, cell.flops / cell.seconds


def roofline(run: Run, title: str, peaks: dict[str, tuple[float, float]], cells: list[Cell]) -> str:
    """A roof a backend, a dot a cell."""
    dots = [(c, *r) for c in cells if (r := rates(c)) is not None]
    backends = list(dict.fromkeys(c.backend for c in cells))
    looks = {b: Style(run.backends.index(b)) for b in backends}
    about = "Flops a second against flops a byte; the lines are what was measured as the most."
    plot = Plot(title, about, list(looks.items()), left=74.0)
    knees = [peaks[b][0] / peaks[b][1] for b in backends]
    x = around([*(i for _, i, _ in dots), *knees], plot.left, plot.right, room=0.1)
    y = around([*(f for _, _, f in dots), *(peaks[b][0] for b in backends)], plot.bottom, plot.top)
    plot.y_ticks(y, [(v, units.tick(v, units.FLOPS)) for v in y.decades()])
    plot.x_ticks(x, [(v, f"{v:g}") for v in x.decades()], "flops a byte")
    for backend, knee in zip(backends, knees, strict=True):
        peak, bandwidth = peaks[backend]
        start = max(x.low, y.low / bandwidth)
        roof = [(start, min(peak, start * peak / knee)), (min(max(knee, start), x.high), peak), (x.high, peak)]
        plot.body.append(polyline([(x(i), y(f)) for i, f in roof], looks[backend]))
    for cell, intensity, speed in dots:
        told = f"{cell.label}, {cell.series}, {cell.case}: {units.rate(speed, 'FLOP/s')}"
        plot.body.append(marker(x(intensity), y(speed), looks[cell.backend], told))
    return plot.svg()
