"""Functions that are operators in Python, and how any function is found by name."""

import operator
from collections.abc import Callable
from functools import partial
from typing import Any

from miniflow_xp.arrays.keys import forward, has_backward_step
from miniflow_xp.arrays.libraries import name_of_library
from miniflow_xp.arrays.tables import NATIVE

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
BY_OPERATOR: dict[str, Callable[..., Any]] = {
    **BINARY,
    **COMPARISONS,
    **UNARY,
    "getitem": operator.getitem,
    "item": operator.getitem,  # one of several results
}


def function_of(op: str, xp: Any) -> Callable[..., Any]:
    """What computes ``op`` on arrays of the library ``xp``: an operator, a native form, its function of this name."""
    found = BY_OPERATOR.get(op)
    if op == "getitem" and name_of_library(xp) == "torch":
        found = torch_getitem
    if found is None and op in NATIVE:
        found = partial(NATIVE[op], xp)
    if found is None:
        found = xp
        for part in op.split("."):
            found = getattr(found, part)
    return found


def torch_getitem(x: Any, key: Any) -> Any:
    """``x[key]``, also with slices that go from the end to the front, which PyTorch lacks."""
    if not has_backward_step(key):
        return x[key]
    key, axes = forward(key, tuple(x.shape))
    return x.flip(axes)[key]
