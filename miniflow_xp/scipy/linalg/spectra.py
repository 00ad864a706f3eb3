"""Eigenvalues, singular values and norms."""

from typing import Any

from miniflow_xp.rules.linalg.matrices import adjoint
from miniflow_xp.scipy.linalg.factors import cholesky
from miniflow_xp.scipy.linalg.systems import filled, solve_triangular
from miniflow_xp.scipy.substitutes import refused, substitute


@substitute("scipy.linalg.eigh", arrays="a b")
def eigh(
    xp: Any,
    a: Any,
    b: Any = None,
    *,
    lower: bool = True,
    eigvals_only: bool = False,
    type: int = 1,
    subset_by_index: Any = None,
) -> Any:
    """a v = λ b v with b = L Lᴴ: the problem of L⁻¹ a L⁻ᴴ. Which of two opposite vectors it is, libraries choose."""
    if type != 1:
        raise refused("scipy.linalg.eigh", f"type={type}", "it knows a v = λ b v, type=1", "Write it in that form")
    whole = filled(xp, a, "hermitian", lower)
    if b is not None:
        factor = cholesky(xp, b, lower=True) if lower else adjoint(xp, cholesky(xp, b))
        left = solve_triangular(xp, factor, whole, lower=True)
        whole = adjoint(xp, solve_triangular(xp, factor, adjoint(xp, left), lower=True))
    first, last = (0, a.shape[-1] - 1) if subset_by_index is None else (int(n) for n in subset_by_index)
    kept = slice(first, last + 1)
    if eigvals_only:
        return xp.linalg.eigvalsh(whole)[..., kept]
    values, vectors = xp.linalg.eigh(whole)
    if b is not None:
        vectors = solve_triangular(xp, factor, vectors, trans=2, lower=True)
    return values[..., kept], vectors[..., kept]


@substitute("scipy.linalg.eigvalsh", arrays="a b")
def eigvalsh(
    xp: Any,
    a: Any,
    b: Any = None,
    *,
    lower: bool = True,
    type: int = 1,
    subset_by_index: Any = None,
) -> Any:
    return eigh(xp, a, b, lower=lower, eigvals_only=True, type=type, subset_by_index=subset_by_index)


@substitute("scipy.linalg.svd", arrays="a")
def svd(xp: Any, a: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    return tuple(xp.linalg.svd(a, full_matrices=full_matrices)) if compute_uv else xp.linalg.svdvals(a)


@substitute("scipy.linalg.svdvals", arrays="a")
def svdvals(xp: Any, a: Any) -> Any:
    return xp.linalg.svdvals(a)


@substitute("scipy.linalg.norm", arrays="a")
def norm(xp: Any, a: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    if axis is None and (ord is None or len(a.shape) == 1):
        found = xp.linalg.vector_norm(xp.reshape(a, (-1,)), ord=2 if ord is None else ord)
        return xp.reshape(found, (1,) * len(a.shape)) if keepdims else found
    axes = (axis,) if isinstance(axis, int) else tuple(range(len(a.shape))) if axis is None else tuple(axis)
    if len(axes) == 1 or ord is None:
        return xp.linalg.vector_norm(a, axis=axes, ord=2 if ord is None else ord, keepdims=keepdims)
    if len(axes) != 2:
        raise refused("scipy.linalg.norm", f"ord={ord!r} of {len(axes)} axes", "one or two", "Give axis=")
    found = xp.linalg.matrix_norm(xp.moveaxis(a, axes, (-2, -1)), ord=ord)
    if not keepdims:
        return found
    return xp.reshape(found, tuple([1 if n in {k % len(a.shape) for k in axes} else s for n, s in enumerate(a.shape)]))
