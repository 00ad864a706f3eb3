"""A drawing as one HTML page that needs no network: groups fold by links, which need no script.

There is one picture for each way in which groups are folded; the address says which one is shown.
"""

import re
from collections.abc import Mapping

from miniflow_xp.drawing.boxes import KINDS, outline
from miniflow_xp.drawing.cards import spelled_form
from miniflow_xp.drawing.diagram import Box, Diagram
from miniflow_xp.drawing.folding import foldings
from miniflow_xp.drawing.scene import Rect
from miniflow_xp.drawing.svg import about, cards_of, svg_of
from miniflow_xp.drawing.texts import told
from miniflow_xp.system.page import page
from miniflow_xp.system.svg import beside, tag, text

SHEET = 700, 780  # pixels of a sheet of paper below the heading
SMALLEST = 0.5  # of its size; letters are 5 pixels high then


def page_of(
    diagram: Diagram, folded: frozenset[str], title: str, shading: Mapping[str, float], notes: Mapping[str, str]
) -> str:
    """The page: the picture, what its forms mean, and all boxes as a table."""
    ways = foldings(diagram, folded)
    number = {closed: n for n, closed in enumerate(ways)}
    pictures, cards = [], cards_of(diagram, notes)
    for closed, changes in ways.items():
        prefix = f"p{number[closed]}-" if number[closed] else ""
        links = {key: f"#picture-{number[change]}" for key, change in changes.items()}
        svg = svg_of(diagram, closed, title, shading, notes, prefix, links, cards)
        pictures.append(
            f'<figure class="picture{fits(svg)}" id="picture-{number[closed]}"><div class="scroll" tabindex="0" '
            f'role="region" aria-label="Picture of {text(title)}">{svg}</div></figure>'
        )
    hint = "<p class='hint'>A click on a group, or Enter, folds and unfolds it.</p>" if diagram.groups else ""
    body = (
        f"<header><h1>{text(title)}</h1><p>{text(about(diagram))}</p>{hint}{legend(diagram)}</header>"
        f"<main>{''.join(pictures)}</main>{table(diagram)}"
    )
    styles = beside(__package__, "drawing.css") + beside(__package__, "page.css")
    return page(title, styles, body, beside(__package__, "page.js"))


def fits(svg: str) -> str:
    """The class of a picture that can still be read on one sheet of paper; others go on to the next."""
    width, height = map(int, re.findall(r' (?:width|height)="(\d+)"', svg[: svg.index(">")]))
    return " fits" if min(SHEET[0] / width, SHEET[1] / height) > SMALLEST else ""


def legend(diagram: Diagram) -> str:
    """What the forms mean, of the kinds that are there."""
    there = [kind for kind in KINDS if any(box.kind == kind for box in diagram.boxes)]
    items = "".join(
        f"<li>{tag('svg', tag('g', outline(kind, Rect(11, 3, 34, 18)), class_=f'box {kind}'), **FRAME)}{kind}</li>"
        for kind in there
    )
    return f'<ul class="legend" aria-label="Forms">{items}</ul>'


FRAME = {"class_": "drawing", "width": 56, "height": 24, "viewBox": "0 0 56 24", "aria_hidden": "true"}


def table(diagram: Diagram) -> str:
    """All boxes, with what is known of them."""
    head = "".join(f'<th scope="col">{name}</th>' for name in ("name", "what it is", "shape and dtype", *ARRAYS))
    rows = "".join(f"<tr>{row(box)}</tr>" for box in diagram.boxes)
    return (
        f"<details><summary>All {len(diagram.boxes)} boxes as a table</summary>"
        '<div class="scroll" tabindex="0" role="region" aria-label="All boxes"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div></details>"
    )


ARRAYS = ("value", "gradient")


def row(box: Box) -> str:
    """A box as a row."""
    what = box.formula or box.kind
    arrays = [told(array) if array else "" for array in (box.value, box.gradient)]
    cells = "".join(f"<td>{text(words)}</td>" for words in (what, spelled_form(box), *arrays))
    return f'<th scope="row">{text(box.name)}</th>{cells}'
