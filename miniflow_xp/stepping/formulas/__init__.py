"""A node's formula, with names and with the numbers put in; forward, and of the gradient that it hands on.

Which formula a node has, its class says, or one with the same name: a learner's own ``Sigmoid`` has that of ours where
its value is what the formula gives. Others have the first line of their docstring.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from miniflow_xp.node import Node
from miniflow_xp.ops.function import Function
from miniflow_xp.stepping.formulas.elementwise import of_class, of_function
from miniflow_xp.stepping.formulas.formula import Described, Formula
from miniflow_xp.stepping.formulas.products import Product
from miniflow_xp.stepping.formulas.sums import CrossEntropy, MeanSquare, Softmax, Total

__all__ = ["Described", "Formula", "formula_of"]

NODES: dict[str, type[Formula]] = {
    "Linear": Product,
    "MatMul": Product,
    "MSE": MeanSquare,
    "Softmax": Softmax,
    "CrossEntropy": CrossEntropy,
}
FUNCTIONS: dict[str, type[Formula]] = {"matmul": Product, "sum": Total, "mean": Total}
"""By the name of a class, and of a function of the Array API."""


def formula_of(node: Node, names: Sequence[str], own: str, inputs: Sequence[np.ndarray], value: np.ndarray) -> Formula:
    """The formula of a node that computed ``value`` from ``inputs``."""
    given = node, names, own, inputs, value
    return next((found for found in candidates(given) if found is not None and agrees(found)), Described(*given))


def candidates(given: tuple[Any, ...]) -> "list[Formula | None]":
    """The formulas that a node may have."""
    node = given[0]
    if isinstance(node, Function):
        return [FUNCTIONS[node.op](*given) if node.op in FUNCTIONS else of_function(given)]
    names = [kind.__name__ for kind in type(node).__mro__]
    return [NODES[name](*given) if name in NODES else of_class(name, given) for name in names]


def agrees(formula: Formula) -> bool:
    """Does a formula hold? One that cannot be computed for these inputs does not."""
    try:
        with np.errstate(all="ignore"):
            return formula.holds()
    except Exception:  # a learner's class of this name may take anything
        return False
