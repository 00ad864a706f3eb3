"""The decision table: the winner of every series by size."""

from miniflow_xp.programs.bench.findings import units
from miniflow_xp.programs.bench.findings.outcome import ALONE, NOTHING, TIE, UNCLEAR, WINS, duels, winner
from miniflow_xp.programs.bench.findings.run import Contest, Run, Series
from miniflow_xp.programs.bench.report.charts import styles
from miniflow_xp.programs.bench.report.html import Entry, Row, escape, table
from miniflow_xp.programs.bench.report.svg import Style, marker
from miniflow_xp.system.svg import tag

FAMILIES = ("step", "user", "peers")


def decisions(run: Run) -> str:
    """Rows are series, a chip a size; empty where nobody was compared."""
    rows: list[Row] = [
        [series.title, Entry(chips(run, series)), Entry(f"<ul>{brackets(run, series)}</ul>")]
        for series in run.of(*FAMILIES)
        if len(series.labels) > 1 and any(case_is_told(run, c) for c in series.cases)
    ]
    head = ["Workload", "Winner by size", f"Faster than {run.reference} from which size on"]
    return table("Winner by size, smallest first", head, rows)


def case_is_told(run: Run, case: Contest) -> bool:
    """Whether anybody was measured."""
    return winner(run, case).kind != NOTHING


def chips(run: Run, series: Series) -> str:
    """Size and winner of each case."""
    looks = styles(run, series)
    return f'<span class="chips">{"".join(chip(run, series, case, looks) for case in series.cases)}</span>'


def chip(run: Run, series: Series, case: Contest, looks: dict[str, Style]) -> str:
    """batch 64 ● numpy:cpu."""
    found = winner(run, case)
    size = f"{series.axis} {units.size(case.size)}" if case.size is not None else case.name
    labels = ", ".join(found.labels)
    kinds = {WINS: labels, TIE: f"tie: {labels}", UNCLEAR: f"unclear: {labels}", ALONE: f"only {labels}"}
    words = kinds.get(found.kind, "not measured")
    colour = looks[found.labels[0]].colour if found.kind == WINS else "none"
    sign = mark(looks[found.labels[0]]) if found.kind == WINS else ""
    return f'<span class="chip {colour}"><b>{escape(size)}</b> {sign}{escape(words)}</span>'


def mark(style: Style) -> str:
    """The marker of a backend, inside of a text."""
    return tag("svg", marker(6.0, 6.0, style), viewBox="0 0 12 12", class_="mark", aria_hidden="true")


def brackets(run: Run, series: Series) -> str:
    """The crossover of each label."""
    lines = []
    for one in duels(run, series):
        if not any(c.cells[one.label].is_floor for c in series.cases if one.label in c.cells):
            against_whom = "" if one.rival == run.reference else f" against {one.rival}"
            lines.append(f"<li>{escape(f'{one.label}{against_whom}: {one.crossover}')}</li>")
    return "".join(lines)
