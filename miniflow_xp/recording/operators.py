"""Functions of the standard that are operators in Python, and how any function is found by name."""

import operator
from collections.abc import Callable
from typing import Any

BINARY: dict[str, Callable[..., Any]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "floor_divide": operator.floordiv,
    "remainder": operator.mod,
    "pow": operator.pow,
    "bitwise_and": operator.and_,
    "bitwise_or": operator.or_,
    "bitwise_xor": operator.xor,
    "bitwise_left_shift": operator.lshift,
    "bitwise_right_shift": operator.rshift,
}
COMPARISONS: dict[str, Callable[..., Any]] = {
    "equal": operator.eq,
    "not_equal": operator.ne,
    "less": operator.lt,
    "less_equal": operator.le,
    "greater": operator.gt,
    "greater_equal": operator.ge,
}
UNARY: dict[str, Callable[..., Any]] = {
    "negative": operator.neg,
    "positive": operator.pos,
    "abs": operator.abs,
    "bitwise_invert": operator.invert,
}
BY_OPERATOR: dict[str, Callable[..., Any]] = {**BINARY, **COMPARISONS, **UNARY, "getitem": operator.getitem}


def function_of(op: str, xp: Any) -> Callable[..., Any]:
    """What computes ``op``: an operator, or the function of ``xp`` that has this name."""
    return BY_OPERATOR.get(op) or getattr(xp, op)
