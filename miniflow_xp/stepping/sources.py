"""The source of what a node runs: its ``compute`` and ``vjp``, or a learner's ``forward`` and ``backward``."""

from inspect import getsource
from textwrap import dedent
from typing import Any

from miniflow_xp.arrays.tables import RULES
from miniflow_xp.node import Input, Node
from miniflow_xp.ops.function import Call, Function
from miniflow_xp.ops.losses import Loss


def forward_source(node: Node) -> str:
    """What computes its value; empty for a leaf."""
    kind: Any = type(node)
    if overrides(kind, "forward"):
        return source(kind.forward)
    if isinstance(node, Function):
        return f"xp.{node.op}"
    if isinstance(node, Call):
        return source(getattr(kind, "function", kind.compute))
    if isinstance(node, Loss) and kind.compute is Loss.compute:
        return source(kind.terms) + "\n\n" + source(kind.compute)
    return source(kind.compute)


def backward_source(node: Node) -> str:
    """What hands its gradient on; empty where that is found through what ``compute`` calls."""
    kind = type(node)
    if isinstance(node, Input):
        return source(kind.backward)
    if overrides(kind, "backward"):
        return source(kind.backward)
    if isinstance(node, Call) or not overrides(kind, "vjp"):
        return ""
    return source(kind.vjp)


def no_source_told(node: Node) -> str:
    """What to say of a node without a source of its own for the backward pass."""
    if isinstance(node, Function) and node.op in RULES:
        return f"The rule of {node.op} stands in miniflow_xp/rules."
    return "It has no vjp of its own: the gradient is that of the functions that it calls."


def overrides(kind: type[Node], name: str) -> bool:
    """Has a class of nodes a function of this name of its own, or from a class other than Node?"""
    return getattr(kind, name) is not getattr(Node, name)


def source(function: Any) -> str:
    """The text of a function, as far as its file, or cell, is known."""
    try:
        return dedent(getsource(function)).rstrip()
    except (OSError, TypeError):
        return f"# the source of {getattr(function, '__qualname__', 'this')} is not known: it was typed at a prompt"
