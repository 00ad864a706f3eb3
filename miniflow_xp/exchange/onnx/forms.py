"""Functions that move, join and repeat elements, and products, as nodes of ONNX."""

from collections.abc import Sequence
from string import ascii_letters
from typing import Any

from miniflow_xp.arrays.subscripts import parsed
from miniflow_xp.exchange.onnx.merging import Step
from miniflow_xp.exchange.onnx.sizes import Size
from miniflow_xp.exchange.onnx.table import NoForm, converts
from miniflow_xp.exchange.onnx.writer import END, FRONT, Axis, Writer, axes_of, dtype_of, shape_of


@converts("reshape")
def _reshape(w: Writer, step: Step, x: Any, *_: Any, **__: Any) -> str:
    return reshaped(w, w.array(x), step.shape)


def reshaped(w: Writer, tensor: str, shape: Sequence[Any]) -> str:
    """A tensor in another shape."""
    return w.node("Reshape", tensor, w.sizes(shape), allowzero=1)


@converts("expand_dims", "squeeze")
def _same_elements(w: Writer, step: Step, x: Any, *_: Any, **__: Any) -> str:
    return reshaped(w, w.array(x), step.shape)


@converts("permute_dims")
def _permute_dims(w: Writer, step: Step, x: Any, axes: Sequence[int]) -> str:
    return transposed(w, w.array(x), axes_of(axes, len(axes)))


@converts("matrix_transpose")
def _matrix_transpose(w: Writer, step: Step, x: Any) -> str:
    order = list(range(len(step.shape)))
    return transposed(w, w.array(x), [*order[:-2], order[-1], order[-2]])


@converts("moveaxis")
def _moveaxis(w: Writer, step: Step, x: Any, source: Any, destination: Any) -> str:
    ndim = len(step.shape)
    moved, places = (axes_of(axes, ndim) for axes in (source, destination))
    order = [n for n in range(ndim) if n not in moved]
    for to, axis in sorted(zip(places, moved, strict=True)):
        order.insert(to, axis)
    return transposed(w, w.array(x), order)


def transposed(w: Writer, tensor: str, order: Sequence[int]) -> str:
    """A tensor with its axes in another order."""
    return w.node("Transpose", tensor, perm=list(order))


@converts("broadcast_to")
def _broadcast_to(w: Writer, step: Step, x: Any, *_: Any, **__: Any) -> str:
    return w.node("Expand", w.array(x), w.sizes(step.shape))


@converts("concat")
def _concat(w: Writer, step: Step, arrays: Any, axis: int | None = 0) -> str:
    tensors = [w.array(x, step.dtype) for x in several(step, arrays)]
    if axis is None:
        tensors = [w.node("Reshape", t, w.integers(-1)) for t in tensors]
    return w.node("Concat", *tensors, axis=0 if axis is None else int(axis))


@converts("stack")
def _stack(w: Writer, step: Step, arrays: Any, axis: int = 0) -> str:
    along = int(axis) % len(step.shape)
    tensors = [w.node("Unsqueeze", w.array(x, step.dtype), w.integers(along)) for x in several(step, arrays)]
    return w.node("Concat", *tensors, axis=along)


def several(step: Step, arrays: Any) -> Sequence[Any]:
    """The arrays of a list."""
    if not isinstance(arrays, (list, tuple)):
        raise NoForm(f"{step.op} of one array, for a list of its rows")
    return arrays


@converts("flip")
def _flip(w: Writer, step: Step, x: Any, axis: Axis = None) -> str:
    axes = axes_of(axis, len(step.shape))
    if not axes:
        return w.array(x)
    ends = [w.integers(*[n] * len(axes)) for n in (-1, FRONT, -1)]
    return w.node("Slice", w.array(x), ends[0], ends[1], w.integers(*axes), ends[2])


