"""Norms of vectors and of matrices. Where they are not smooth they have a subgradient: 0 for 0."""

from math import inf
from typing import Any

from miniflow_xp.arrays.tables import composed, rule
from miniflow_xp.dtypes import wide
from miniflow_xp.errors import DifferentiationError
from miniflow_xp.rules.algebra import axes_of, direction, kept
from miniflow_xp.rules.linalg.matrices import nan_where


@rule("linalg.vector_norm")
def _vector_norm(
    xp: Any,
    g: Any,
    y: Any,
    x: Any,
    axis: Any = None,
    keepdims: bool = False,
    ord: float = 2,  # noqa: A002  the standard's own word
) -> Any:
    def back() -> Any:
        if ord == 0 or 0 in x.shape:
            return xp.zeros_like(x)
        return kept(xp, g, x, axis) * slope(xp, x, kept(xp, y, x, axis), axis, ord)

    return (back,)


def slope(xp: Any, x: Any, norm: Any, axis: Any, p: float) -> Any:
    """∂‖x‖/∂x: x / |x| (|x| / ‖x‖)ᵖ⁻¹; for p = ±∞ x / |x| shared by those that reach the norm."""
    zero = norm == 0
    if p == 2:
        return xp.where(zero, xp.zeros_like(x), x / xp.where(zero, xp.ones_like(norm), norm))
    size = xp.abs(x)
    toward = direction(xp, x, size)
    if p == 1:
        return toward
    if abs(p) == inf:
        hit = wide(xp, xp.astype(size == norm, norm.dtype))
        return toward * hit / xp.sum(hit, axis=axes_of(axis, len(x.shape)), keepdims=True)
    at_zero = size == 0
    ratio = xp.where(at_zero, xp.ones_like(size), size) / xp.where(zero, xp.ones_like(norm), norm)
    power = xp.where(at_zero | zero, xp.zeros_like(size), ratio ** (p - 1))
    return toward * (power if p > 1 else nan_where(xp, at_zero, power))


@composed("linalg.matrix_norm")
def matrix_norm(
    xp: Any,
    x: Any,
    /,
    *,
    keepdims: bool = False,
    ord: Any = "fro",  # noqa: A002  the standard's own word
) -> Any:
    """The norm of each matrix: "fro", "nuc", ±1 (of columns), ±inf (of rows), ±2 (singular values)."""
    if ord == "fro":
        return xp.linalg.vector_norm(x, axis=(-2, -1), keepdims=keepdims)
    if ord in (1, -1, inf, -inf):
        found = xp.sum(xp.abs(x), axis=-2 if abs(ord) == 1 else -1)
    elif ord in ("nuc", 2, -2):
        found = xp.linalg.svdvals(x)
    else:
        raise DifferentiationError(
            "linalg.matrix_norm",
            f"ord is {ord!r}",
            "it is 'fro', 'nuc', 1, -1, 2, -2, inf or -inf",
            "For the norm of all elements take linalg.vector_norm(x, axis=(-2, -1), ord=…)",
        )
    norm = (xp.sum if ord == "nuc" else xp.max if ord > 0 else xp.min)(found, axis=-1)
    return norm[..., None, None] if keepdims else norm
