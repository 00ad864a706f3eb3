"""Triangular decompositions: cholesky, qr."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

from miniflow_xp.arrays.libraries import name_of_library
from miniflow_xp.arrays.tables import native
from miniflow_xp.arrays.updates import call
from miniflow_xp.rules.linalg.matrices import (
    adjoint,
    diagonal,
    identity,
    inverse_where,
    matrix_rule,
    product,
    rounding,
    scale,
)


@native("linalg.cholesky")
def cholesky(xp: Any, x: Any, /, *, upper: bool = False) -> Any:
    """The triangle L of X = L Lᴴ, or Lᴴ; of what is not positive definite the library's error, and NaN on JAX."""
    with checked(xp):
        return xp.linalg.cholesky(x, upper=upper)


def checked(xp: Any) -> AbstractContextManager[Any]:
    """Inside, CuPy waits for the GPU, and raises where it would give finite numbers that mean nothing."""
    if name_of_library(xp) != "cupy":
        return nullcontext()
    from cupyx import errstate

    found: AbstractContextManager[Any] = errstate(linalg="raise")
    return found


@matrix_rule("linalg.cholesky")
def _cholesky(xp: Any, g: Any, y: Any, x: Any, upper: bool = False) -> Any:
    """X = L Lᴴ: the Hermitian part of L⁻ᴴ Φ(Lᴴ ḡ) L⁻¹, where Φ takes the lower triangle and half of the diagonal."""
    low, arriving = (adjoint(xp, y), adjoint(xp, g)) if upper else (y, g)
    triangle = xp.tril(product(xp, adjoint(xp, low), arriving))
    half = triangle * (1 - 0.5 * identity(xp, triangle))
    left = call(xp, "linalg.solve_triangular", adjoint(xp, low), half)
    back = adjoint(xp, call(xp, "linalg.solve_triangular", adjoint(xp, low), adjoint(xp, left)))
    return 0.5 * (back + adjoint(xp, back))


@matrix_rule("linalg.qr")
def _qr(xp: Any, g: Any, y: Any, x: Any, mode: str = "reduced") -> Any:
    """X = Q R. Of a wide matrix [X₁ X₂] the first columns give Q and R₁, and R₂ = Qᴴ X₂.

    With mode="complete" the further columns of Q are not determined: where a gradient arrives for them it is NaN.
    """
    (q, r), (gq, gr) = y, g
    rows, columns = x.shape[-2:]
    k = min(rows, columns)
    undetermined = gq[..., k:]
    q, gq, r, gr = q[..., :k], gq[..., :k], r[..., :k, :], gr[..., :k, :]
    if rows >= columns:
        back = tall(xp, q, r, gq, gr)
        return back if k == rows else back + nan_unless_zero(xp, undetermined)
    rest, g_rest = x[..., k:], gr[..., k:]
    back = tall(xp, q, r[..., :k], gq + product(xp, rest, adjoint(xp, g_rest)), gr[..., :k])
    return xp.concat([back, product(xp, q, g_rest)], axis=-1)


def tall(xp: Any, q: Any, r: Any, gq: Any, gr: Any) -> Any:
    """(ḡ_Q + Q M) R⁻ᴴ, with M Hermitian and its upper triangle that of ḡ_R Rᴴ - Qᴴ ḡ_Q; NaN where R has no inverse.

    Walter and Lehmann (2018); the diagonal of R is real.
    """
    inner = product(xp, gr, adjoint(xp, r)) - product(xp, adjoint(xp, q), gq)
    upper = xp.triu(inner)
    on_diagonal = upper * identity(xp, upper)
    hermitian = upper + adjoint(xp, upper) - 0.5 * (on_diagonal + adjoint(xp, on_diagonal))
    pivots = xp.abs(diagonal(xp, r))
    lost = xp.any(pivots <= rounding(xp, pivots), axis=-1)
    return product(xp, gq + product(xp, q, hermitian), adjoint(xp, inverse_where(xp, scale(lost), r)))


def nan_unless_zero(xp: Any, gradient: Any) -> Any:
    """0 where no gradient arrives for what is not determined, else NaN; in shape (…, 1, 1)."""
    none = gradient == 0
    return xp.sum(xp.where(none, gradient, gradient * float("nan")), axis=(-2, -1), keepdims=True)
