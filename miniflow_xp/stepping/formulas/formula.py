"""What a formula is, and that of a node of which nothing but its docstring is known."""

from collections.abc import Sequence
from inspect import cleandoc
from typing import Any

import numpy as np

from miniflow_xp.drawing.summary import number
from miniflow_xp.node import Node
from miniflow_xp.ops.function import Function
from miniflow_xp.stepping.numbers import Place, compact, table

TERMS = 4
"""How many terms of a sum are written out."""


class Formula:
    """What a node computes. ``names``: those of its inputs, ``own``: its own; arrays are those of one pass."""

    def __init__(
        self, node: Node, names: Sequence[str], own: str, inputs: Sequence[np.ndarray], value: np.ndarray
    ) -> None:
        self.node, self.names, self.own, self.inputs, self.value = node, names, own, inputs, value
        self.gradient = np.ones_like(value)

    def holds(self) -> bool:
        """Is it what the node computed?"""
        return True

    def forward(self) -> str:
        """The right side, with names."""
        return self.node.spelled(self.names)

    def forward_at(self, place: Place) -> str:  # noqa: ARG002  for those that tell elements apart
        """The same for an element, with the numbers put in; empty where elements are not told apart."""
        return ""

    def backward(self, k: int) -> str:
        """What is handed on to input number k, with names."""
        return f"∂{self.own} · ∂{self.own}/∂{self.names[k]}"

    def backward_at(self, k: int, place: Place) -> str:  # noqa: ARG002  likewise
        """The same for an element, with the numbers put in; empty where it is not known."""
        return ""


class Described(Formula):
    """Any node: the formula that its docstring begins with, and the numbers put in as whole arrays."""

    def forward(self) -> str:
        words = docstring(self.node)
        return super().forward() + (f", where {self.node.kind} is {words}" if words else "")

    def whole(self) -> str:
        """The equation with the arrays put in; empty where they are large."""
        if any(table(x).more for x in (*self.inputs, self.value)):
            return ""
        return f"{self.own} = {self.node.spelled([compact(x) for x in self.inputs])} = {compact(self.value)}"


def docstring(node: Node) -> str:
    """The formula that the docstring of a node's class begins with; of ours it ends at a semicolon."""
    text = "" if isinstance(node, Function) else type(node).__dict__.get("__doc__") or ""
    return cleandoc(text).partition("\n")[0].partition(";")[0].removesuffix(".").replace("``", "")


def same(found: Any, value: np.ndarray) -> bool:
    """Are these the same numbers, but for rounding?"""
    found = np.asarray(found)
    tolerance = 1e-4 if value.dtype.itemsize <= 4 else 1e-9
    return found.shape == value.shape and bool(np.allclose(found, value, tolerance, tolerance, equal_nan=True))


def signed(x: object) -> str:
    """A number as it stands in a formula: a negative one in parentheses."""
    text = number(x)
    return f"({text})" if text.startswith("-") else text


def summed(terms: Sequence[str], count: int) -> str:
    """A sum of ``count`` terms, of which the first few are written out."""
    if count <= TERMS + 1:
        return " + ".join(terms[:count])
    return " + ".join(terms[:TERMS]) + f" + … {count - TERMS} more"
