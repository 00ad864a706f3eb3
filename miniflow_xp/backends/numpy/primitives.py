"""How NumPy computes an equation: its kind, and whose memory its result lies in."""

import math
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np

from miniflow_xp.arrays.calls import leaves
from miniflow_xp.arrays.tables import NATIVE
from miniflow_xp.broadcasting import broadcast
from miniflow_xp.recording import walks
from miniflow_xp.recording.equations import Value, is_constant
from miniflow_xp.recording.patterns import Equation, ending_in, is_number, sigmoid

ORDERLY = ("reshape", "expand_dims", "squeeze")  # views whose elements come in the order of their base
COPIED = ("permute_dims", "broadcast_to")  # views that are copied all the same: products are slow on such strides
POWERS = {-1: "reciprocal", 0.5: "sqrt", 1: "positive", 2: "square"}
UPDATES = ("setitem", "add_at")
REDUCTIONS = {"sum": np.add, "max": np.maximum, "min": np.minimum, "prod": np.multiply}


def kind(value: Value) -> str:
    """One of argument, constant, product, reduction, where, sigmoid, view, concat, ufunc, update, several, item, call.

    ``several``: a call whose results the equations ``item`` take; it has no memory in the plan itself.
    """
    if value.kind is None:
        value.kind = found_kind(value)
    return value.kind


def found_kind(value: Value) -> str:
    """What ``kind`` keeps on the value."""
    if value.op in ("argument", "constant", "where", "sigmoid", "item"):
        return value.op
    if value.is_several:
        return "several"
    if value.op in UPDATES:
        return "update"
    if value.op == "matmul":
        return "product"
    if value.op in REDUCTIONS and len(value.inputs) == 1 and set(value.keywords) <= {"axis", "keepdims"}:
        return "reduction"
    at_known_places = len(value.parents) == 1  # an index may hold arrays
    if value.is_view and walks.may_show(value) and at_known_places and value.op not in COPIED:
        return "view"
    if value.op == "concat" and isinstance(value.inputs[0], (list, tuple)) and value.keywords in ({}, {"axis": 0}):
        return "concat"
    return "ufunc" if ufunc(value.op) and not value.keywords else "call"


@cache
def ufunc(op: str) -> np.ufunc | None:
    """NumPy's elementwise function for an operation, if it is one."""
    found = getattr(np, op, None)
    return found if isinstance(found, np.ufunc) and found.signature is None and found.nout == 1 else None


def root(value: Value) -> Value:
    """The value whose memory this one shows: itself, unless it is a view."""
    return walks.root(value, lambda v: kind(v) == "view")


def shows_all(value: Value) -> bool:
    """Does a view show all elements of its root, in their order?"""
    return kind(walks.root(value, lambda v: kind(v) == "view" and v.op in ORDERLY)) != "view"


def in_c_order(array: Any, args: Sequence[Any]) -> tuple[Any, bool]:
    """An array in the memory layout of its buffer, and whether it is a view of an argument, which it then remains."""
    if not isinstance(array, np.ndarray):
        return array, False
    if array.base is not None and any(np.may_share_memory(array, traced.array) for traced in leaves(args)):
        return array, True
    return array if array.flags.c_contiguous else array.copy(order="C"), False


def size(value: Value) -> int:
    """Number of elements."""
    return math.prod(value.shape)


