"""Determinants: det, slogdet, and the adjugate, which is the gradient of det also where a matrix is singular."""

from typing import Any

from miniflow_xp.arrays.libraries import name_of_library
from miniflow_xp.arrays.tables import native
from miniflow_xp.arrays.updates import call
from miniflow_xp.dtypes import is_complex
from miniflow_xp.rules.algebra import conj
from miniflow_xp.rules.linalg.matrices import (
    adjoint,
    diagonal,
    identity,
    inverse_where,
    matrix_rule,
    nan_where,
    outer_identity,
    product,
    scale,
)


@matrix_rule("linalg.det")
def _det(xp: Any, g: Any, y: Any, x: Any) -> Any:
    """d det X = tr(adj(X) dX), Jacobi's formula: right for singular matrices too."""
    return scale(g) * adjoint(xp, call(xp, "linalg.adjugate", x))


@native("linalg.adjugate")
def adjugate(xp: Any, x: Any, /) -> Any:
    """adj(X) = det(X) X⁻¹, which is defined for singular matrices too: the transpose of the matrix of cofactors."""
    sign, log = xp.linalg.slogdet(x)  # by the same decomposition as the inverse; JAX's det has formulas of its own
    det = sign * xp.exp(log)
    if name_of_library(xp) == "jax":  # whose values are not known while it compiles
        from jax.lax import cond

        return cond(xp.any(det == 0), lambda x: adjugate_of_any(xp, x, det), lambda x: regular(xp, x, det), x)
    return adjugate_of_any(xp, x, det) if bool(xp.any(det == 0)) else regular(xp, x, det)


def regular(xp: Any, x: Any, det: Any) -> Any:
    """Of matrices that have an inverse. Determinant and inverse have the same rounding errors, which cancel."""
    return scale(det) * xp.linalg.inv(x)


def adjugate_of_any(xp: Any, x: Any, det: Any) -> Any:
    """X = U S Vᴴ: adj(X) = adj(Vᴴ) adj(S) adj(U), each element of adj(S) a product of all other singular values."""
    u, s, vh = xp.linalg.svd(x)
    others = xp.where(outer_identity(xp, s) == 1, xp.ones_like(s)[..., None, :], s[..., None, :])
    adj = xp.prod(others, axis=-1)
    if is_complex(x):
        adj = xp.astype(adj, x.dtype)
    sign = xp.linalg.det(u) * xp.linalg.det(vh)
    singular = scale(sign) * xp.matmul(adjoint(xp, vh) * adj[..., None, :], adjoint(xp, u))
    safe = xp.where(scale(det == 0), identity(xp, x), x)
    return xp.where(scale(det == 0), singular, regular(xp, safe, det))


@matrix_rule("linalg.adjugate")
def _adjugate(xp: Any, g: Any, y: Any, x: Any) -> Any:
    """dY = (tr(Y dX) Y - Y dX Y) / det X; NaN for singular matrices, where this is 0 / 0."""
    gh = adjoint(xp, g)
    trace = xp.sum(diagonal(xp, xp.matmul(gh, y)), axis=-1)
    singular = xp.linalg.matrix_rank(x) < x.shape[-1]
    det = xp.linalg.det(x)
    numerator = scale(trace) * y - product(xp, y, gh, y)
    return adjoint(xp, nan_where(xp, scale(singular), numerator / scale(xp.where(singular, xp.ones_like(det), det))))


@matrix_rule("linalg.slogdet")
def _slogdet(xp: Any, g: Any, y: Any, x: Any) -> Any:
    """d log|det X| = Re t and d sign = i sign Im t, with t = tr(X⁻¹ dX); NaN for singular matrices."""
    (sign, _), (g_sign, factor) = y, g
    if is_complex(x):
        turned = conj(xp, g_sign) * sign
        factor = factor + (conj(xp, turned) - turned) / 2
    return scale(factor) * adjoint(xp, inverse_where(xp, scale(sign == 0), x))
