"""PyTorch's functions that move, join, take and make elements."""

from math import prod
from typing import Any

from miniflow_xp.arrays.axes import counted
from miniflow_xp.arrays.protocols.arguments import axes_of, in_rows, kind
from miniflow_xp.arrays.protocols.tables import torch


def numbers(given: tuple[Any, ...], named: Any = None) -> tuple[int, ...]:
    """Sizes, or axes, that were given one by one or as a list, or that by its name."""
    given = given if named is None else (named,)
    listed = given[0] if len(given) == 1 and isinstance(given[0], (list, tuple)) else given
    return tuple([int(n) for n in listed])


@torch("reshape", "view")
def reshape(xp: Any, input: Any, *sizes: Any, shape: Any = None) -> Any:  # noqa: A002
    return xp.reshape(input, numbers(sizes, shape))


@torch("view_as", "reshape_as")
def view_as(xp: Any, input: Any, other: Any) -> Any:  # noqa: A002
    return xp.reshape(input, tuple(other.shape))


@torch("flatten")
def flatten(xp: Any, input: Any, start_dim: int = 0, end_dim: int = -1) -> Any:  # noqa: A002
    shape = tuple(input.shape) or (1,)
    first, last = counted(start_dim, len(shape)), counted(end_dim, len(shape))
    return xp.reshape(input, (*shape[:first], prod(shape[first : last + 1]), *shape[last + 1 :]))


@torch("ravel")
def ravel(xp: Any, input: Any) -> Any:  # noqa: A002
    return xp.ravel(input)


@torch("squeeze")
def squeeze(xp: Any, input: Any, dim: Any = None) -> Any:  # noqa: A002
    ndim = len(input.shape)
    asked = range(ndim) if dim is None else dim if isinstance(dim, (list, tuple)) else (dim,)
    return xp.squeeze(input, axis=tuple([counted(n, ndim) for n in asked if input.shape[n] == 1]))


@torch("unsqueeze")
def unsqueeze(xp: Any, input: Any, dim: int) -> Any:  # noqa: A002
    return xp.expand_dims(input, axis=dim)


@torch("transpose", "swapaxes", "swapdims")
def transpose(xp: Any, input: Any, dim0: int, dim1: int) -> Any:  # noqa: A002
    return xp.swapaxes(input, dim0, dim1)


@torch("t")
def t(xp: Any, input: Any) -> Any:  # noqa: A002
    return xp.matrix_transpose(input) if len(input.shape) == 2 else input


@torch("permute")
def permute(xp: Any, input: Any, *axes: Any, dims: Any = None) -> Any:  # noqa: A002
    order = numbers(axes, dims)
    return xp.permute_dims(input, axes_of(order, len(order)))


@torch("movedim", "moveaxis")
def movedim(xp: Any, input: Any, source: Any, destination: Any) -> Any:  # noqa: A002
    return xp.moveaxis(input, source, destination)


@torch("flip")
def flip(xp: Any, input: Any, *axes: Any, dims: Any = None) -> Any:  # noqa: A002
    return xp.flip(input, axis=numbers(axes, dims))


@torch("fliplr")
def fliplr(xp: Any, input: Any) -> Any:  # noqa: A002
    return xp.flip(input, axis=1)


@torch("flipud")
def flipud(xp: Any, input: Any) -> Any:  # noqa: A002
    return xp.flip(input, axis=0)


@torch("rot90")
def rot90(xp: Any, input: Any, k: int = 1, dims: Any = (0, 1)) -> Any:  # noqa: A002
    return xp.rot90(input, k, tuple(dims))


@torch("roll")
def roll(xp: Any, input: Any, shifts: Any, dims: Any = None) -> Any:  # noqa: A002
    both = [tuple(n) if isinstance(n, list) else n for n in (shifts, dims)]
    return xp.roll(input, both[0], axis=both[1])


@torch("tile", "repeat")
def tile(xp: Any, input: Any, *times: Any, dims: Any = None) -> Any:  # noqa: A002
    return xp.tile(input, numbers(times, dims))


@torch("repeat_interleave")
def repeat_interleave(xp: Any, input: Any, repeats: Any, dim: int | None = None) -> Any:  # noqa: A002
    return xp.repeat(input, repeats, axis=dim)


@torch("broadcast_to")
def broadcast_to(xp: Any, input: Any, *size: Any) -> Any:  # noqa: A002
    return xp.broadcast_to(input, numbers(size))


@torch("expand")
def expand(xp: Any, input: Any, *size: Any) -> Any:  # noqa: A002
    """-1 leaves an axis as it is."""
    wanted = numbers(size)
    have = (*[1] * (len(wanted) - len(input.shape)), *input.shape)
    return xp.broadcast_to(input, tuple([h if w == -1 else w for w, h in zip(wanted, have, strict=True)]))