def axes(value: Value) -> tuple[int, ...]:
    """The axes that a reduction sums over, counted from 0."""
    axis, ndim = value.keywords.get("axis"), len(value.inputs[0].shape)
    given = range(ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    return tuple(a % ndim for a in given)


@ending_in("divide")
def native_sigmoid(value: Value) -> Equation | None:
    """A sigmoid, where it is worth one call: masked copies, which `where` needs, are slow in NumPy."""
    found = sigmoid(value)
    return found if found is not None and str(value.dtype) in ("float32", "float64") else None


@ending_in("pow")
def native_power(value: Value) -> Equation | None:
    """A power that NumPy's operator ``**`` computes by another function, which is many times as quick."""
    match value:
        case Value(op="pow", inputs=(x, exponent)) if exponent.is_number and x.dtype == value.dtype:
            op = POWERS.get(exponent.content)
            return (op, (x,)) if op is not None and np.issubdtype(x.dtype, np.inexact) else None
    return None


@ending_in("tril", "triu")
def native_triangle(value: Value) -> Equation | None:
    """A triangle of a matrix as a choice by a mask, which is made once: NumPy makes one at each call."""
    if not np.issubdtype(value.dtype, np.inexact):
        return None
    k = value.keywords.get("k", value.inputs[1].content if len(value.inputs) > 1 else 0)
    inside = getattr(np, value.op)(np.ones(value.shape[-2:], bool), k)
    outside, zero = [Value("constant", (), {}, content) for content in (~inside, 0)]
    return "where", (outside, zero, value.inputs[0])


@ending_in("linalg.solve")
def native_factor(value: Value) -> Equation | None:
    """A system of equations of a Cholesky factor by substitution: the standard has no function that says so.

    One system, where SciPy solves it: NumPy factorises the triangle anew.
    """
    if not by_substitution():
        return None
    (a, b), turned = value.inputs, False
    if a.dtype != b.dtype or len(a.shape) != 2 or len(b.shape) > 2:
        return None
    while a.op in ("matrix_transpose", "conj"):
        a, turned = a.inputs[0], turned != (a.op == "matrix_transpose")
    if a.op != "linalg.cholesky":
        return None
    lower = bool(a.keywords.get("upper", False)) == turned
    return "linalg.solve_triangular", value.inputs, {"lower": lower}


@cache
def by_substitution() -> bool:
    """Can triangular systems be solved in n² operations?"""
    return find_spec("scipy") is not None and "linalg.solve_triangular" in NATIVE


def with_small_constants(values: Sequence[Value], results: Sequence[Value]) -> tuple[list[Value], list[Value]]:
    """The same equations and results, with less to read.

    An array that holds one number everywhere, as the gradient of a sum does, stands as that number among operands that
    have the shape of the result. A product with 1 is what it multiplies.
    """
    same: dict[Value, Value] = {}
    small = cache(as_small)
    for value in values:
        if not same.keys().isdisjoint(value.parents):
            value.become(value.op, tuple(value.inputs_with(lambda v: same.get(v, v))), value.keywords)
        if not any(map(is_constant, value.parents)):
            continue
        if value.keywords or value.is_several or not (value.op == "where" or ufunc(value.op)):
            continue
        inputs = tuple([small(i) if i.is_constant else i for i in value.inputs])
        if inputs != value.inputs and broadcast(*(i.shape for i in inputs)) == value.shape:
            value.become(value.op, inputs)
        if value.op == "multiply":
            a, b = value.inputs
            factor = b if is_number(a, 1) else a if is_number(b, 1) else value
            if factor is not value and (factor.shape, factor.dtype) == (value.shape, value.dtype):
                same[value] = factor
    return [v for v in values if v not in same], [same.get(r, r) for r in results]


def as_small(value: Value) -> Value:
    """A constant of one number everywhere as an array without axes; any other value as it is."""
    if not value.is_constant or value.shape == () or size(value) == 0:
        return value
    first = value.content[(0,) * len(value.shape)]
    return Value("constant", (), {}, np.asarray(first)) if (value.content == first).all() else value


def without_means(values: list[Value]) -> list[Value]:
    """The same equations with each mean as a sum and a division, so that sums over parts of a batch can be added."""
    result = []
    for value in values:
        exact = value.op == "mean" and str(value.dtype) in ("float32", "float64")  # NumPy sums float16 in float32
        if exact and value.dtype == value.inputs[0].dtype and set(value.keywords) <= {"axis", "keepdims"}:
            total = Value("sum", value.inputs, value.keywords, value)
            number = size(value.inputs[0]) // max(1, size(value))
            value.become("divide", (total, Value("constant", (), {}, float(number))))
            result.append(total)
        result.append(value)
    return result
