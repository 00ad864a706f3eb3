"""The page: verdicts and trust first, the sections, the data; one file that needs no network."""

from collections.abc import Sequence
from itertools import groupby

from miniflow_xp.programs.bench.findings.choices import choices
from miniflow_xp.programs.bench.findings.run import Run
from miniflow_xp.programs.bench.findings.texts import text
from miniflow_xp.programs.bench.findings.trust import hedged, remedies, trust
from miniflow_xp.programs.bench.findings.verdicts import Sentence, networks, verdicts
from miniflow_xp.programs.bench.report import machine, raw
from miniflow_xp.programs.bench.report.html import escape, paragraph, prose
from miniflow_xp.programs.bench.report.sections import SECTIONS
from miniflow_xp.programs.bench.report.tables import SIGNS
from miniflow_xp.system.page import page as framed
from miniflow_xp.system.svg import beside

MOST_BYTES = 480_000
DATA = "<!-- data -->"  # cannot come from a run: its texts are escaped
MARKS = {"good": "✓", "fair": "!", "poor": "✗"}


def page(runs: Sequence[Run]) -> str:
    """All runs, one after the other; what is left of the page's size is for the data."""
    several = len(runs) > 1
    bodies = [body(run, f"r{k}-", 3 if several else 2) for k, run in enumerate(runs)]
    used = sum(len(b.encode()) for b in bodies) + 40_000
    room = max(0, MOST_BYTES - used) // max(1, len(runs))
    parts = [b.replace(DATA, raw.link(run, room)) for b, run in zip(bodies, runs, strict=True)]
    if several:
        parts = [
            f'<section id="r{k}"><h2>{escape(run.name)}</h2>{part}</section>'
            for k, (run, part) in enumerate(zip(runs, parts, strict=True))
        ]
    title = heading(runs)
    styles = beside(__package__, "style.css") + beside(__package__, "figure.css")
    content = (
        f"<header><h1>{escape(title)}</h1></header>{overview(runs) if several else ''}<main>{''.join(parts)}</main>"
    )
    return framed(title, styles, content, beside(__package__, "script.js"))


def heading(runs: Sequence[Run]) -> str:
    """What the page is."""
    return "Benchmark of miniflow_xp" if len(runs) == 1 else f"{len(runs)} benchmarks of miniflow_xp"


def overview(runs: Sequence[Run]) -> str:
    """A line a run, with its grade."""
    lines = "".join(
        f'<li><a href="#r{k}">{escape(run.name)}</a>: {escape(about(run))} {badge(trust(run)[0])}</li>'
        for k, run in enumerate(runs)
    )
    return f"<nav aria-label='Runs'><ul>{lines}</ul></nav>"


def about(run: Run) -> str:
    """Day, mode, processor and GPU of a run."""
    record, found = run.record, run.record.environment.machine
    gpu = found.gpu_name
    words = [
        text(record.created)[:10],
        f"{text(record.mode)} run" if record.mode else "",
        machine.spelled(found.cpu),
        text(gpu) if isinstance(gpu, str) else "",
    ]
    return " · ".join(filter(None, words))


def badge(grade: str) -> str:
    """Not by colour alone."""
    return f'<span class="badge {grade}">{MARKS[grade]} {grade}</span>'


def body(run: Run, prefix: str, level: int) -> str:
    """One run; ``level`` is that of its headings."""
    words = about(run) if level > 2 else f"{run.name} · {about(run)}"
    built = [(s, s.build(run)) for s in SECTIONS]
    shown = [(s, html) for s, html in built if html]
    absent = [s.missing for s, html in built if not html and s.missing]
    links = "".join(f'<li><a href="#{prefix}{s.name}">{escape(s.title)}</a></li>' for s, _ in shown)
    return "".join(
        [
            f'<p class="sub">{escape(words)} · <a href="#{prefix}trust">trust</a>: {badge(trust(run)[0])}</p>',
            lead(run),
            f'<div class="top">{said(run, level)}{grade(run, prefix, level)}</div>',
            f'<nav aria-label="Sections"><ul>{links}<li><a href="#{prefix}data">Data</a></li></ul></nav>',
            f'<p class="missing">Not measured here: {escape(", ".join(absent))}.</p>' if absent else "",
            *(section(prefix + s.name, s.title, level, html) for s, html in shown),
            section(f"{prefix}data", "Data, and how to make it again", level, DATA + again(run)),
        ]
    )


def lead(run: Run) -> str:
    """One line each: what to use for which size, what the network is, how to mend the trust."""
    told = [*(hedged(run, one) for one in choices(run)), networks(run), remedies(run)]
    return f'<ul class="lead">{"".join(f"<li>{prose(one)}</li>" for one in told if one)}</ul>' if any(told) else ""


def section(name: str, title: str, level: int, content: str) -> str:
    """A heading and what is below it."""
    return f'<section id="{name}"><h{level}>{escape(title)}</h{level}>{content}</section>'


def said(run: Run, level: int) -> str:
    """The verdicts, those on the same two under one head."""
    groups = [(subject, list(group)) for subject, group in groupby(verdicts(run), lambda s: s.subject)]
    content = "".join(
        f"{f'<h{level + 1}>{escape(subject)}</h{level + 1}>' if subject else ''}"
        f'<ul class="verdicts{"" if subject else " plain"}">{"".join(map(line, group))}</ul>'
        for subject, group in groups
    )
    return (
        f'<section class="card"><h{level}>{hedged(run, "Verdict")}</h{level}>'
        f"{content or paragraph('Nothing was compared.')}</section>"
    )


def line(sentence: Sentence) -> str:
    """A verdict with its sign."""
    sign = SIGNS.get(sentence.kind, "·")
    words = f"<span>{escape(sentence.text)}</span>"
    return f'<li><span class="sign {sentence.kind}" aria-hidden="true">{sign}</span>{words}</li>'


def grade(run: Run, prefix: str, level: int) -> str:
    """The badge and its reasons."""
    word, reasons = trust(run)
    lines = "".join(
        f'<li><span class="sign {r.grade}" title="{r.grade}">{MARKS[r.grade]}</span><span>{escape(r.text)}</span></li>'
        for r in reasons
    )
    heading = f"<h{level}>Trust: {badge(word)}</h{level}>"
    return f'<section class="card" id="{prefix}trust">{heading}<ul class="reasons">{lines}</ul></section>'


def again(run: Run) -> str:
    """The commands."""
    told = paragraph("To make the run again, on a machine like this one:") if machine.command(run) else ""
    report = f"miniflow-xp report {run.name} -o report.html"
    return (
        told
        + machine.command(run)
        + paragraph("To make this page from it:")
        + f"<pre><code>{escape(report)}</code></pre>"
    )
