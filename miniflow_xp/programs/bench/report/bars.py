"""Where the time of a step goes: host dispatch, device, transfer, as shares of the whole."""

from statistics import median
from typing import NamedTuple

from miniflow_xp.programs.bench.findings import units
from miniflow_xp.programs.bench.findings.run import Contest, Run, Series
from miniflow_xp.programs.bench.record import Cell
from miniflow_xp.programs.bench.report.svg import Plot
from miniflow_xp.programs.bench.report.tables import place
from miniflow_xp.system.svg import LETTER, label, tag

PARTS = (("host", "host dispatch"), ("device", "device"), ("transfer", "transfer"))


class Split(NamedTuple):
    """Seconds of one step."""

    name: str
    host: float
    device: float
    transfer: float

    @property
    def whole(self) -> float:
        """The step."""
        return self.host + self.device + self.transfer


def breakdowns(run: Run) -> list[tuple[Series, str, list[Split]]]:
    """Series and backend with more than one size whose host time is known."""
    found = []
    for series in run.of("step", "user"):
        for name in series.labels:
            splits = [s for case in series.cases if (s := split(run, series, case, name)) is not None]
            if splits:
                found.append((series, name, splits))
    return found


def split(run: Run, series: Series, case: Contest, name: str) -> Split | None:
    """The device's part by its own clock, and the host's what is left; without such a clock the other way round.

    The host may work while the device does. What the device does not take, it waited for the host.
    """
    cell = case.cells.get(name)
    if cell is None or not cell.times or not cell.host or cell.seconds is None:
        return None
    twin = resident(run, series, cell)
    transfer = max(0.0, cell.seconds - twin.seconds) if twin is not None and twin.seconds is not None else 0.0
    computing = cell.seconds - transfer
    host = min(median(cell.host), computing) if cell.device_s is None else max(0.0, computing - cell.device_s)
    return Split(place(case), host, computing - host, transfer)


def resident(run: Run, series: Series, cell: Cell) -> Cell | None:
    """For a streamed cell the same with its data on the device: the difference is transfer."""
    if series.residence != "streamed":
        return None
    return next(
        (
            c
            for other in run.of(series.family)
            if other.residence == "resident" and other.dtype == series.dtype
            for case in other.cases
            for c in case.cells.values()
            if (c.axes, c.label) == (cell.axes, cell.label) and c.times
        ),
        None,
    )


def breakdown(series: Series, name: str, splits: list[Split]) -> str:
    """One bar a size, all of the same length."""
    plot = Plot(
        f"{name}, {series.title}",
        f"Shares of a step by {series.axis}.",
        [],
        left=64.0,
        height=22.0 * len(splits) + 3,
        room=14.0,
        foot=6.0,
    )
    plot.body += key()
    scale = plot.right - plot.left - 62
    for k, one in enumerate(splits):
        x, y = plot.left, plot.top + 22 * k
        plot.body.append(label(plot.left - 5, y + 15, one.name, text_anchor="end"))
        for part, words in PARTS:
            seconds = getattr(one, part)
            wide = scale * seconds / one.whole
            if wide > 0.05:
                about = tag("title", f"{one.name}: {words} {units.seconds(seconds)}, {100 * seconds / one.whole:.0f} %")
                plot.body.append(tag("rect", about, class_=f"b-{part}", x=x, y=y + 3, width=wide, height=16.0))
            x += wide
        plot.body.append(label(plot.right - 4, y + 15, units.seconds(one.whole), text_anchor="end"))
    plot.body.append(label(10, plot.top - 4, series.axis, class_="n"))
    return plot.svg()


def key() -> list[str]:
    """What the shades mean."""
    drawn, x = [], 100.0
    for part, words in PARTS:
        drawn.append(tag("rect", class_=f"b-{part}", x=x, y=25.0, width=10.0, height=10.0))
        drawn.append(label(x + 14, 34.0, words))
        x += 24 + LETTER * len(words)
    return drawn
