"""A profile as one offline page: the graph coloured by time, one pass as a strip, the table, the notes."""

from miniflow_xp.errors import PackageMissingError
from miniflow_xp.programs.bench import report
from miniflow_xp.programs.bench.findings import units
from miniflow_xp.programs.bench.report.html import Entry, escape, paragraph, table
from miniflow_xp.programs.profile.figures import Figures, Row, estimate
from miniflow_xp.programs.profile.notes import notes, part_of, spell
from miniflow_xp.programs.profile.shading import shaded
from miniflow_xp.programs.profile.table import FLOP, of_ceiling
from miniflow_xp.programs.profile.timeline import timeline
from miniflow_xp.system.page import page as framed
from miniflow_xp.system.svg import beside


def page(profile: Figures) -> str:
    """The page as HTML."""
    title = f"Profile of {profile.title}"
    styles = beside(report.__name__, "style.css") + beside(__package__, "page.css")
    head = f'<header><h1>{escape(title)}</h1><p class="sub">{escape(about(profile))}</p></header>'
    body = f"{head}<main>{''.join(sections(profile))}</main>"
    return framed(title, styles, body, beside(report.__name__, "script.js"))


def about(profile: Figures) -> str:
    """Where it was measured, and the whole."""
    captured = f", captured {spell(estimate(profile.captured))}" if profile.captured else ""
    whole = f"a plain step {spell(estimate(profile.plain))}{captured}"
    return f"{profile.machine}, {profile.dtype}: {whole}; the parts add up to {part_of(profile.agreement)}"


def sections(profile: Figures) -> list[str]:
    """The page's parts."""
    found = []
    if profile.drawn is not None:
        found += ["<h2>The graph, coloured by time</h2>", picture(profile)]
    words = "One pass as it was timed, call by call. A pointer on a call tells which it is."
    found += ["<h2>One pass</h2>", wide("One pass", timeline(profile), words)]
    found += ["<h2>Parts</h2>", parts_table(profile), "<h2>What there is to say</h2>"]
    return [*found, *map(paragraph, notes(profile))]


def picture(profile: Figures) -> str:
    """The drawn graph; without its package, what to install."""
    try:
        svg = shaded(profile).svg
    except PackageMissingError as error:
        return paragraph(str(error))
    words = "Colour, and the bar at the foot of a box, show its time against that of the slowest."
    return wide("The graph", svg, words)


def wide(name: str, svg: str, words: str) -> str:
    """A figure of the page's width, which scrolls on a narrow screen."""
    box = f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(name)}">{svg}</div>'
    return f'<figure class="wide">{box}<figcaption>{escape(words)}</figcaption></figure>'


def parts_table(profile: Figures) -> str:
    """The rows, the slowest first; a click on a head sorts by it."""
    head = ["", "operation", "forward", "backward", "share", "FLOP", "bytes", "of peak"]
    rows = [cells(profile, row) for row in sorted(profile.rows, key=lambda row: -row.seconds)]
    if profile.ceiling is None:
        head, rows = head[:-1], [row[:-1] for row in rows]
    return table("Each part, the slowest first", head, rows)


def cells(profile: Figures, row: Row) -> list[Entry | str]:
    """The cells of a row."""
    share, peak, work = profile.share(row), of_ceiling(profile, row), row.work
    bar = f'<span class="bar" style="width: {100 * share:.1f}%"></span>'
    before = [part for name, part in row.parts.items() if name == "forward"]
    after = [part for name, part in row.parts.items() if name != "forward"]
    times = [
        Entry(escape(" + ".join(spell(part.time) for part in parts)), sum(part.time.estimate for part in parts))
        for parts in (before, after)
    ]
    return [
        row.place.name,
        row.place.operation,
        *times,
        Entry(escape(units.percent(share)) + bar, share),
        Entry(escape(units.scaled(work.flops, FLOP)) if not work.uncounted else "not all counted", work.flops),
        Entry(escape(units.byte_count(work.moved)), work.moved),
        Entry("unknown" if peak is None else f"{100 * peak:.0f}{units.SPACE}%", peak),
    ]
