"""Drawing: a diagram that can be looked at, and written as a picture."""

from collections.abc import Collection, Hashable, Mapping
from functools import cached_property
from os import PathLike
from typing import Any

from miniflow_xp.checks import path_ending_in
from miniflow_xp.drawing.diagram import Diagram
from miniflow_xp.drawing.page import page_of
from miniflow_xp.drawing.svg import svg_of
from miniflow_xp.drawing.texts import dot, mermaid
from miniflow_xp.system.files import write
from miniflow_xp.system.svg import in_light, png

FORMS = {".svg": "svg", ".png": "png", ".html": "html", ".dot": "dot", ".mmd": "mermaid"}


class Drawing:
    """A picture of a graph, as it was when it was drawn; a notebook shows it.

    ``diagram``: boxes, edges and groups as plain records. ``svg``: the picture as text, which stands alone or in a
    page. ``save`` writes it, in the form that the end of the name says.
    """

    def __init__(
        self,
        diagram: Diagram,
        title: str,
        folded: Collection[str] = (),
        shading: Mapping[str, float] | None = None,
        notes: Mapping[str, str] | None = None,
    ) -> None:
        self.diagram, self.title, self.folded = diagram, title, frozenset(folded)
        self.shading, self.notes = dict(shading or {}), dict(notes or {})

    def key_of(self, node: Hashable) -> str:
        """The key of a node's box."""
        return self.diagram.keys[node]

    @cached_property
    def svg(self) -> str:
        """The picture; raises PackageMissingError without the extra ``draw``."""
        return svg_of(self.diagram, self.folded, self.title, self.shading, self.notes)

    @cached_property
    def html(self) -> str:
        """The picture as a page in which groups fold; raises PackageMissingError without the extra ``draw``."""
        return page_of(self.diagram, self.folded, self.title, self.shading, self.notes)

    @property
    def dot(self) -> str:
        """The picture in the language of Graphviz."""
        return dot(self.diagram, self.folded, self.title)

    @property
    def mermaid(self) -> str:
        """The picture in the language of Mermaid."""
        return mermaid(self.diagram, self.folded, self.title)

    @property
    def png(self) -> bytes:
        """The picture on white; raises PackageMissingError without the extras ``draw`` and ``report``."""
        return png(in_light(self.svg), scale=2.0)

    def save(self, path: str | PathLike[str]) -> None:
        """Write it as ``.svg``, ``.png``, ``.html``, ``.dot`` or ``.mmd``; raises SettingError where that fails."""
        file = path_ending_in(path, "Drawing.save", FORMS)
        found = getattr(self, FORMS[file.suffix.lower()])
        write("Drawing.save", file, [found if isinstance(found, bytes) else found.encode()])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"image/svg+xml": self.svg, "text/plain": repr(self)}

    def __repr__(self) -> str:
        boxes, edges = len(self.diagram.boxes), len(self.diagram.edges)
        return f"<Drawing of {self.title}: {boxes} boxes, {edges} edges>"
