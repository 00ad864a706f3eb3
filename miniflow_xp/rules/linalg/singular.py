"""Singular values and vectors: svd, svdvals.

As of eigenvectors, phases are not determined (but that of u against v is), nor which vectors belong to equal values, or
to 0 where there are further vectors. Where a loss depends on them its gradient is NaN, and right for one that depends
on values alone.
"""

from typing import Any

from miniflow_xp.dtypes import is_complex
from miniflow_xp.rules.linalg.decompositions import nan_unless_zero
from miniflow_xp.rules.linalg.matrices import (
    adjoint,
    diagonal_matrix,
    differences,
    matrix_rule,
    nan_where_phase_matters,
    outer_identity,
    product,
    quotient,
    rounding,
)


@matrix_rule("linalg.svdvals")
def _svdvals(xp: Any, g: Any, y: Any, x: Any) -> Any:
    u, _, vh = xp.linalg.svd(x, full_matrices=False)
    return of_values(xp, u, g, vh)


def of_values(xp: Any, u: Any, gs: Any, vh: Any) -> Any:
    """The matrix U diag(ḡ) Vᴴ."""
    return xp.matmul(u * gs[..., None, :], vh)


@matrix_rule("linalg.svd")
def _svd(xp: Any, g: Any, y: Any, x: Any, full_matrices: bool = True) -> Any:
    """X = U S Vᴴ. The vectors beyond min(m, n) are not determined: where a gradient arrives for them it is NaN."""
    (u, s, vh), (gu, gs, gvh) = y, g
    k = s.shape[-1]
    if g.arrived == {1}:
        return of_values(xp, u[..., :k], gs, vh[..., :k, :])
    back = thin(xp, (u[..., :k], s, vh[..., :k, :]), (gu[..., :k], gs, gvh[..., :k, :]))
    for beyond in (gu[..., k:], gvh[..., k:, :]):
        if 0 not in beyond.shape:
            back = back + nan_unless_zero(xp, beyond)
    return back


def thin(xp: Any, factors: Any, gradients: Any) -> Any:
    """Of as many vectors as there are singular values: Townsend (2016); for complex ones Wan and Zhang (2019)."""
    (u, s, vh), (gu, gs, gvh) = factors, gradients
    uh, v, gv = adjoint(xp, u), adjoint(xp, vh), adjoint(xp, gvh)
    zero = s <= rounding(xp, s)
    row, nothing = s[..., None, :], zero[..., None, :]
    left, right = product(xp, uh, gu), product(xp, vh, gv)
    inner = turning(xp, left, s) * row + s[..., :, None] * turning(xp, right, s) + diagonal_matrix(xp, gs)
    if is_complex(u):
        phase = 0.5 * (left - adjoint(xp, left)) * outer_identity(xp, s)
        inner = inner + quotient(xp, phase, row, nothing)
    back = nan_where_phase_matters(xp, product(xp, u, inner, vh), left + right, gs)
    if u.shape[-2] > s.shape[-1]:
        back = back + product(xp, quotient(xp, gu - product(xp, u, left), row, nothing), vh)
    if v.shape[-2] > s.shape[-1]:
        back = back + product(xp, u, adjoint(xp, quotient(xp, gv - product(xp, v, right), row, nothing)))
    return back


def turning(xp: Any, inner: Any, s: Any) -> Any:
    """(M - Mᴴ)_ij / (s_j² - s_i²), and 0 on the diagonal."""
    eye = outer_identity(xp, s)
    gap = differences(xp, s)
    square = gap * (s[..., None, :] + s[..., :, None]) + eye
    tied = (xp.abs(gap) <= rounding(xp, s)[..., None]) & (eye == 0)
    return quotient(xp, (inner - adjoint(xp, inner)) * (1 - eye), square, tied)
