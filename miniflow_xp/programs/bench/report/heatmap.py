"""The winner over two axes, say batch and width."""

from collections import Counter
from collections.abc import Iterator
from itertools import combinations

from miniflow_xp.programs.bench.findings import units
from miniflow_xp.programs.bench.findings.outcome import ALONE, NOTHING, TIE, WINS, Winner, winner
from miniflow_xp.programs.bench.findings.run import Contest, Run, Series
from miniflow_xp.programs.bench.report.svg import Plot, Style, marker
from miniflow_xp.programs.bench.statistics import Ratio
from miniflow_xp.system.svg import label, tag, text

Axes = dict[str, float]


def heatmaps(run: Run) -> Iterator[tuple[str, str]]:
    """(title, figure) of each kind of training step that was measured over two axes."""
    groups: dict[tuple[str, str], list[Series]] = {}
    for series in run.of("step", "user"):
        groups.setdefault((series.dtype, series.residence), []).append(series)
    for (dtype, residence), found in groups.items():
        measured = any(series.is_measured for series in found)
        chosen = plane([case for series in found for case in series.cases]) if measured else None
        if chosen is not None:
            x, y, cases = chosen
            title = ", ".join(filter(None, [f"winner by {x} and {y}", dtype, residence]))
            yield title, heatmap(run, title, x, y, cases)


def plane(cases: list[Contest]) -> tuple[str, str, dict[tuple[float, float], Contest]] | None:
    """The two axes with the most cases, the other axes at their commonest values; None under 2 by 2."""
    best: tuple[int, tuple[str, str, dict[tuple[float, float], Contest]] | None] = (3, None)
    names = sorted({name for case in cases for name in axes_of(case)}, key=lambda n: (n != "batch", n != "width", n))
    for x, y in combinations(names, 2):
        slices = Counter(others(axes_of(c), x, y) for c in cases if {x, y} <= set(axes_of(c)))
        for kept, _ in slices.most_common(1):
            found = {(a[x], a[y]): c for c in cases if {x, y} <= set(a := axes_of(c)) and others(a, x, y) == kept}
            square = min(len({k[0] for k in found}), len({k[1] for k in found})) > 1
            if square and len(found) > best[0]:
                best = len(found), (x, y, found)
    return best[1]


def axes_of(case: Contest) -> Axes:
    """The numbers of a case."""
    return dict(next(iter(case.cells.values())).axes)


def others(axes: Axes, x: str, y: str) -> tuple[tuple[str, float], ...]:
    """All axes but two."""
    return tuple(sorted((k, v) for k, v in axes.items() if k not in (x, y)))


def heatmap(run: Run, title: str, x: str, y: str, cases: dict[tuple[float, float], Contest]) -> str:
    """One square a case: the winner's colour, marker and lead over the next; hatched where there is no winner."""
    columns, rows = sorted({k[0] for k in cases}), sorted({k[1] for k in cases}, reverse=True)
    backends = {name: cell.backend for case in cases.values() for name, cell in case.cells.items()}
    looks = {name: Style(run.backends.index(backend)) for name, backend in backends.items()}
    plot = Plot(
        title,
        f"Rows are {y}, columns are {x}; hatched: no winner.",
        list(looks.items()),
        height=34.0 * len(rows),
        room=12.0,
    )
    wide = (plot.right - plot.left) / len(columns)
    for k, row in enumerate(rows):
        middle = plot.top + 34 * k + 17
        plot.body.append(label(plot.left - 5, middle + 4, units.size(row), text_anchor="end"))
        for j, column in enumerate(columns):
            case = cases.get((column, row))
            if case is not None:
                plot.body.append(square(run, case, plot.left + wide * j, middle - 17, wide, looks))
    step = 2 if wide < 34 else 1
    for j in range(0, len(columns), step):
        at = plot.left + wide * (j + 0.5)
        plot.body.append(label(at, plot.bottom + 16, units.size(columns[j]), text_anchor="middle"))
    plot.body.append(label((plot.left + plot.right) / 2, plot.bottom + 32, x, text_anchor="middle", class_="n"))
    plot.body.append(label(10, plot.top - 4, y, class_="n"))
    return plot.svg()


def square(run: Run, case: Contest, x: float, y: float, wide: float, looks: dict[str, Style]) -> str:
    """One case."""
    found = winner(run, case)
    words, about = told(run, case, found)
    clear = found.kind in (WINS, ALONE)
    colour = f"w {looks[found.labels[0]].colour}" if found.labels else "w none"
    parts = [
        tag("title", text(f"{case.name}: {about}")),
        tag("rect", class_=colour, x=x + 1, y=y + 1, width=wide - 2, height=32.0),
    ]
    if not clear:
        parts.append(tag("path", class_="hatch", d=hatch(x + 1, y + 1, wide - 2, 32.0)))
    half = x + wide / 2
    if found.kind == WINS:
        parts.append(marker(half, y + 10, looks[found.labels[0]]))
    parts.append(label(half, y + (28 if found.kind == WINS else 21), words, text_anchor="middle", class_="in"))
    return tag("g", *parts)


def told(run: Run, case: Contest, found: Winner) -> tuple[str, str]:
    """The few letters in a square, and the sentence behind it."""
    absent = [f"{name}: {c.why or c.state}" for name, c in case.cells.items() if not c.times]
    more = f"; {'; '.join(absent)}" if absent else ""
    if found.kind == NOTHING:
        return ("oom" if "out of memory" in more else "–"), f"nothing measured{more}"
    if found.kind == ALONE:
        return "only", f"only {found.labels[0]} measured{more}"
    if found.kind != WINS:
        short, about = ("tie", "a tie of") if found.kind == TIE else ("?", "the noise hides the winner among")
        return short, f"{about} {', '.join(found.labels)}{more}"
    lead = ahead(run, case, found.labels[0])
    return f"{units.times(lead.estimate)}×", f"{found.labels[0]} wins, {units.interval(lead)} as fast as the next{more}"


def ahead(run: Run, case: Contest, name: str) -> Ratio:
    """The winner's speed-up over the next."""
    compared = [run.compare(case.cells[name], c) for other, c in case.cells.items() if other != name]
    return min((c.speedup for c in compared if c is not None), key=lambda r: r.estimate)


def hatch(x: float, y: float, wide: float, high: float) -> str:
    """Slanted lines, clipped to a rectangle by hand: patterns need names, and names collide on one page."""
    path = []
    offset = 7.0
    while offset < wide + high:
        x0, y0 = (x + offset, y) if offset < wide else (x + wide, y + offset - wide)
        x1, y1 = (x, y + offset) if offset < high else (x + offset - high, y + high)
        path.append(f"M{x0:.1f} {y0:.1f}L{x1:.1f} {y1:.1f}")
        offset += 7.0
    return "".join(path)
