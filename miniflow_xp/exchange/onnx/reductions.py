"""Sums, means, extremes and their relatives along axes, as nodes of ONNX."""

from collections.abc import Sequence
from math import inf, nan, prod
from typing import Any

from miniflow_xp.exchange.onnx.merging import Step
from miniflow_xp.exchange.onnx.sizes import Number, Size
from miniflow_xp.exchange.onnx.table import NoForm, converts
from miniflow_xp.exchange.onnx.writer import Axis, Writer, axes_of, dtype_of, shape_of

REDUCE = {"prod": "ReduceProd", "sum": "ReduceSum"}
EXTREMES = {"max": "ReduceMax", "min": "ReduceMin"}
TRUTH = {"all": "ReduceMin", "any": "ReduceMax"}


def reduced(w: Writer, kind: str, tensor: str, axis: Axis, ndim: int, keepdims: bool) -> str:
    """A tensor reduced along axes."""
    axes = axes_of(axis, ndim)
    return w.node(kind, tensor, w.integers(*axes), keepdims=int(keepdims), noop_with_empty_axes=1) if axes else tensor


@converts(*REDUCE)
def _reduction(w: Writer, step: Step, x: Any, axis: Axis = None, dtype: Any = None, keepdims: bool = False) -> str:
    return reduced(w, REDUCE[step.op], w.array(x, step.dtype), axis, len(shape_of(x)), keepdims)


@converts(*EXTREMES)
def _extreme(w: Writer, step: Step, x: Any, axis: Axis = None, keepdims: bool = False) -> str:
    """NaN where there is one, which ONNX leaves open."""
    tensor, ndim = w.array(x, step.dtype), len(shape_of(x))
    found = reduced(w, EXTREMES[step.op], tensor, axis, ndim, keepdims)
    if step.dtype.kind != "f":
        return found
    marks = reduced(w, "ReduceMax", w.cast(w.node("IsNaN", tensor), "int32"), axis, ndim, keepdims)
    return w.node("Where", w.cast(marks, bool), w.constant(nan, step.dtype), found)


@converts("mean")
def _mean(w: Writer, step: Step, x: Any, axis: Axis = None, keepdims: bool = False) -> str:
    return reduced(w, "ReduceMean", w.array(x, step.dtype), axis, len(shape_of(x)), keepdims)


@converts(*TRUTH)
def _truth(w: Writer, step: Step, x: Any, axis: Axis = None, keepdims: bool = False) -> str:
    found = w.cast(w.array(x, bool), "int32")
    return w.cast(reduced(w, TRUTH[step.op], found, axis, len(shape_of(x)), keepdims), bool)


@converts("count_nonzero")
def _count_nonzero(w: Writer, step: Step, x: Any, axis: Axis = None, keepdims: bool = False) -> str:
    return reduced(w, "ReduceSum", w.cast(w.array(x, bool), step.dtype), axis, len(shape_of(x)), keepdims)


@converts("var", "std")
def _spread(w: Writer, step: Step, x: Any, axis: Axis = None, correction: float = 0.0, keepdims: bool = False) -> str:
    """Σ (x - mean)² / (n - correction), and its root."""
    tensor, shape = w.array(x, step.dtype), shape_of(x)
    apart = w.node("Sub", tensor, reduced(w, "ReduceMean", tensor, axis, len(shape), True))
    total = reduced(w, "ReduceSum", w.node("Mul", apart, apart), axis, len(shape), keepdims)
    number = count(w, [shape[n] for n in axes_of(axis, len(shape))], step.dtype)
    found = w.node("Div", total, w.node("Sub", number, w.constant(correction, step.dtype)))
    return found if step.op == "var" else w.node("Sqrt", found)


def count(w: Writer, sizes: Sequence[Number], dtype: Any) -> str:
    """How many elements there are on axes of these sizes, as a tensor without axes."""
    fixed = prod(s for s in sizes if not isinstance(s, Size))
    found = w.constant(fixed, dtype)
    for size in sizes:
        if isinstance(size, Size):
            found = w.node("Mul", found, w.cast(w.scalar(w.size(size)), dtype))
    return found