@torch("broadcast_tensors")
def broadcast_tensors(xp: Any, *tensors: Any) -> Any:
    return xp.broadcast_arrays(*numbers_or_arrays(tensors))


def numbers_or_arrays(given: tuple[Any, ...]) -> Any:
    """Arrays that were given one by one or as a list."""
    return given[0] if len(given) == 1 and isinstance(given[0], (list, tuple)) else given


@torch("meshgrid")
def meshgrid(xp: Any, *tensors: Any, indexing: str = "ij") -> Any:
    return xp.meshgrid(*numbers_or_arrays(tensors), indexing=indexing)


@torch("cat", "concat", "concatenate")
def cat(xp: Any, tensors: Any, dim: int = 0, axis: int | None = None) -> Any:
    return xp.concat(list(tensors), axis=dim if axis is None else axis)


@torch("stack")
def stack(xp: Any, tensors: Any, dim: int = 0) -> Any:
    return xp.stack(list(tensors), axis=dim)


@torch("vstack", "row_stack")
def vstack(xp: Any, tensors: Any) -> Any:
    return xp.vstack(tensors)


@torch("hstack")
def hstack(xp: Any, tensors: Any) -> Any:
    return xp.hstack(tensors)


@torch("dstack")
def dstack(xp: Any, tensors: Any) -> Any:
    return xp.dstack(tensors)


@torch("column_stack")
def column_stack(xp: Any, tensors: Any) -> Any:
    return xp.column_stack(tensors)


