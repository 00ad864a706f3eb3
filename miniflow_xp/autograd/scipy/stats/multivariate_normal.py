"""The normal distribution of vectors with mean ``mean`` and covariance ``cov``."""

from math import log, pi
from typing import Any

from miniflow_xp.arrays.traced import Traced
from miniflow_xp.autograd.scipy.formulas import of_floats, others_of
from miniflow_xp.errors import DifferentiationError, ShapeError

__getattr__ = others_of("multivariate_normal")


@of_floats
def pdf(xp: Any, x: Any, mean: Any = None, cov: Any = 1.0, allow_singular: bool = False) -> Any:
    """The density at x: (d,), or (…, d) for one at each of several places."""
    return xp.exp(log_density(xp, x, mean, cov, allow_singular))


@of_floats
def logpdf(xp: Any, x: Any, mean: Any = None, cov: Any = 1.0, allow_singular: bool = False) -> Any:
    """The logarithm of the density at x: (d,), or (…, d) for one at each of several places."""
    return log_density(xp, x, mean, cov, allow_singular)


@of_floats
def entropy(xp: Any, mean: Any = None, cov: Any = 1.0) -> Any:
    """½ log det(2πe cov), whatever the mean."""
    _, matrix, size = parameters(xp, mean, cov)
    return 0.5 * size * (log(2 * pi) + 1) + sum_of_logs(xp, xp.linalg.cholesky(matrix))


def log_density(xp: Any, x: Any, mean: Any, cov: Any, allow_singular: bool) -> Any:
    """-½ |L⁻¹ (x - mean)|² - log det L - d/2 log 2π, with L Lᵀ = cov."""
    mean, matrix, size = parameters(xp, mean, cov)
    if x.ndim == 0 or (x.ndim == 1 and size == 1):
        x = xp.reshape(x, (*x.shape, 1))
    if x.shape[-1] != size:
        raise ShapeError(
            "multivariate_normal", f"x is {x.shape}", f"its last axis has {size} elements, as cov", "Transpose it"
        )
    rest = x - mean
    if allow_singular:
        return on_a_subspace(xp, rest, matrix)
    root = xp.linalg.cholesky(matrix)
    columns = xp.matrix_transpose(xp.reshape(rest, (-1, size)))
    white = xp.linalg.solve_triangular(root, columns, lower=True)
    squares = xp.reshape(xp.sum(white * white, axis=0), rest.shape[:-1])
    return -0.5 * squares - sum_of_logs(xp, root) - 0.5 * size * log(2 * pi)


def parameters(xp: Any, mean: Any, cov: Any) -> tuple[Any, Any, int]:
    """Mean (d,), covariance (d, d) and d; one number, or a vector, stands for a diagonal covariance."""
    if cov.ndim < 2:
        size = max(cov.shape[0] if cov.ndim else 1, 1 if mean is None or mean.ndim == 0 else mean.shape[0])
        cov = xp.eye(size, dtype=cov.dtype) * cov
    size = cov.shape[0]
    return (xp.zeros(size, dtype=cov.dtype) if mean is None else mean), cov, size


def sum_of_logs(xp: Any, root: Any) -> Any:
    """log det of a triangular matrix."""
    return xp.sum(xp.log(xp.linalg.diagonal(root)))


def on_a_subspace(xp: Any, rest: Any, matrix: Any) -> Any:
    """The density where the covariance is singular: on the space that it spans, -∞ elsewhere, as SciPy has it."""
    if type(matrix) is Traced and matrix.level > 0:
        raise DifferentiationError(
            "multivariate_normal with allow_singular",
            "cov is being differentiated",
            "a density has no gradient with respect to a singular covariance",
            "Leave allow_singular out, or write stop_gradient(cov)",
        )
    values, vectors = xp.linalg.eigh(matrix)
    least = 1e6 * xp.finfo(values.dtype).eps * xp.max(xp.abs(values))
    kept = values > least
    safe = xp.where(kept, values, xp.ones_like(values))
    along = xp.matmul(rest, vectors)
    squares = xp.sum(xp.where(kept, along * along / safe, xp.zeros_like(along)), axis=-1)
    beside = xp.sum(xp.where(kept, xp.zeros_like(along), along * along), axis=-1)
    rank = xp.sum(xp.astype(kept, values.dtype))
    density = -0.5 * (squares + xp.sum(xp.log(safe)) + rank * log(2 * pi))
    return xp.where(beside <= least, density, xp.full_like(density, -float("inf")))
