"""Every figure as a file of its own: the styles inside, on white, without the page's variables."""

import re
from collections.abc import Callable, Iterator

from miniflow_xp.programs.bench.findings.run import Run, Series
from miniflow_xp.programs.bench.report import bars, charts, heatmap, roofline
from miniflow_xp.system.svg import NAMESPACE, beside, in_light

Drawn = Callable[[Run, Series], str | None]
ALONG: tuple[tuple[str, tuple[str, ...], Drawn], ...] = (
    ("speedup", ("step", "user", "capture", "node", "peers"), charts.speedup),
    ("times", ("step", "user", "capture", "node", "peers"), charts.times),
    ("transfer", ("transfer",), charts.bandwidth),
    ("memory", ("memory",), charts.memory),
)


def standalone(run: Run) -> dict[str, str]:
    """Name → SVG text of all figures of a run."""
    found: dict[str, str] = {}
    for name, svg in drawn(run):
        base, number = slug(name), 1
        while (unique := base if number == 1 else f"{base}-{number}") in found:
            number += 1
        found[unique] = alone(svg)
    return found


def drawn(run: Run) -> Iterator[tuple[str, str]]:
    """(name, SVG for the page)."""
    for kind, families, draw in ALONG:
        for series in run.of(*families):
            svg = draw(run, series)
            if svg is not None:
                yield f"{kind} {series.title}", svg
    yield from heatmap.heatmaps(run)
    yield from roofline.rooflines(run)
    for series, name, splits in bars.breakdowns(run):
        yield f"breakdown {name} {series.title}", bars.breakdown(series, name, splits)


def slug(name: str) -> str:
    """A file name of a text."""
    return re.sub(r"[^a-z0-9]+", "-", name.replace("→", " to ").lower()).strip("-")[:80] or "figure"


def alone(svg: str) -> str:
    """Variables of the style sheet become the colours that they have in light."""
    rules = in_light(beside(__package__, "figure.css"))
    box = re.search(r'viewBox="0 0 (\d+) (\d+)"', svg)
    size = f' width="{2 * int(box[1])}" height="{2 * int(box[2])}"' if box else ""
    return svg.replace("<svg ", f'<svg xmlns="{NAMESPACE}"{size} ', 1).replace(
        "</title>", f"</title><style>{rules}</style>", 1
    )
