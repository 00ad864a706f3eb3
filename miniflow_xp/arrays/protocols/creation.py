"""NumPy's functions that make arrays like another: ``zeros_like``, ``linspace``, and those with ``like=``."""

from typing import Any

from miniflow_xp.arrays.methods import of_list
from miniflow_xp.arrays.protocols.arguments import as_array, in_kind, kind, pair, shape_of
from miniflow_xp.arrays.protocols.tables import numpy


def like(xp: Any, op: str, a: Any, shape: Any, dtype: Any) -> Any:
    """Zeros or ones in the shape and dtype of an array, or in others."""
    dtype = kind(xp, dtype)
    if shape is None:
        return getattr(xp, f"{op}_like")(as_array(xp, a), dtype=dtype)
    return getattr(xp, op)(shape_of(shape), dtype=a.dtype if dtype is None else dtype)


@numpy("zeros_like", gradient=False)
def zeros_like(
    xp: Any, a: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None, *, device: Any = None
) -> Any:
    return like(xp, "zeros", a, shape, dtype)


@numpy("ones_like", gradient=False)
def ones_like(
    xp: Any, a: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None, *, device: Any = None
) -> Any:
    return like(xp, "ones", a, shape, dtype)


@numpy("empty_like", gradient=False)
def empty_like(
    xp: Any,
    prototype: Any,
    /,
    dtype: Any = None,
    order: str = "K",
    subok: bool = True,
    shape: Any = None,
    *,
    device: Any = None,
) -> Any:
    return like(xp, "zeros", prototype, shape, dtype)


@numpy("full_like")
def full_like(
    xp: Any,
    a: Any,
    fill_value: Any,
    dtype: Any = None,
    order: str = "K",
    subok: bool = True,
    shape: Any = None,
    *,
    device: Any = None,
) -> Any:
    a = as_array(xp, a)
    wanted = a.dtype if dtype is None else kind(xp, dtype)
    if getattr(fill_value, "shape", None) or isinstance(fill_value, (list, tuple)):
        return in_kind(xp, xp.broadcast_to(as_array(xp, fill_value), shape_of(shape or a.shape)), wanted)
    return xp.full(tuple(a.shape) if shape is None else shape_of(shape), fill_value, dtype=wanted)


@numpy("zeros", "empty", gradient=False)
def zeros(xp: Any, shape: Any, dtype: Any = float, order: str = "C", *, device: Any = None) -> Any:
    return xp.zeros(shape_of(shape), dtype=kind(xp, dtype))


@numpy("ones", gradient=False)
def ones(xp: Any, shape: Any, dtype: Any = None, order: str = "C", *, device: Any = None) -> Any:
    return xp.ones(shape_of(shape), dtype=kind(xp, dtype or float))


@numpy("full")
def full(xp: Any, shape: Any, fill_value: Any, dtype: Any = None, order: str = "C", *, device: Any = None) -> Any:
    return in_kind(xp, xp.broadcast_to(asarray(xp, fill_value), shape_of(shape)), dtype).copy()


@numpy("array", "asarray", "asanyarray", "ascontiguousarray", "asfortranarray")
def asarray(
    xp: Any,
    a: Any,
    dtype: Any = None,
    order: Any = None,
    *,
    device: Any = None,
    copy: bool | None = None,
    subok: bool = False,
    ndmin: int = 0,
) -> Any:
    found = xp.asarray(of_list(xp, a) if isinstance(a, (list, tuple)) else a, dtype=kind(xp, dtype), copy=copy)
    return xp.reshape(found, (*[1] * (ndmin - len(found.shape)), *found.shape)) if ndmin > len(found.shape) else found


@numpy("arange")
def arange(xp: Any, start: Any, stop: Any = None, step: Any = 1, dtype: Any = None, *, device: Any = None) -> Any:
    return xp.arange(start, stop, step, dtype=kind(xp, dtype))


@numpy("eye", gradient=False)
def eye(
    xp: Any, N: int, M: int | None = None, k: int = 0, dtype: Any = float, order: str = "C", *, device: Any = None
) -> Any:
    return xp.eye(N, M, k=k, dtype=kind(xp, dtype))


@numpy("identity", gradient=False)
def identity(xp: Any, n: int, dtype: Any = None) -> Any:
    return xp.eye(n, dtype=kind(xp, dtype or float))


@numpy("tri", gradient=False)
def tri(xp: Any, N: int, M: int | None = None, k: int = 0, dtype: Any = float) -> Any:
    return xp.tril(xp.ones((N, N if M is None else M), dtype=kind(xp, dtype)), k=k)


@numpy("linspace")
def linspace(
    xp: Any,
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
    *,
    device: Any = None,
) -> Any:
    first, final = pair(xp, start, stop)
    real = xp.result_type(first.dtype, final.dtype)
    real = real if xp.inexact(real) else xp.float64
    shape = (num, *[1] * max(len(first.shape), len(final.shape)))
    parts = xp.reshape(xp.astype(xp.linspace(0.0, 1.0, num, endpoint=endpoint, dtype=xp.float64), real), shape)
    found = first * (1 - parts) + final * parts
    found = in_kind(xp, xp.moveaxis(found, 0, axis), dtype)
    pieces = num - 1 if endpoint else num
    return (found, (final - first) / pieces if pieces else float("nan") * (final - first)) if retstep else found


@numpy("logspace")
def logspace(
    xp: Any,
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    base: Any = 10.0,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    powers = linspace(xp, start, stop, num, endpoint)
    return in_kind(xp, xp.moveaxis(base**powers, 0, axis), dtype)


@numpy("geomspace")
def geomspace(
    xp: Any, start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0
) -> Any:
    first, final = as_array(xp, start), as_array(xp, stop)
    parts = linspace(xp, xp.zeros_like(first), xp.log(final / first), num, endpoint)
    return in_kind(xp, xp.moveaxis(first * xp.exp(parts), 0, axis), dtype)
