"""``numpy.linalg``."""

from math import prod
from typing import Any

from miniflow_xp.arrays.protocols.arguments import as_array, as_inexact, axes_of, axis_of, in_kind, row_by_row
from miniflow_xp.arrays.protocols.shapes import expand_dims
from miniflow_xp.arrays.protocols.tables import numpy
from miniflow_xp.arrays.refusals import not_taken
from miniflow_xp.dtypes import is_complex
from miniflow_xp.errors import ShapeError


@numpy("linalg.cholesky")
@row_by_row
def cholesky(xp: Any, a: Any, /, *, upper: bool = False) -> Any:
    return xp.linalg.cholesky(a, upper=upper)


@numpy("linalg.det")
def det(xp: Any, a: Any) -> Any:
    return xp.linalg.det(a)


@numpy("linalg.slogdet")
def slogdet(xp: Any, a: Any) -> Any:
    return xp.linalg.slogdet(a)


@numpy("linalg.inv")
def inv(xp: Any, a: Any) -> Any:
    return xp.linalg.inv(a)


@numpy("linalg.solve")
def solve(xp: Any, a: Any, b: Any) -> Any:
    return xp.linalg.solve(as_array(xp, a), as_array(xp, b))


@numpy("linalg.eig")
def eig(xp: Any, a: Any) -> Any:
    return xp.linalg.eig(a)


@numpy("linalg.eigvals")
def eigvals(xp: Any, a: Any) -> Any:
    return xp.linalg.eigvals(a)


@numpy("linalg.eigh")
def eigh(xp: Any, a: Any, UPLO: str = "L") -> Any:
    return xp.linalg.eigh(lower(xp, a, UPLO))


@numpy("linalg.eigvalsh")
def eigvalsh(xp: Any, a: Any, UPLO: str = "L") -> Any:
    return xp.linalg.eigvalsh(lower(xp, a, UPLO))


def lower(xp: Any, a: Any, UPLO: str) -> Any:
    """A matrix whose lower triangle is what NumPy reads; the upper one, conjugated and transposed."""
    if UPLO not in ("L", "U", "l", "u"):
        raise not_taken("UPLO", UPLO, ("L", "U"))
    return a if UPLO in ("L", "l") else adjoint(xp, a)


def adjoint(xp: Any, a: Any) -> Any:
    """The conjugate transpose."""
    turned = xp.matrix_transpose(a)
    return xp.conj(turned) if is_complex(a) else turned


@numpy("linalg.svd")
def svd(xp: Any, a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    if not compute_uv:
        return xp.linalg.svdvals(a)
    m, n = a.shape[-2:]
    return xp.linalg.svd(a, full_matrices=full_matrices and m != n)


@numpy("linalg.svdvals")
def svdvals(xp: Any, x: Any, /) -> Any:
    return xp.linalg.svdvals(x)


@numpy("linalg.qr")
def qr(xp: Any, a: Any, mode: str = "reduced") -> Any:
    if mode not in ("reduced", "complete", "r"):
        raise not_taken("mode", mode, ("reduced", "complete", "r"))
    found = xp.linalg.qr(a, mode="reduced" if mode == "r" else mode)
    return found[1] if mode == "r" else found


@numpy("linalg.pinv")
def pinv(xp: Any, a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    cut = rcond if rtol is None else rtol
    return xp.linalg.pinv(a) if cut is None else xp.linalg.pinv(a, rtol=cut)


@numpy("linalg.matrix_rank", gradient=False)
def matrix_rank(xp: Any, A: Any, tol: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    if tol is None:
        return xp.linalg.matrix_rank(A, rtol=rtol)
    return xp.sum(xp.astype(xp.linalg.svdvals(A) > tol, xp.int64), axis=-1)


@numpy("linalg.matrix_power")
def matrix_power(xp: Any, a: Any, n: int) -> Any:
    return xp.linalg.matrix_power(a, int(n))


@numpy("linalg.lstsq")
def lstsq(xp: Any, a: Any, b: Any, rcond: Any = None) -> Any:
    """The solution, sums of squares (none where the rank is not full, or nothing is left over), rank, values."""
    a, b = as_array(xp, a), as_array(xp, b)
    found = xp.linalg.lstsq(a, b, rtol=rcond)
    m, n = a.shape
    residuals = xp.reshape(found[1], (1,)) if len(b.shape) == 1 else found[1]
    if m <= n or int(found[2]) < n:
        residuals = xp.zeros((0,), dtype=residuals.dtype)
    return found[0], residuals, found[2], found[3]


@numpy("linalg.norm")
def norm(xp: Any, x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:  # noqa: A002  NumPy's
    x, axis = as_inexact(xp, x), axis_of(axis)
    if ord is None and (axis is None or (isinstance(axis, tuple) and len(axis) == 2)):
        return xp.linalg.vector_norm(x, axis=axis, keepdims=keepdims)
    axes = axes_of(axis, len(x.shape))
    if len(axes) == 1:
        return xp.linalg.vector_norm(x, axis=axes[0], keepdims=keepdims, ord=2 if ord is None else ord)
    if len(axes) != 2:
        raise ShapeError("np.linalg.norm", f"{len(axes)} axes", "one axis, or two", "Give axis=")
    found = xp.linalg.matrix_norm(xp.moveaxis(x, axes, (-2, -1)), ord=ord)
    return expand_dims(xp, found, axes) if keepdims else found


@numpy("linalg.vector_norm")
def vector_norm(xp: Any, x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:  # noqa: A002
    return xp.linalg.vector_norm(x, axis=axis_of(axis), keepdims=keepdims, ord=ord)


@numpy("linalg.matrix_norm")
def matrix_norm(xp: Any, x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:  # noqa: A002
    return xp.linalg.matrix_norm(x, keepdims=keepdims, ord=ord)


@numpy("linalg.cond")
def cond(xp: Any, x: Any, p: Any = None) -> Any:
    if p in (None, 2, -2):
        values = xp.linalg.svdvals(x)
        first, final = values[..., 0], values[..., -1]
        return final / first if p == -2 else first / final
    return xp.linalg.matrix_norm(x, ord=p) * xp.linalg.matrix_norm(xp.linalg.inv(x), ord=p)


@numpy("linalg.diagonal")
def diagonal(xp: Any, x: Any, /, *, offset: int = 0) -> Any:
    return xp.linalg.diagonal(x, offset=offset)


@numpy("linalg.trace")
def trace(xp: Any, x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    return xp.linalg.trace(in_kind(xp, x, dtype), offset=offset)


@numpy("linalg.tensorinv")
def tensorinv(xp: Any, a: Any, ind: int = 2) -> Any:
    shape = tuple(a.shape)
    flat = xp.reshape(a, (prod(shape[:ind]), -1))
    return xp.reshape(xp.linalg.inv(flat), shape[ind:] + shape[:ind])


@numpy("linalg.tensorsolve")
def tensorsolve(xp: Any, a: Any, b: Any, axes: Any = None) -> Any:
    a, b = as_array(xp, a), as_array(xp, b)
    if axes is not None:
        last = axes_of(axes, len(a.shape))
        a = xp.permute_dims(a, (*[n for n in range(len(a.shape)) if n not in last], *last))
    shape = tuple(a.shape)[len(b.shape) :]
    return xp.reshape(xp.linalg.solve(xp.reshape(a, (-1, prod(shape))), xp.ravel(b)), shape)
