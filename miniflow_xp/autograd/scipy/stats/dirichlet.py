"""The Dirichlet distribution of proportions with concentrations ``alpha``."""

from typing import Any

from miniflow_xp.autograd.scipy.formulas import of_floats, others_of, require
from miniflow_xp.errors import ShapeError
from miniflow_xp.scipy.stats.multivariate import dirichlet_logpdf

__getattr__ = others_of("dirichlet")


@of_floats
def pdf(xp: Any, x: Any, alpha: Any) -> Any:
    """∏ᵢ xᵢ^(αᵢ-1) / B(α); x: (K,) or (K, N), alpha: (K,)."""
    return xp.exp(log_density(xp, x, alpha))


@of_floats
def logpdf(xp: Any, x: Any, alpha: Any) -> Any:
    """The logarithm of the density; x: (K,) or (K, N), alpha: (K,)."""
    return log_density(xp, x, alpha)


def log_density(xp: Any, x: Any, alpha: Any) -> Any:
    """The logarithm, of proportions that are whole: SciPy takes the last one as the rest."""
    if alpha.ndim != 1 or x.shape[:1] != alpha.shape:
        raise ShapeError(
            "dirichlet",
            f"x is {x.shape}, alpha {alpha.shape}",
            "alpha is (K,), and x (K,) or (K, N)",
            "Give all K proportions",
        )
    require(xp.all(xp.abs(xp.sum(x, axis=0) - 1) < 1e-9), "dirichlet", "the proportions add up to 1")
    require(xp.all(x >= 0), "dirichlet", "no proportion is negative")
    return dirichlet_logpdf(xp, None, x, alpha)
