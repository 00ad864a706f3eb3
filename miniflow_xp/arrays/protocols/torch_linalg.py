"""PyTorch's products of matrices, ``torch.linalg`` and ``torch.fft``."""

from collections.abc import Callable
from typing import Any

from miniflow_xp.arrays.protocols import fourier, linalg, products
from miniflow_xp.arrays.protocols.tables import FUNCTIONS, TORCH, torch

SAME = """
    linalg.det linalg.eig linalg.eigh linalg.eigvals linalg.eigvalsh linalg.inv linalg.multi_dot linalg.slogdet
    linalg.solve linalg.svdvals linalg.matrix_power linalg.cond
"""
for _name in SAME.split():
    TORCH[_name] = FUNCTIONS[_name].call
TORCH.update(
    {
        "inverse": linalg.inv,
        "det": linalg.det,
        "slogdet": linalg.slogdet,
        "matrix_power": linalg.matrix_power,
        "dot": products.dot,
        "inner": products.inner,
        "outer": products.outer,
        "ger": products.outer,
        "vdot": products.vdot,
        "kron": products.kron,
    }
)


@torch("einsum")
def einsum(xp: Any, *operands: Any) -> Any:
    arrays = operands[1] if len(operands) == 2 and isinstance(operands[1], (list, tuple)) else operands[1:]
    return products.einsum(xp, operands[0], *arrays)


@torch("tensordot")
def tensordot(xp: Any, a: Any, b: Any, dims: Any = 2) -> Any:
    return xp.tensordot(a, b, axes=dims)


@torch("linalg.vecdot")
def vecdot(xp: Any, x: Any, y: Any, *, dim: int = -1) -> Any:
    return xp.vecdot(x, y, axis=dim)


@torch("linalg.cross", "cross")
def cross(xp: Any, input: Any, other: Any, dim: int = -1) -> Any:  # noqa: A002
    return products.cross(xp, input, other, axis=dim)


@torch("addmm")
def addmm(xp: Any, input: Any, mat1: Any, mat2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:  # noqa: A002
    return beta * input + alpha * xp.matmul(mat1, mat2)


@torch("baddbmm")
def baddbmm(xp: Any, input: Any, batch1: Any, batch2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:  # noqa: A002
    return addmm(xp, input, batch1, batch2, beta=beta, alpha=alpha)


@torch("addmv")
def addmv(xp: Any, input: Any, mat: Any, vec: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:  # noqa: A002
    return addmm(xp, input, mat, vec, beta=beta, alpha=alpha)


@torch("logdet")
def logdet(xp: Any, input: Any) -> Any:  # noqa: A002
    """NaN where the determinant is negative."""
    sign, size = xp.linalg.slogdet(input)
    return size + xp.where(sign < 0, xp.full_like(size, float("nan")), xp.zeros_like(size))


@torch("linalg.cholesky", "cholesky")
def cholesky(xp: Any, A: Any, upper: bool = False) -> Any:
    return xp.linalg.cholesky(A, upper=upper)


@torch("linalg.svd")
def svd(xp: Any, A: Any, full_matrices: bool = True) -> Any:
    return linalg.svd(xp, A, full_matrices)


@torch("linalg.qr")
def qr(xp: Any, A: Any, mode: str = "reduced") -> Any:
    return xp.linalg.qr(A, mode=mode)


@torch("linalg.pinv", "pinverse")
def pinv(xp: Any, A: Any, *, rtol: Any = None) -> Any:
    return linalg.pinv(xp, A, rtol=rtol)


@torch("linalg.matrix_exp", "matrix_exp")
def matrix_exp(xp: Any, A: Any) -> Any:
    return xp.linalg.expm(A)


@torch("linalg.solve_triangular")
def solve_triangular(xp: Any, A: Any, B: Any, *, upper: bool) -> Any:
    return xp.linalg.solve_triangular(A, B, lower=not upper)


@torch("linalg.norm")
def norm(xp: Any, A: Any, ord: Any = None, dim: Any = None, keepdim: bool = False) -> Any:  # noqa: A002
    return linalg.norm(xp, A, ord, dim, keepdim)


@torch("linalg.vector_norm")
def vector_norm(xp: Any, x: Any, ord: Any = 2, dim: Any = None, keepdim: bool = False) -> Any:  # noqa: A002
    return linalg.vector_norm(xp, x, axis=dim, keepdims=keepdim, ord=ord)


@torch("linalg.matrix_norm")
def matrix_norm(xp: Any, A: Any, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False) -> Any:  # noqa: A002
    return linalg.norm(xp, A, ord, tuple(dim), keepdim)


@torch("linalg.diagonal")
def diagonal(xp: Any, A: Any, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    return xp.diagonal(A, offset, dim1, dim2)


@torch("adjoint")
def adjoint(xp: Any, input: Any) -> Any:  # noqa: A002
    return linalg.adjoint(xp, input)


def along_one_axis(name: str) -> Callable[..., Any]:
    numpys = fourier.along_one_axis(name)

    def call(xp: Any, input: Any, n: Any = None, dim: int = -1, norm: Any = None) -> Any:  # noqa: A002
        return numpys(xp, input, n, dim, norm)

    return call


def along_several(name: str, last: Any) -> Callable[..., Any]:
    numpys = fourier.along_several(name, last)

    def call(xp: Any, input: Any, s: Any = None, dim: Any = last, norm: Any = None) -> Any:  # noqa: A002
        return numpys(xp, input, s, dim, norm)

    return call


for _name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft"):
    TORCH[f"fft.{_name}"] = along_one_axis(_name)
for _name in ("fftn", "ifftn", "rfftn", "irfftn"):
    TORCH[f"fft.{_name}"] = along_several(_name, None)
    TORCH[f"fft.{_name[:-1]}2"] = along_several(_name, (-2, -1))


@torch("fft.fftshift")
def fftshift(xp: Any, input: Any, dim: Any = None) -> Any:  # noqa: A002
    return xp.fft.fftshift(input, axes=dim)


@torch("fft.ifftshift")
def ifftshift(xp: Any, input: Any, dim: Any = None) -> Any:  # noqa: A002
    return xp.fft.ifftshift(input, axes=dim)
