"""Eigenvalues and eigenvectors: eigh, eigvalsh, eig, eigvals.

Of an eigenvector the phase is not determined, nor of equal eigenvalues which vectors span their space. Where a loss
depends on either its gradient is NaN, and right for one that depends on equal values alone. Along a direction phases
count as fixed: vᴴ dv has no imaginary part.
"""

from typing import Any, NamedTuple

from miniflow_xp.arrays.tables import native
from miniflow_xp.rules.algebra import conj
from miniflow_xp.rules.linalg.matrices import (
    adjoint,
    diagonal_matrix,
    differences,
    inverse_where,
    matrix_rule,
    nan_where_phase_matters,
    outer_identity,
    product,
    quotient,
    rounding,
    scale,
)


@matrix_rule("linalg.eigh")
def _eigh(xp: Any, g: Any, y: Any, x: Any) -> Any:
    """dλ_i = v_iᴴ dX v_i and v_iᴴ dv_j = v_iᴴ dX v_j / (λ_j - λ_i)."""
    (w, v), (gw, gv) = y, g
    if g.arrived == {0}:
        return of_values(xp, v, gw)
    inner = product(xp, adjoint(xp, v), gv)
    turning = between(xp, 0.5 * (inner - adjoint(xp, inner)), w)
    back = product(xp, v, turning + diagonal_matrix(xp, gw), adjoint(xp, v))
    return nan_where_phase_matters(xp, back, inner, gw)


def of_values(xp: Any, v: Any, gw: Any) -> Any:
    """The matrix V diag(ḡ) Vᴴ."""
    return product(xp, v * gw[..., None, :], adjoint(xp, v))


def between(xp: Any, numerator: Any, values: Any) -> Any:
    """n_ij / (λ_j - λ_i), and 0 on the diagonal."""
    eye = outer_identity(xp, xp.abs(values))
    gap = differences(xp, values) + eye
    off = numerator * (1 - eye)
    return quotient(xp, off, gap, (xp.abs(gap) <= rounding(xp, values)[..., None]) & (eye == 0))


@matrix_rule("linalg.eigvalsh")
def _eigvalsh(xp: Any, g: Any, y: Any, x: Any) -> Any:
    return of_values(xp, xp.linalg.eigh(x)[1], g)


class EigResult(NamedTuple):
    """What ``eig`` gives, by the standard's names."""

    eigenvalues: Any
    eigenvectors: Any


@native("linalg.eig")
def eig(xp: Any, x: Any, /) -> Any:
    """Eigenvalues and eigenvectors of square matrices, complex numbers both: (eigenvalues, eigenvectors)."""
    found = xp.linalg.eig(x)
    return found if hasattr(found, "eigenvalues") else EigResult(*found)  # CuPy's has no names


@matrix_rule("linalg.eig")
def _eig(xp: Any, g: Any, y: Any, x: Any) -> Any:
    """X = V Λ V⁻¹ with columns of length 1; NaN where there are not n of them."""
    (w, v), (gw, gv) = y, g
    if g.arrived == {0}:
        return of_vectors(xp, v, diagonal_matrix(xp, gw))
    vh = adjoint(xp, v)
    inner = product(xp, vh, gv)
    along = 0.5 * (inner + adjoint(xp, inner)) * outer_identity(xp, xp.abs(w))
    turning = between(xp, inner - product(xp, vh, v, along), conj(xp, w))
    return nan_where_phase_matters(xp, of_vectors(xp, v, turning + diagonal_matrix(xp, gw)), inner, gw)


@matrix_rule("linalg.eigvals")
def _eigvals(xp: Any, g: Any, y: Any, x: Any) -> Any:
    return of_vectors(xp, xp.linalg.eig(x)[1], diagonal_matrix(xp, g))


def of_vectors(xp: Any, v: Any, inner: Any) -> Any:
    """V⁻ᴴ M Vᴴ; NaN where the eigenvectors are dependent, of a defective matrix."""
    defective = xp.linalg.matrix_rank(v) < v.shape[-1]
    return product(xp, adjoint(xp, inverse_where(xp, scale(defective), v)), inner, adjoint(xp, v))
