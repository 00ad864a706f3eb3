"""Capture on PyTorch: a recorded step replayed through PyTorch's own functions, some equations joined into one.

Recording takes away what the portable code costs at every call: graph, checks, compatibility layer, repeated work.
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch

from miniflow_xp.backend import Array, Backend, Capture
from miniflow_xp.trace import BY_OPERATOR, Value, record

Function = Callable[..., Any]

JOINED = ("sigmoid", "addmm")
ELEMENTWISE = ("abs", "exp", "log", "sqrt", "square", "tanh", "where")  # the same names and meaning as in the standard


class TorchReplay(Capture):
    """The calls of a step on a list of tensors; a tensor is dropped, or written over, after its last use."""

    def __init__(
        self, backend: Backend, function: Callable[..., Sequence[Array]], arrays: Sequence[Array], state: int
    ) -> None:
        super().__init__(backend, function, arrays, state)
        with torch.no_grad():
            values, results = record(function, backend.xp, arrays)
        joined = join(values, results)
        places = {value: n for n, value in enumerate(joined.order)}
        self._fixed = [None if v.op != "constant" else v.sample for v in joined.order]
        self._arguments = [places[v] for v in joined.order if v.op == "argument"]
        self._results = [places[r] for r in joined.results]
        self._calls = list(calls(joined, places))
        self.how = f"recorded and replayed, {len(self._calls)} PyTorch calls"

    def __call__(self, *arrays: Array) -> Sequence[Array]:
        with torch.no_grad():
            tensors = self._fixed.copy()
            for place, array in zip(self._arguments, (*self._state, *arrays), strict=True):
                tensors[place] = array
            for function, inputs, target, dropped in self._calls:
                tensors[target] = function(*[tensors[n] for n in inputs])
                for n in dropped:
                    tensors[n] = None
        results = [tensors[n] for n in self._results]
        count = len(self._state)
        self._state = results[:count]
        return results[count:]


class Joined:
    """Recorded equations after joining: in order, constants included, without those that nothing reads any more."""

    def __init__(self, values: Sequence[Value], results: Sequence[Value]) -> None:
        self.results = list(results)
        self.last: dict[Value, Value | None] = dict.fromkeys(results)
        used: list[Value] = []
        for value in reversed(values):
            if value in self.last or value.op == "argument":
                used.append(value)
                for parent in value.parents():
                    self.last.setdefault(parent, value)
        self.order = [v for v in self.last if v.is_constant] + used[::-1]


def join(values: Sequence[Value], results: Sequence[Value]) -> Joined:
    """Replace groups of equations by the one PyTorch function that computes them."""
    for value in values:
        for pattern in (sigmoid, sigmoid_gradient, tanh_gradient, product_and_sum):
            found = pattern(value)
            if found is not None:
                value.op, value.inputs = found
                value.keywords = {}
                break
    return Joined(values, results)


def sigmoid(value: Value) -> tuple[str, tuple[Value, ...]] | None:
    """where(x ≥ 0, 1, e) / (1 + e) with e = exp(-|x|)."""
    match value:
        case Value(op="divide", inputs=(Value(op="where", inputs=(sign, one, e)), Value(op="add", inputs=(_, f)))):
            exact = e is f and e.op == "exp" and e.inputs[0].op == "negative" and e.inputs[0].inputs[0].op == "abs"
            x = e.inputs[0].inputs[0].inputs[0] if exact else None
            if x is not None and sign.op == "greater_equal" and sign.inputs[0] is x and is_number(one, 1):
                return "sigmoid", (x,)
    return None


def sigmoid_gradient(value: Value) -> tuple[str, tuple[Value, ...]] | None:
    """g σ (1 - σ)."""
    match value:
        case Value(
            op="multiply",
            inputs=(Value(op="multiply", inputs=(g, s)), Value(op="subtract", inputs=(one, t))),
        ) if s is t and s.op == "sigmoid" and is_number(one, 1) and g.shape == s.shape:
            return "sigmoid_backward", (g, s)
    return None


def tanh_gradient(value: Value) -> tuple[str, tuple[Value, ...]] | None:
    """g (1 - tanh²)."""
    match value:
        case Value(op="multiply", inputs=(g, Value(op="subtract", inputs=(one, Value(op="multiply", inputs=(s, t)))))):
            if s is t and s.op == "tanh" and is_number(one, 1) and g.shape == s.shape:
                return "tanh_backward", (g, s)
    return None


def product_and_sum(value: Value) -> tuple[str, tuple[Value, ...]] | None:
    """A B + b, with b one row."""
    match value:
        case Value(op="add", inputs=(Value(op="matmul", inputs=(a, b)), row)):
            if len(a.shape) == len(b.shape) == 2 and len(row.shape) == 1 and a.dtype == b.dtype == row.dtype:
                return "addmm", (row, a, b)
    return None


def is_number(value: Value, number: float) -> bool:
    """Is this the constant ``number``?"""
    return value.is_constant and value.shape == () and float(value.sample) == number


def calls(joined: Joined, places: dict[Value, int]) -> Any:
    """(function, places of its inputs, place of its result, places to drop) for each equation."""
    for value in joined.order:
        if value.op in ("argument", "constant"):
            continue
        parents = list(dict.fromkeys(value.parents()))
        dropped = [places[p] for p in parents if joined.last[p] is value and not p.is_constant]
        yield *native(value, places), places[value], dropped


def native(value: Value, places: dict[Value, int]) -> tuple[Function, list[int]]:
    """PyTorch's function for an equation, of tensors only, and where these lie."""
    tensors = [places[v] for v in value.parents()]
    op, extra, keywords = value.op, value.inputs[1:], value.keywords
    if op == "sum" and set(keywords) <= {"axis", "keepdims"}:
        dim, keep = keywords.get("axis"), bool(keywords.get("keepdims"))
        return (torch.sum if dim is None and not keep else lambda x: torch.sum(x, dim=dim, keepdim=keep)), tensors
    if op == "reshape":
        return lambda x: x.reshape(extra[0]), tensors
    if op == "getitem":
        return lambda x: x[extra[0]], tensors
    if op == "concat" and keywords in ({}, {"axis": 0}):
        return lambda *xs: torch.cat(xs), tensors
    if op in ("sigmoid_backward", "tanh_backward"):
        return getattr(torch.ops.aten, op).default, tensors
    if op == "matrix_transpose" and len(value.shape) == 2:
        return torch.t, tensors
    if op == "matmul":
        return torch.mm if all(len(p.shape) == 2 for p in value.parents()) else torch.matmul, tensors
    if op in BY_OPERATOR:
        return BY_OPERATOR[op], tensors
    if op in JOINED or (op in ELEMENTWISE and not keywords and all(has_dtype(i) for i in value.inputs)):
        return getattr(torch, op), tensors
    return lambda *xs: general(value, xs), tensors


def has_dtype(item: Any) -> bool:
    """Is this a tensor, and no Python number or other argument?"""
    return isinstance(item, Value) and hasattr(item.sample, "dtype")


def general(value: Value, tensors: Sequence[Array]) -> Array:
    """Any equation, through the compatibility layer."""
    import array_api_compat.torch as xp

    given = iter(tensors)

    def resolve(item: Any) -> Any:
        if isinstance(item, Value):
            return next(given)
        return [resolve(i) for i in item] if isinstance(item, list) else item

    function = BY_OPERATOR.get(value.op) or getattr(xp, value.op)
    return function(*[resolve(i) for i in value.inputs], **value.keywords)