@converts("roll")
def _roll(w: Writer, step: Step, x: Any, shift: Any, axis: Any = None) -> str:
    if not isinstance(shift, (int, tuple, list)):
        raise NoForm("roll by an array")
    if axis is None:
        flat = w.node("Reshape", w.array(x), w.integers(-1))
        sizes = [s for s in step.shape if s != 1] or [1]
        return reshaped(w, rolled(w, flat, shift, 0, sizes[0] if len(sizes) == 1 else whole(step.shape)), step.shape)
    tensor = w.array(x)
    pairs = [(shift, axis)] if isinstance(axis, int) else list(zip(each(shift, len(axis)), axis, strict=True))
    for by, along in pairs:
        tensor = rolled(w, tensor, by, along % len(step.shape), step.shape[along])
    return tensor


def each(shift: Any, number: int) -> Sequence[Any]:
    """A shift for each axis."""
    return [shift] * number if isinstance(shift, int) else shift


def whole(shape: Sequence[Any]) -> int:
    """How many elements there are; raises NoForm where that depends on the batch."""
    found = 1
    for size in shape:
        if isinstance(size, Size):
            raise NoForm("roll over axes of which one is the batch")
        found *= size
    return found


def rolled(w: Writer, tensor: str, shift: Any, axis: int, size: Any) -> str:
    """A tensor whose last ``shift`` elements on an axis come first."""
    if isinstance(size, Size) and (size.plus or shift < -1 or shift > 1):
        raise NoForm("roll of the batch by more than one place")
    by = shift if isinstance(size, Size) else shift % max(size, 1)
    if by == 0:
        return tensor
    cut, axes, end = w.integers(-by), w.integers(axis), w.integers(END)
    last = w.node("Slice", tensor, cut, end, axes)
    return w.node("Concat", last, w.node("Slice", tensor, w.integers(0), cut, axes), axis=axis)


@converts("tile")
def _tile(w: Writer, step: Step, x: Any, repetitions: Any) -> str:
    repetitions = repetitions if isinstance(repetitions, (tuple, list)) else (repetitions,)
    missing = len(step.shape) - len(shape_of(x))
    tensor = reshaped(w, w.array(x), (*[1] * missing, *shape_of(x))) if missing else w.array(x)
    repeats = [*[1] * (len(step.shape) - len(repetitions)), *repetitions]
    return w.node("Tile", tensor, w.sizes(repeats))


@converts("tril", "triu")
def _triangle(w: Writer, step: Step, x: Any, k: int = 0) -> str:
    return w.node("Trilu", w.array(x), w.constant(int(k), "int64"), upper=int(step.op == "triu"))


@converts("sort")
def _sort(w: Writer, step: Step, x: Any, axis: int = -1, descending: bool = False, stable: bool = True) -> str:
    return sorted_along(w, step, x, axis, descending)[0]


@converts("argsort")
def _argsort(w: Writer, step: Step, x: Any, axis: int = -1, descending: bool = False, stable: bool = True) -> str:
    return sorted_along(w, step, x, axis, descending)[1]


def sorted_along(w: Writer, step: Step, x: Any, axis: int, descending: bool) -> tuple[str, str]:
    """The elements in order, and where they came from; NaN is larger than all."""
    along, tensor = int(axis) % len(step.shape), w.array(x)
    options = {"count": 2, "axis": along, "largest": int(descending), "sorted": 1}
    number = w.sizes([step.shape[along]])
    if dtype_of(x).kind != "f":
        values, places = w.nodes_of("TopK", tensor, number, **options)
        return values, places
    marks = w.node("IsNaN", tensor)
    plain = w.node("Where", marks, w.constant(0, dtype_of(x)), tensor)
    _, first = w.nodes_of("TopK", plain, number, **options)
    marks = w.node("GatherElements", w.cast(marks, "int32"), first, axis=along)
    _, second = w.nodes_of("TopK", marks, number, **options)  # of equals the first one stays first
    places = w.node("GatherElements", first, second, axis=along)
    return w.node("GatherElements", tensor, places, axis=along), places


