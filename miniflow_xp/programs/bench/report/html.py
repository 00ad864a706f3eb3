"""The little of HTML that the sections need; whatever comes from the run goes through ``escape``."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from miniflow_xp.system.svg import text as escape

__all__ = ["Entry", "Row", "escape", "figure", "grid", "paragraph", "prose", "table"]


@dataclass(frozen=True)
class Entry:
    """A cell of a table: HTML, and the number that it is sorted by."""

    html: str
    value: float | None = None


Row = Sequence[Entry | str]
LONG = 150  # letters; a cell of more is read in lines of some width
MORE = ' <b class="more" aria-hidden="true">scroll →</b>'  # shown where a table is wider than its box


def table(caption: str, head: Sequence[str], rows: Iterable[Row]) -> str:
    """The first column names the row; texts are escaped, entries are not. Wide ones scroll; empty without a row."""
    names = "".join(f'<th scope="col">{escape(h)}</th>' for h in head)
    lines = "".join(f"<tr>{row_head(first)}{''.join(map(data, rest))}</tr>" for first, *rest in rows)
    name = escape(caption)
    if not lines:
        return ""
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{name}"><table>'
        f"<caption><span>{name}{MORE}</span></caption><thead><tr>{names}</tr></thead><tbody>{lines}</tbody></table></div>"
    )


def row_head(entry: Entry | str) -> str:
    """The name of a row."""
    return f'<th scope="row">{entry.html if isinstance(entry, Entry) else escape(entry)}</th>'


def data(entry: Entry | str) -> str:
    """A cell that is no name."""
    cell = entry if isinstance(entry, Entry) else Entry(escape(entry))
    wide = ' class="long"' if len(cell.html) > LONG and "<" not in cell.html else ""
    value = "" if cell.value is None else f' data-v="{cell.value:.6g}"'
    return f"<td{wide}{value}>{cell.html}</td>"


def figure(svg: str, caption: str = "") -> str:
    """A figure with a line below it."""
    below = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return f"<figure>{svg}{below}</figure>"


def grid(figures: Sequence[str]) -> str:
    """As many figures side by side as fit."""
    return f'<div class="grid">{"".join(figures)}</div>' if figures else ""


def prose(words: str) -> str:
    """A text in which no option of a command ends on another line."""
    return re.sub(r"--[a-z]{2,16}\b( \d+)?", r'<span class="option">\g<0></span>', escape(words))


def paragraph(words: str) -> str:
    """A paragraph of plain text."""
    return f"<p>{prose(words)}</p>"