@converts("argmax", "argmin")
def _place(w: Writer, step: Step, x: Any, axis: int | None = None, keepdims: bool = False) -> str:
    """The first of the largest; the first NaN, where there is one."""
    tensor, ndim, kind = w.array(x), len(shape_of(x)), dtype_of(x).kind
    if kind != "f":
        tensor = w.cast(tensor, "int64" if kind == "i" else "int32")
    if axis is None:
        if keepdims and ndim > 1:
            raise NoForm(f"{step.op} over all axes with keepdims")
        tensor = w.node("Reshape", tensor, w.integers(-1))
    options = {"axis": 0 if axis is None else int(axis), "keepdims": int(keepdims and axis is not None)}
    found = w.node("ArgMax" if step.op == "argmax" else "ArgMin", tensor, **options)
    if kind == "f":
        marks = w.cast(w.node("IsNaN", tensor), "int32")
        marked = w.node("ReduceMax", marks, w.integers(options["axis"]), keepdims=options["keepdims"])
        found = w.node("Where", w.cast(marked, bool), w.node("ArgMax", marks, **options), found)
    return found if step.dtype == "int64" else w.cast(found, step.dtype)


@converts("cumulative_sum")
def _cumulative_sum(
    w: Writer, step: Step, x: Any, axis: int | None = None, dtype: Any = None, include_initial: bool = False
) -> str:
    along = 0 if axis is None else int(axis) % len(step.shape)
    found = w.node("CumSum", w.array(x, step.dtype), w.constant(along, "int64"))
    if not include_initial:
        return found
    shape = [1 if n == along else s for n, s in enumerate(shape_of(x))]
    first = w.node("Expand", w.constant(0, step.dtype), w.sizes(shape))
    return w.node("Concat", first, found, axis=along)


@converts("special.logsumexp")
def _logsumexp(w: Writer, step: Step, x: Any, axis: Axis = None, b: Any = None, keepdims: bool = False) -> str:
    """m + log Σ e^(x - m), with m the largest, or 0 where that is infinite."""
    if b is not None:
        raise NoForm("special.logsumexp with weights")
    tensor, ndim = w.array(x, step.dtype), len(shape_of(x))
    most = finite(w, reduced(w, "ReduceMax", tensor, axis, ndim, True), step.dtype)
    total = reduced(w, "ReduceSum", w.node("Exp", w.node("Sub", tensor, most)), axis, ndim, True)
    found = w.node("Add", most, w.node("Log", total))
    if keepdims:
        return found
    return w.node("Squeeze", found, w.integers(*axes_of(axis, ndim))) if ndim else found


def finite(w: Writer, tensor: str, dtype: Any) -> str:
    """A tensor with 0 where it is infinite."""
    return w.node("Where", w.is_infinite(tensor, dtype), w.constant(0, dtype), tensor)


@converts("special.softmax", "special.log_softmax")
def _softmax(w: Writer, step: Step, x: Any, axis: Axis = None) -> str:
    """x - m - log Σ e^(x - m), and its exponential; m as in logsumexp."""
    tensor, ndim = w.array(x, step.dtype), len(shape_of(x))
    apart = w.node("Sub", tensor, finite(w, reduced(w, "ReduceMax", tensor, axis, ndim, True), step.dtype))
    e = w.node("Exp", apart)
    total = reduced(w, "ReduceSum", e, axis, ndim, True)
    return w.node("Div", e, total) if step.op == "special.softmax" else w.node("Sub", apart, w.node("Log", total))


@converts("linalg.vector_norm")
def _vector_norm(w: Writer, step: Step, x: Any, axis: Axis = None, keepdims: bool = False, ord: Any = 2) -> str:  # noqa: A002
    kinds = {1: "ReduceL1", 2: "ReduceL2", inf: "ReduceMax", -inf: "ReduceMin"}
    if ord not in kinds:
        raise NoForm(f"linalg.vector_norm with ord={ord}")
    tensor = w.array(x, step.dtype)
    tensor = w.node("Abs", tensor) if abs(ord) == inf else tensor
    return reduced(w, kinds[ord], tensor, axis, len(shape_of(x)), keepdims)