@converts("matmul")
def _matmul(w: Writer, step: Step, x: Any, y: Any) -> str:
    return w.node("MatMul", w.array(x, step.dtype), w.array(y, step.dtype))


@converts("tensordot")
def _tensordot(w: Writer, step: Step, x: Any, y: Any, *_: Any, axes: Any = 2) -> str:
    m, n = len(shape_of(x)), len(shape_of(y))
    if isinstance(axes, int):
        axes = (range(m - axes, m), range(axes))
    of_x, of_y = ascii_letters[:m], list(ascii_letters[m : m + n])
    for a, b in zip(*axes, strict=True):
        of_y[b % n] = of_x[a % m]
    shared = set(of_x) & set(of_y)
    free = "".join(label for label in (*of_x, *of_y) if label not in shared)
    return einsum(w, step, f"{of_x},{''.join(of_y)}->{free}", x, y)


@converts("vecdot")
def _vecdot(w: Writer, step: Step, x: Any, y: Any, axis: int = -1) -> str:
    product = w.node("Mul", w.array(x, step.dtype), w.array(y, step.dtype))
    return w.node("ReduceSum", product, w.integers(int(axis)), keepdims=0)


@converts("linalg.outer")
def _outer(w: Writer, step: Step, x: Any, y: Any) -> str:
    return einsum(w, step, "i,j->ij", x, y)


@converts("einsum")
def _einsum(w: Writer, step: Step, text: str, *arrays: Any) -> str:
    return einsum(w, step, str(parsed(text, [len(shape_of(x)) for x in arrays])), *arrays)


def einsum(w: Writer, step: Step, text: str, *arrays: Any) -> str:
    """A product of tensors, in subscripts."""
    sizes: dict[str, set[Any]] = {}
    for labels, x in zip(text.partition("->")[0].split(","), arrays, strict=True):
        for label, size in zip(labels, shape_of(x), strict=True):
            sizes.setdefault(label, set()).add(size)
    if any(len(found) > 1 for found in sizes.values()):
        raise NoForm(f"{step.op} of axes that broadcast")
    return w.node("Einsum", *[w.array(x, step.dtype) for x in arrays], equation=text)


@converts("linalg.diagonal", "linalg.trace")
def _diagonal(w: Writer, step: Step, x: Any, offset: int = 0, dtype: Any = None) -> str:
    """The square part that the diagonal lies in; then its diagonal; then the sum of that."""
    rows, columns = shape_of(x)[-2:]
    if isinstance(rows, Size) or isinstance(columns, Size):
        raise NoForm(f"{step.op} of matrices whose size depends on the batch")
    down, right = max(-offset, 0), max(offset, 0)
    size = max(min(rows - down, columns - right), 0)
    starts, stops = w.integers(down, right), w.integers(down + size, right + size)
    square = w.node("Slice", w.array(x, step.dtype), starts, stops, w.integers(-2, -1))
    labels = ascii_letters[: len(shape_of(x)) - 2]
    found = w.node("Einsum", square, equation=f"{labels}zz->{labels}z")
    return found if step.op == "linalg.diagonal" else w.node("ReduceSum", found, w.integers(-1), keepdims=0)


@converts("repeat")
def _repeat(w: Writer, step: Step, x: Any, repeats: Any, axis: int | None = None) -> str:
    if not isinstance(repeats, int) or repeats < 1:
        raise NoForm("repeat by an array, or no times")
    tensor, shape = w.array(x), list(shape_of(x))
    if axis is None:
        tensor, shape, axis = w.node("Reshape", tensor, w.integers(-1)), [-1], 0
    along = axis % len(shape) + 1
    spread = [1] * (len(shape) + 1)
    spread[along] = repeats
    spread_out = w.node("Expand", w.node("Unsqueeze", tensor, w.integers(along)), w.integers(*spread))
    return reshaped(w, spread_out, step.shape)
