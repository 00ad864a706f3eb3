"""Capture on PyTorch: a recorded step replayed through PyTorch's own functions, some equations joined into one.

Recording saves what portable code costs at every call: graph, checks, compatibility layer, repeated work.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any

import array_api_compat.torch as xp
import torch

from miniflow_xp.arrays.calls import leaves
from miniflow_xp.arrays.keys import has_backward_step
from miniflow_xp.arrays.operators import BY_OPERATOR, function_of
from miniflow_xp.backend import Array, Backend, Capture
from miniflow_xp.backends.torch.compiled import Compiled
from miniflow_xp.backends.torch.memory import Memory, dropped, has_dtype, planned
from miniflow_xp.recording.equations import Value
from miniflow_xp.recording.patterns import Equation, ending_in, is_number, joined, sigmoid
from miniflow_xp.recording.tape import record
from miniflow_xp.recording.walks import root
from miniflow_xp.system.locks import lock

Function = Callable[..., Any]

JOINED = ("sigmoid", "addmm")
FUSED = (*JOINED, "sigmoid_backward", "tanh_backward", "addcmul")
ELEMENTWISE = ("abs", "exp", "log", "sqrt", "square", "tanh", "where")  # the same names and meaning as in the standard


class TorchCapture(Capture):
    """The calls of a step on a list of tensors; a tensor is dropped, or on a CPU written over, after its last use.

    With ``mode``, one of those of ``torch.compile``, PyTorch compiles the calls as one.
    """

    def __init__(
        self,
        backend: Backend,
        function: Callable[..., Sequence[Array]],
        arrays: Sequence[Array],
        state: int,
        mode: str | None = None,
    ) -> None:
        self.backend = backend
        self._state = [a.clone() for a in arrays[:state]]
        self._turn = lock() if state else nullcontext()
        with torch.no_grad():
            values, results = record(function, backend.xp, arrays, as_it_lies)
        order = in_order(values, results)
        places = {value: n for n, value in enumerate(order)}
        self.equations = Counter(v.op for v in order if v.op not in ("argument", "constant"))
        self._fixed = [v.content for v in order]
        self._arguments = [places[v] for v in order if v.op == "argument"]
        self._results = [places[r] for r in results]
        self._copied = [is_shared(r, results) for r in results[state:]]
        on_cpu = backend.device == "cpu" and mode is None  # a GPU's allocator keeps memory, and so does a compiled step
        own = [v for v in values if v.op == "argument"][:state]
        memory = planned(order, results, own) if on_cpu else Memory({}, dropped(order, results), {})
        self._calls = list(calls(order, places, memory))
        self._fixed += [None] * len(memory.kept)
        self._arguments += memory.kept
        self._results += memory.kept.values()
        self._keeps = len(memory.kept)
        self._pool: list[list[Any]] = []
        self.how = f"recorded and replayed, {self._made(order)}"
        if mode is not None:
            self.how = f"recorded, {self._made(order)}, compiled as one by torch.compile's Inductor, mode {mode!r}"
            run = Compiled(self._replay, self._fixed, mode, backend.device, self._run, self._refused)
            self._run = run  # type: ignore[method-assign]  # the same function, compiled

    def _refused(self, error: Exception) -> None:
        """The compiler cannot follow a call that PyTorch itself makes."""
        self.how = f"recorded and replayed, because torch.compile refused it: {str(error).splitlines()[0]}"

    def _made(self, order: Sequence[Value]) -> str:
        fused = Counter(v.op for v in order if v.op in FUSED)
        among = f", among them fused {', '.join(f'{op} ({n})' for op, n in fused.items())}" if fused else ""
        return f"{len(self._calls)} PyTorch calls{among}"

    def __call__(self, *arrays: Array) -> Sequence[Array]:
        count = len(self._state)
        with torch.no_grad():
            with self._turn:
                try:
                    kept = self._pool.pop()
                except IndexError:  # the first step, or another thread is in one
                    kept = [None] * self._keeps
                results = self._run(*self._state, *arrays, *kept)
                kept = [results.pop() for _ in kept][::-1]
                self._state = results[:count]
                self._pool.append(kept)
            results = [r.clone() if copy else r for r, copy in zip(results[count:], self._copied, strict=True)]
        return results

    def _run(self, *arrays: Array) -> list[Array]:
        return self._replay(self._fixed.copy(), arrays)

    def _replay(self, tensors: list[Any], arrays: Sequence[Array]) -> list[Array]:
        """The results; ``tensors`` has the constants at their places."""
        for place, array in zip(self._arguments, arrays, strict=True):
            tensors[place] = array
        for function, inputs, over, target, emptied in self._calls:
            operands = [tensors[n] for n in inputs]
            tensors[target] = function(*operands) if over is None else function(*operands, out=tensors[over])
            for n in emptied:
                tensors[n] = None
        return [tensors[n] for n in self._results]

    def read(self, number: int) -> Array:
        with self._turn:
            return self._state[number].clone()

    def write(self, number: int, array: Array) -> None:
        with self._turn:
            self._state[number] = array.clone()


def is_shared(result: Value, results: Sequence[Value]) -> bool:
    """Does anything else hold the memory of this result, so that a copy must be returned?"""
    source = root(result)
    of_others = source.is_view or source.op in ("argument", "constant", "item")  # one of several may show an input
    return of_others or [root(r) for r in results].count(source) > 1


def in_order(values: Sequence[Value], results: Sequence[Value]) -> list[Value]:
    """The constants that are read, then the equations, with groups of them joined."""
    equations = joined(values, results, sigmoid, sigmoid_gradient, tanh_gradient, product_and_sum, less_product)
    read = dict.fromkeys([*results, *(p for value in equations for p in value.parents)])
    return [*(v for v in read if v.is_constant), *equations]


@ending_in("multiply")
def sigmoid_gradient(value: Value) -> Equation | None:
    """g σ (1 - σ)."""
    match value:
        case Value(
            op="multiply",
            inputs=(Value(op="multiply", inputs=(g, s)), Value(op="subtract", inputs=(one, s_too))),
        ) if s is s_too and s.op == "sigmoid" and is_number(one, 1) and alike(value, g, s):
            return "sigmoid_backward", (g, s)
    return None


@ending_in("multiply")
def tanh_gradient(value: Value) -> Equation | None:
    """g (1 - tanh²)."""
    match value:
        case Value(
            op="multiply", inputs=(g, Value(op="subtract", inputs=(one, Value(op="multiply", inputs=(s, s_too)))))
        ) if s is s_too and s.op == "tanh" and is_number(one, 1) and alike(value, g, s):
            return "tanh_backward", (g, s)
    return None


@ending_in("add")
def product_and_sum(value: Value) -> Equation | None:
    """A B + b, where b has the shape of one row of the result."""
    match value:
        case Value(op="add", inputs=(Value(op="matmul", inputs=(a, b)), row)):
            flat = len(a.shape) == len(b.shape) == 2 and value.shape == (a.shape[0], b.shape[1])
            flat = flat and row.shape == value.shape[1:]
            if flat and same_dtype(value, a, b, row):
                return "addmm", (row, a, b)
    return None


@ending_in("subtract")
def less_product(value: Value) -> Equation | None:
    """a - b c, as in an update step."""
    match value:
        case Value(op="subtract", inputs=(a, Value(op="multiply", inputs=(b, c)))):
            if same_dtype(value, a, b, c) and value.dtype.is_floating_point:
                return "addcmul", (a, b, c)
    return None


def alike(*values: Value) -> bool:
    """Do all have the same shape and dtype?"""
    return same_dtype(*values) and len({v.shape for v in values}) == 1


def same_dtype(*values: Value) -> bool:
    """Are all of them tensors, of one dtype?"""
    return all(has_dtype(v) for v in values) and len({v.dtype for v in values}) == 1


def calls(order: Sequence[Value], places: dict[Value, int], memory: Memory) -> Any:
    """(function, places of its inputs, place to write over, place of its result, places to empty) for each equation."""
    for value in order:
        if value.op in ("argument", "constant"):
            continue
        over = memory.writings.get(value)
        if over is None:
            function, inputs = native(value, places)
        else:
            function, inputs = over.function, [places[v] for v in over.inputs]
        yield function, inputs, None if over is None else over.place, places[value], memory.dropped.get(value, [])


def native(value: Value, places: dict[Value, int]) -> tuple[Function, list[int]]:
    """PyTorch's function for an equation, which takes tensors only, and the places of these."""
    tensors = [places[v] for v in value.parents]
    op, extra, keywords = value.op, value.inputs[1:], value.keywords
    if op == "sum" and set(keywords) <= {"axis", "keepdims"} and not extra and value.dtype.is_floating_point:
        dim, keep = keywords.get("axis"), bool(keywords.get("keepdims"))
        if dim is None and not keep:
            return torch.sum, tensors
        if dim not in (None, ()):
            return lambda x: torch.sum(x, dim=dim, keepdim=keep), tensors
    if op == "reshape" and not keywords:
        return lambda x: x.reshape(extra[0]), tensors
    if op == "getitem" and len(tensors) == 1 and not has_backward_step(extra[0]):
        return lambda x: x[extra[0]], tensors
    if op == "concat" and keywords in ({}, {"axis": 0}) and same_dtype(*value.parents):
        return lambda *xs: torch.cat(xs), tensors
    if op == "addcmul":
        return partial(torch.addcmul, value=-1), tensors
    if op in ("sigmoid_backward", "tanh_backward"):
        return getattr(torch.ops.aten, op).default, tensors
    if op == "matrix_transpose" and len(value.shape) == 2:
        return torch.t, tensors
    if op == "matmul" and same_dtype(*value.parents):
        return torch.mm if all(len(p.shape) == 2 for p in value.parents) else torch.matmul, tensors
    if op in BY_OPERATOR and op not in ("getitem", "matmul") and all(isinstance(i, Value) for i in value.inputs):
        return BY_OPERATOR[op], tensors
    plain = not keywords and same_dtype(*(p for p in value.parents if p.dtype != torch.bool))
    if op in JOINED or (op in ELEMENTWISE and plain and all(has_dtype(i) for i in value.inputs)):
        return getattr(torch, op), tensors
    return general(value), tensors


def general(value: Value) -> Function:
    """Any equation, through the compatibility layer."""
    function, keywords = function_of(value.op, xp), value.keywords
    if all(isinstance(i, Value) for i in value.inputs):
        return partial(function, **keywords) if keywords else function

    def call(*tensors: Array) -> Array:
        given = iter(tensors)
        return function(*value.inputs_with(lambda _: next(given)), **keywords)

    return call


def as_it_lies(array: Any, args: Sequence[Any]) -> tuple[Any, bool]:
    """An array as it is, and whether it shows the memory of an argument."""
    if not isinstance(array, torch.Tensor):
        return array, False
    memory = array.untyped_storage().data_ptr()
    shows = memory != 0 and any(traced.array.untyped_storage().data_ptr() == memory for traced in leaves(args))
    return array, shows
