"""Distances of two points along the last axis; other axes are broadcast. Where both are the same: as a norm at 0."""

from collections.abc import Callable
from typing import Any

Metric = Callable[..., Any]


def weighted(x: Any, w: Any) -> Any:
    """A term for each coordinate, times its weight."""
    return x if w is None else x * w


def euclidean(xp: Any, u: Any, v: Any, w: Any = None) -> Any:
    return xp.linalg.vector_norm(weighted(u - v, None if w is None else xp.sqrt(w)), axis=-1)


def sqeuclidean(xp: Any, u: Any, v: Any, w: Any = None) -> Any:
    return xp.sum(weighted((u - v) ** 2, w), axis=-1)


def cityblock(xp: Any, u: Any, v: Any, w: Any = None) -> Any:
    return xp.sum(weighted(xp.abs(u - v), w), axis=-1)


def chebyshev(xp: Any, u: Any, v: Any) -> Any:
    return xp.max(xp.abs(u - v), axis=-1)


def minkowski(xp: Any, u: Any, v: Any, p: float = 2, w: Any = None) -> Any:
    return xp.linalg.vector_norm(weighted(u - v, None if w is None else w ** (1 / p)), ord=p, axis=-1)


def cosine(xp: Any, u: Any, v: Any) -> Any:
    size = xp.linalg.vector_norm(u, axis=-1) * xp.linalg.vector_norm(v, axis=-1)
    return 1 - xp.sum(u * v, axis=-1) / size


def correlation(xp: Any, u: Any, v: Any) -> Any:
    return cosine(xp, *[x - xp.mean(x, axis=-1, keepdims=True) for x in (u, v)])


def braycurtis(xp: Any, u: Any, v: Any) -> Any:
    return xp.sum(xp.abs(u - v), axis=-1) / xp.sum(xp.abs(u + v), axis=-1)


def canberra(xp: Any, u: Any, v: Any) -> Any:
    """Where both coordinates are 0, nothing."""
    size = xp.abs(u) + xp.abs(v)
    nothing = size == 0
    return xp.sum(xp.where(nothing, xp.zeros_like(size), xp.abs(u - v) / xp.where(nothing, size + 1, size)), axis=-1)


def mahalanobis(xp: Any, u: Any, v: Any, VI: Any) -> Any:
    moved = (u - v)[..., None, :]
    squares = xp.matmul(xp.matmul(moved, VI), xp.matrix_transpose(moved))
    return xp.sqrt(squares[..., 0, 0])


def seuclidean(xp: Any, u: Any, v: Any, V: Any) -> Any:
    return xp.linalg.vector_norm((u - v) / xp.sqrt(V), axis=-1)


METRICS: dict[str, Metric] = {
    metric.__name__: metric
    for metric in (
        *(euclidean, sqeuclidean, cityblock, chebyshev, minkowski, cosine, correlation, braycurtis, canberra),
        *(mahalanobis, seuclidean),
    )
}
OTHER_NAMES = {
    **dict.fromkeys(("euclid", "eu", "e"), "euclidean"),
    **dict.fromkeys(("sqe", "sqeuclid"), "sqeuclidean"),
    **dict.fromkeys(("cblock", "cb", "c"), "cityblock"),
    **dict.fromkeys(("chebychev", "cheby", "cheb", "ch"), "chebyshev"),
    **dict.fromkeys(("mi", "m", "pnorm"), "minkowski"),
    **dict.fromkeys(("cos",), "cosine"),
    **dict.fromkeys(("co",), "correlation"),
    **dict.fromkeys(("mahal", "mah"), "mahalanobis"),
    **dict.fromkeys(("se", "s"), "seuclidean"),
}
