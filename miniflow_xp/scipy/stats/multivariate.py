"""Distributions of several variables: the density of the normal one, of Student's t, and of Dirichlet's."""

from math import log, pi
from typing import Any, NamedTuple

from miniflow_xp.arrays.calls import leaves
from miniflow_xp.scipy.linalg.systems import filled
from miniflow_xp.scipy.substitutes import as_array, reference, substitute

NORMAL = "scipy.stats._multivariate.multivariate_normal"


@substitute(f"{NORMAL}_gen.logpdf", arrays="x mean cov")
def logpdf(xp: Any, self: Any, x: Any, mean: Any = None, cov: Any = 1) -> Any:
    """-½ (d log 2π + log det Σ + (x-μ)ᵀ Σ⁻¹ (x-μ)), by Cholesky's factor of Σ; x is (…, d)."""
    squares, log_det, size = distances(xp, x, mean, cov)
    return -0.5 * (size * log(2 * pi) + log_det + squares)


@substitute(f"{NORMAL}_gen.pdf", arrays="x mean cov")
def pdf(xp: Any, self: Any, x: Any, mean: Any = None, cov: Any = 1) -> Any:
    return xp.exp(logpdf(xp, self, x, mean, cov))


class Frozen(NamedTuple):
    """What a frozen distribution has been given, in place of SciPy's decomposition of it."""

    mean: Any
    covariance: Any


@substitute(f"{NORMAL}_frozen.__init__", arrays="mean cov")
def freeze(xp: Any, self: Any, mean: Any = None, cov: Any = 1) -> None:
    self.dim, self.mean = dimension(mean, cov), mean
    self.cov_object = Frozen(mean, cov)


@substitute(f"{NORMAL}_frozen.logpdf", held="cov_object")
def frozen_logpdf(xp: Any, self: Any, x: Any) -> Any:
    held = self.cov_object
    like = reference(leaves([x, *(held if isinstance(held, Frozen) else ())]))
    given = [x if x is None else as_array(xp, x, like) for x in (x, self.mean, held.covariance)]
    return logpdf(xp, None, *given)


@substitute(f"{NORMAL}_frozen.pdf", held="cov_object")
def frozen_pdf(xp: Any, self: Any, x: Any) -> Any:
    return xp.exp(frozen_logpdf(xp, self, x))


def distances(xp: Any, x: Any, mean: Any, cov: Any) -> tuple[Any, Any, int]:
    """(x-μ)ᵀ Σ⁻¹ (x-μ) for each x, log det Σ, and the number of variables d."""
    size = dimension(mean, cov)
    matrix = covariance(xp, cov, size, x)
    if len(x.shape) == 0:
        x = xp.reshape(x, (1,))
    elif len(x.shape) == 1 and size == 1:
        x = x[:, None]
    moved = x if mean is None else x - xp.reshape(mean, (-1,))
    factor = xp.linalg.cholesky(filled(xp, matrix, "hermitian", True))
    rows = xp.reshape(moved, (-1, size))
    whitened = xp.linalg.solve_triangular(factor, xp.matrix_transpose(rows), lower=True)
    squares = xp.reshape(xp.sum(whitened * whitened, axis=0), moved.shape[:-1])
    return squares, 2 * xp.sum(xp.log(xp.linalg.diagonal(factor))), size


def dimension(mean: Any, cov: Any) -> int:
    """The number of variables, of whichever says it."""
    if mean is not None and len(mean.shape) > 0:
        return int(mean.shape[0])
    return int(cov.shape[0]) if hasattr(cov, "shape") and len(cov.shape) > 0 else 1


def covariance(xp: Any, cov: Any, size: int, like: Any) -> Any:
    """The matrix: of a number, or of the variances, on the diagonal."""
    cov = cov if hasattr(cov, "dtype") else xp.asarray(float(cov), dtype=like.dtype, device=like.device)
    if len(cov.shape) == 2:
        return cov
    eye = xp.eye(size, dtype=cov.dtype, device=like.device)
    return cov * eye if len(cov.shape) == 0 else cov[:, None] * eye


@substitute("scipy.stats._multivariate.multivariate_t_gen.logpdf", arrays="x loc shape df")
def t_logpdf(xp: Any, self: Any, x: Any, loc: Any = None, shape: Any = 1, df: Any = 1) -> Any:
    """As ``logpdf``, of Student's t with ``df`` degrees of freedom."""
    squares, log_det, size = distances(xp, x, loc, shape)
    df = df if hasattr(df, "dtype") else xp.asarray(float(df), dtype=x.dtype, device=x.device)
    weight = xp.special.gammaln((df + size) / 2) - xp.special.gammaln(df / 2) - 0.5 * size * xp.log(pi * df)
    return weight - 0.5 * log_det - (df + size) / 2 * xp.log1p(squares / df)


@substitute("scipy.stats._multivariate.multivariate_t_gen.pdf", arrays="x loc shape df")
def t_pdf(xp: Any, self: Any, x: Any, loc: Any = None, shape: Any = 1, df: Any = 1) -> Any:
    return xp.exp(t_logpdf(xp, self, x, loc, shape, df))


@substitute("scipy.stats._multivariate.dirichlet_gen.logpdf", arrays="x alpha")
def dirichlet_logpdf(xp: Any, self: Any, x: Any, alpha: Any) -> Any:
    """Σ (αᵢ - 1) log xᵢ - log B(α); x may lack its last component, which is what is missing to 1."""
    if x.shape[0] == alpha.shape[0] - 1:
        x = xp.concat([x, 1 - xp.sum(x, axis=0, keepdims=True)], axis=0)
    size = xp.special.gammaln(xp.sum(alpha)) - xp.sum(xp.special.gammaln(alpha))
    weights = xp.reshape(alpha - 1, (-1, *([1] * (len(x.shape) - 1))))
    return size + xp.sum(xp.special.xlogy(weights, x), axis=0)


@substitute("scipy.stats._multivariate.dirichlet_gen.pdf", arrays="x alpha")
def dirichlet_pdf(xp: Any, self: Any, x: Any, alpha: Any) -> Any:
    return xp.exp(dirichlet_logpdf(xp, self, x, alpha))
