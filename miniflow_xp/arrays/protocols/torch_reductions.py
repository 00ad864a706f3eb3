"""PyTorch's reductions, and functions that sort and search."""

from collections.abc import Callable
from typing import Any, NamedTuple

from miniflow_xp.arrays.protocols.arguments import in_kind
from miniflow_xp.arrays.protocols.tables import TORCH, torch


class Found(NamedTuple):
    """Values, and where they are."""

    values: Any
    indices: Any


def dims(dim: Any) -> Any:
    """An axis, or several; none of them, and an empty list, mean all."""
    return (tuple(dim) or None) if isinstance(dim, (list, tuple)) else dim


def reduction(op: str) -> Callable[..., Any]:
    def call(xp: Any, input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:  # noqa: A002
        return getattr(xp, op)(in_kind(xp, input, dtype), axis=dims(dim), keepdims=keepdim)

    return call


for _name, _op in {
    "sum": "sum",
    "mean": "mean",
    "prod": "prod",
    "amax": "max",
    "amin": "min",
    "all": "all",
    "any": "any",
    "argmax": "argmax",
    "argmin": "argmin",
    "nansum": "nansum",
    "nanmean": "nanmean",
}.items():
    TORCH[_name] = reduction(_op)


def extreme(op: str, where: str) -> Callable[..., Any]:
    def call(xp: Any, input: Any, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:  # noqa: A002
        """Of all; of two arrays; or along an axis, with the places: the gradient goes to one element alone."""
        if hasattr(dim, "dtype") or other is not None:
            return getattr(xp, "maximum" if op == "max" else "minimum")(input, dim if other is None else other)
        if dim is None:
            return getattr(xp, op)(input)
        places = getattr(xp, where)(input, axis=dim, keepdims=True)
        values = xp.take_along_axis(input, places, axis=dim)
        return Found(*(a if keepdim else xp.squeeze(a, axis=dim) for a in (values, places)))

    return call


TORCH["max"], TORCH["min"] = extreme("max", "argmax"), extreme("min", "argmin")


def spread(op: str) -> Callable[..., Any]:
    def call(
        xp: Any,
        input: Any,  # noqa: A002
        dim: Any = None,
        unbiased: bool = True,
        keepdim: bool = False,
        *,
        correction: float | None = None,
    ) -> Any:
        dim, unbiased = (None, dim) if isinstance(dim, bool) else (dim, unbiased)
        lost = float(unbiased) if correction is None else correction
        return getattr(xp, op)(input, axis=dims(dim), correction=lost, keepdims=keepdim)

    return call


TORCH["var"], TORCH["std"] = spread("var"), spread("std")


@torch("logsumexp", "special.logsumexp")
def logsumexp(xp: Any, input: Any, dim: Any, keepdim: bool = False) -> Any:  # noqa: A002
    return xp.special.logsumexp(input, axis=dims(dim), keepdims=keepdim)


@torch("count_nonzero")
def count_nonzero(xp: Any, input: Any, dim: Any = None) -> Any:  # noqa: A002
    return xp.sum(xp.astype(input != 0, xp.int64), axis=dims(dim))


@torch("norm")
def norm(xp: Any, input: Any, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Any:  # noqa: A002
    """Of vectors, for every p but ``nuc``, as PyTorch has it."""
    x = in_kind(xp, input, dtype)
    if p == "nuc":
        return xp.linalg.matrix_norm(x, ord="nuc", keepdims=keepdim)
    return xp.linalg.vector_norm(x, axis=dims(dim), keepdims=keepdim, ord=2 if p in (None, "fro") else p)


@torch("cumsum")
def cumsum(xp: Any, input: Any, dim: int, *, dtype: Any = None) -> Any:  # noqa: A002
    return xp.cumulative_sum(in_kind(xp, input, dtype), axis=dim)


@torch("cumprod")
def cumprod(xp: Any, input: Any, dim: int, *, dtype: Any = None) -> Any:  # noqa: A002
    return xp.cumulative_prod(in_kind(xp, input, dtype), axis=dim)


@torch("sort")
def sort(xp: Any, input: Any, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:  # noqa: A002
    places = xp.argsort(input, axis=dim, descending=descending)
    return Found(xp.take_along_axis(input, places, axis=dim), places)


@torch("argsort")
def argsort(xp: Any, input: Any, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:  # noqa: A002
    return xp.argsort(input, axis=dim, descending=descending)


@torch("topk")
def topk(xp: Any, input: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:  # noqa: A002
    places = xp.argsort(input, axis=dim, descending=largest)
    places = xp.moveaxis(xp.moveaxis(places, dim, -1)[..., :k], -1, dim)
    return Found(xp.take_along_axis(input, places, axis=dim), places)


@torch("quantile")
def quantile(xp: Any, input: Any, q: Any, dim: Any = None, keepdim: bool = False) -> Any:  # noqa: A002
    return xp.quantile(input, q, dim, keepdims=keepdim)


@torch("nonzero")
def nonzero(xp: Any, input: Any, *, as_tuple: bool = False) -> Any:  # noqa: A002
    return xp.nonzero(input) if as_tuple else xp.argwhere(input)


@torch("diff")
def diff(xp: Any, input: Any, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None) -> Any:  # noqa: A002
    return xp.diff(input, axis=dim, n=n, prepend=prepend, append=append)


@torch("trapezoid", "trapz")
def trapezoid(xp: Any, y: Any, x: Any = None, *, dx: Any = 1.0, dim: int = -1) -> Any:
    return xp.trapezoid(y, x, dx, dim)


@torch("cov")
def cov(xp: Any, input: Any, *, correction: int = 1, fweights: Any = None, aweights: Any = None) -> Any:  # noqa: A002
    return xp.cov(input, ddof=correction, fweights=fweights, aweights=aweights)


@torch("corrcoef")
def corrcoef(xp: Any, input: Any) -> Any:  # noqa: A002
    return xp.corrcoef(input)
