"""The graph in a user's file: that of a lesson's script as it stands, or what a name in it stands for."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from miniflow_xp import Input, Node
from miniflow_xp.errors import BuilderError
from miniflow_xp.programs.user_file import mistakes_told, names_left_by

Found = tuple[Node | Sequence[Node], Mapping[Input, Any] | None]
"""A graph, and what it is fed; None where its nodes have their values."""

FORM = "the file keeps a sorted graph or a cost under a name, or has a function that returns (cost, feed)"


def load_graph(text: str) -> Found:
    """The graph of ``lesson.py``, which is run as a script, or of ``lesson.py:name``; raises BuilderError.

    Nodes without a name are called what the file calls them.
    """
    path, name = split(text)
    names = names_left_by(path, Path(path).stem if name else "__main__", partial(no_graph, text))
    for variable, value in names.items():
        if isinstance(value, Node) and value.name is None and not variable.startswith("_"):
            value.name = variable
    if name and name not in names:
        raise no_graph(text, f"{path} has no {name!r}", "Name what is there")
    return as_graph(text, names[name] if name else names[chosen(text, names)])


def split(text: str) -> tuple[str, str]:
    """File and name; the name may be missing. A file whose own name has a colon is one."""
    path, _, name = text.rpartition(":")
    if not path or Path(text).is_file() or not name.isidentifier():
        return text, ""
    return path, name


def chosen(text: str, names: Mapping[str, Any]) -> str:
    """The name of the graph: ``graph``, the only list that is one, the only last node, or ``build``."""
    graphs = [name for name, value in names.items() if is_graph(value)]
    if "graph" in graphs:
        return "graph"
    nodes = {name: value for name, value in names.items() if isinstance(value, Node) and value.inbound_nodes}
    last = {id(node): name for name, node in nodes.items() if not node.outbound_nodes}
    for found in (graphs, list(last.values()), [name for name in ("build",) if callable(names.get(name))]):
        if len(found) == 1:
            return found[0]
        if found:
            raise no_graph(text, f"it has several: {', '.join(found)}", f"Say which: {text}:{found[-1]}")
    raise no_graph(
        text, "no name in it stands for one", "Keep it: graph = topological_sort(feed_dict), not in a function"
    )


def is_graph(value: Any) -> bool:
    """Is this a sorted list of nodes? One of leaves alone, such as those that are trained, is none."""
    is_list = isinstance(value, list) and bool(value) and all(isinstance(node, Node) for node in value)
    return is_list and any(node.inbound_nodes for node in value)


def as_graph(text: str, value: Any) -> Found:
    """What a name stands for: a graph, a cost, or a function that returns one, alone or with its feed."""
    if isinstance(value, Node) or is_graph(value):
        return value, None
    if callable(value):
        return returned(text, value)
    raise no_graph(text, f"it is a {type(value).__name__}", "Name a sorted graph, a cost, or a function")


def returned(text: str, build: Callable[..., Any]) -> Found:
    """What a function returns."""
    with mistakes_told(partial(no_graph, text), "called, it"):
        found = build()
    if isinstance(found, Node) or is_graph(found):
        return found, None
    if isinstance(found, tuple) and len(found) in (2, 3) and (isinstance(found[0], Node) or is_graph(found[0])):
        return found[0], found[1]
    raise no_graph(text, f"called, it returns a {type(found).__name__}", "Let it return (cost, feed)")


def no_graph(text: str, got: str, remedy: str) -> BuilderError:
    """The error for a file in which no graph is found."""
    return BuilderError(f"lesson {text!r}", got, FORM, remedy)