@torch("split")
def split(xp: Any, tensor: Any, split_size_or_sections: Any, dim: int = 0) -> Any:
    """Parts of this size, or of these sizes."""
    size, given = tensor.shape[dim], split_size_or_sections
    sizes = list(given) if isinstance(given, (list, tuple)) else [given] * (size // given)
    ends = [sum(sizes[: n + 1]) for n in range(len(sizes))]
    return tuple(xp.array_split(tensor, [end for end in ends if end < size], dim))


@torch("chunk")
def chunk(xp: Any, input: Any, chunks: int, dim: int = 0) -> Any:  # noqa: A002
    return split(xp, input, -(-input.shape[dim] // chunks), dim)


@torch("tensor_split")
def tensor_split(xp: Any, input: Any, indices_or_sections: Any, dim: int = 0) -> Any:  # noqa: A002
    return tuple(xp.array_split(input, indices_or_sections, dim))


@torch("unbind")
def unbind(xp: Any, input: Any, dim: int = 0) -> Any:  # noqa: A002
    return xp.unstack(input, axis=dim)


@torch("narrow")
def narrow(xp: Any, input: Any, dim: int, start: int, length: int) -> Any:  # noqa: A002
    return input[(*[slice(None)] * counted(dim, len(input.shape)), slice(start, start + length))]


@torch("select")
def select(xp: Any, input: Any, dim: int, index: int) -> Any:  # noqa: A002
    return input[(*[slice(None)] * counted(dim, len(input.shape)), index)]


@torch("getitem")
def getitem(xp: Any, input: Any, key: Any) -> Any:  # noqa: A002
    return input[key]


@torch("take")
def take(xp: Any, input: Any, index: Any) -> Any:  # noqa: A002
    return xp.reshape(input, (-1,))[index]


@torch("index_select")
def index_select(xp: Any, input: Any, dim: int, index: Any) -> Any:  # noqa: A002
    return xp.take(input, index, axis=dim)


@torch("gather")
def gather(xp: Any, input: Any, dim: int, index: Any, *, sparse_grad: bool = False) -> Any:  # noqa: A002
    """Along an axis by an index for each element; of the other axes only as much as the index has."""
    for n, size in enumerate(index.shape):
        if n != counted(dim, len(input.shape)):
            input = narrow(xp, input, n, 0, size)  # noqa: A001
    return xp.take_along_axis(input, index, axis=dim)


@torch("take_along_dim")
def take_along_dim(xp: Any, input: Any, indices: Any, dim: int | None = None) -> Any:  # noqa: A002
    if dim is None:
        return xp.take(xp.reshape(input, (-1,)), xp.reshape(indices, (-1,)))
    return xp.take_along_axis(input, indices, axis=dim)


@torch("masked_select")
def masked_select(xp: Any, input: Any, mask: Any) -> Any:  # noqa: A002
    return input[mask]


@torch("masked_fill")
def masked_fill(xp: Any, input: Any, mask: Any, value: Any) -> Any:  # noqa: A002
    fill = xp.asarray(value, dtype=input.dtype) if not hasattr(value, "dtype") else value
    return xp.where(mask, fill, input)


@torch("tril")
def tril(xp: Any, input: Any, diagonal: int = 0) -> Any:  # noqa: A002
    return xp.tril(input, k=diagonal)


@torch("triu")
def triu(xp: Any, input: Any, diagonal: int = 0) -> Any:  # noqa: A002
    return xp.triu(input, k=diagonal)


@torch("diag")
def diag(xp: Any, input: Any, diagonal: int = 0) -> Any:  # noqa: A002
    return xp.diag(input, diagonal)


@torch("diagonal")
def diagonal(xp: Any, input: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:  # noqa: A002
    return xp.diagonal(input, offset, dim1, dim2)


@torch("trace")
def trace(xp: Any, input: Any) -> Any:  # noqa: A002
    return xp.trace(input)


@torch("atleast_1d")
def atleast_1d(xp: Any, *tensors: Any) -> Any:
    return xp.atleast_1d(*tensors)


@torch("atleast_2d")
def atleast_2d(xp: Any, *tensors: Any) -> Any:
    return xp.atleast_2d(*tensors)


@torch("clone")
def clone(xp: Any, input: Any, *, memory_format: Any = None) -> Any:  # noqa: A002
    return xp.asarray(input, copy=True)


@torch("detach", "detach_copy")
def detach(xp: Any, input: Any) -> Any:  # noqa: A002
    from miniflow_xp.arrays.calls import without_gradient

    return without_gradient(input)


@torch("float")
def float_(xp: Any, input: Any) -> Any:  # noqa: A002
    return xp.astype(input, xp.float32)


@torch("double")
def double(xp: Any, input: Any) -> Any:  # noqa: A002
    return xp.astype(input, xp.float64)


@torch("to")
def to(xp: Any, input: Any, *given: Any, **named: Any) -> Any:  # noqa: A002
    """In a dtype, on a device, or like a tensor, given in any order or by name; copy=True: in memory of its own."""
    other = next((g for g in given if hasattr(g, "dtype")), None)
    dtype = named.get("dtype", other.dtype if other is not None else next(filter(is_dtype, given), None))
    places = [g for g in given if not hasattr(g, "dtype") and not is_dtype(g) and not isinstance(g, bool)]
    device = named.get("device", other.device if other is not None else next(iter(places), None))
    moved = input if device is None else xp.to_device(input, device)
    cast = moved if dtype is None else xp.astype(moved, kind(xp, dtype), copy=False)
    return xp.asarray(cast, copy=True) if named.get("copy") and cast is input else cast


def is_dtype(item: Any) -> bool:
    """Is this a dtype of PyTorch's?"""
    return type(item).__name__ == "dtype"


@torch("type_as")
def type_as(xp: Any, input: Any, other: Any) -> Any:  # noqa: A002
    return to(xp, input, other)


@torch("contiguous")
def contiguous(xp: Any, input: Any, memory_format: Any = None) -> Any:  # noqa: A002
    return in_rows(input)


@torch("cpu")
def cpu(xp: Any, input: Any, memory_format: Any = None) -> Any:  # noqa: A002
    return xp.to_device(input, "cpu")


@torch("numel")
def numel(xp: Any, input: Any) -> int:  # noqa: A002
    return prod(input.shape)


@torch("dim")
def dim(xp: Any, input: Any) -> int:  # noqa: A002
    return len(input.shape)


@torch("new_zeros")
def new_zeros(xp: Any, input: Any, *size: Any, dtype: Any = None, **others: Any) -> Any:  # noqa: A002
    return xp.zeros(numbers(size, others.get("size")), dtype=kind(xp, dtype) or input.dtype)


@torch("new_ones")
def new_ones(xp: Any, input: Any, *size: Any, dtype: Any = None, **others: Any) -> Any:  # noqa: A002
    return xp.ones(numbers(size, others.get("size")), dtype=kind(xp, dtype) or input.dtype)


@torch("new_full")
def new_full(xp: Any, input: Any, size: Any, fill_value: Any, *, dtype: Any = None, **others: Any) -> Any:  # noqa: A002
    return xp.full(numbers((size,)), fill_value, dtype=kind(xp, dtype) or input.dtype)


@torch("zeros_like")
def zeros_like(xp: Any, input: Any, *, dtype: Any = None, device: Any = None) -> Any:  # noqa: A002
    return xp.zeros_like(input, dtype=kind(xp, dtype))


@torch("ones_like")
def ones_like(xp: Any, input: Any, *, dtype: Any = None, device: Any = None) -> Any:  # noqa: A002
    return xp.ones_like(input, dtype=kind(xp, dtype))


@torch("full_like")
def full_like(xp: Any, input: Any, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Any:  # noqa: A002
    return xp.full_like(input, fill_value, dtype=kind(xp, dtype))
