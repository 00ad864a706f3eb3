"""Steps: one pass of a graph, to walk through."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

from miniflow_xp.checks import path_ending_in, truth
from miniflow_xp.node import Input, Node
from miniflow_xp.stepping.page import page
from miniflow_xp.stepping.record import Record, record
from miniflow_xp.stepping.text import text
from miniflow_xp.stepping.told import Told, told
from miniflow_xp.stepping.verdicts import Verdict, verdicts
from miniflow_xp.system.files import write
from miniflow_xp.system.svg import printable

KINDS = (".html", ".htm", ".txt")


def steps(
    graph: Node | Sequence[Node],
    feed: Mapping[Input, Any] | None = None,
    wrt: Iterable[Node] | None = None,
    *,
    check: bool = True,
) -> "Steps":
    """One pass of ``graph``, a cost or a sorted list of nodes, to walk through: forward, then backward, node by node.

    ``feed`` and ``wrt`` are those of ``topological_sort`` and ``forward_and_backward``; what is not fed has the value
    that it has. A node may have a rule or, as in the lesson, its own ``forward`` and ``backward``. ``check``: compare
    what each node hands on with central differences. Nothing stays changed on the nodes. Raises what
    ``forward_and_backward`` raises.
    """
    taken = record(graph, feed, wrt)
    return Steps(taken, verdicts(taken) if truth(check, "steps, check") else {})


class Steps:
    """A pass, written down. ``print`` shows it as text, a notebook the page, which ``save("lesson.html")`` writes.

    ``html`` is the page: one file that needs no network; buttons, arrow keys and a slider walk through it.
    ``record`` holds the arrays, ``verdicts`` says of each node of the backward pass whether it is right.
    """

    def __init__(self, record: Record, verdicts: Mapping[Node, Verdict]) -> None:
        self.record, self.verdicts = record, verdicts

    @cached_property
    def told(self) -> list[Told]:
        """The steps in words and numbers."""
        return told(self.record, self.verdicts)

    @property
    def wrong(self) -> list[Node]:
        """The nodes that hand on something wrong, and the leaves whose gradients are."""
        return [node for node, verdict in self.verdicts.items() if verdict.word == "wrong"]

    def __str__(self) -> str:
        return text(self.record, self.verdicts, self.told)

    @cached_property
    def html(self) -> str:
        """The page; raises PackageMissingError without the extra ``draw``."""
        return page(self.record, dict(self.verdicts), self.told)

    def save(self, path: str | Path) -> None:
        """Write the page as a ``.html`` file, or the text as a ``.txt`` file; raises SettingError."""
        file = path_ending_in(path, "steps, save", KINDS)
        found = f"{printable(str(self))}\n" if file.suffix.lower() == ".txt" else self.html
        write("steps, save", file, [found.encode()])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        frame = "width:100%;height:44rem;border:0"
        return {
            "text/html": f'<iframe srcdoc="{escape(self.html)}" style="{frame}" title="the steps of a pass"></iframe>',
            "text/plain": str(self),
        }
