"""Student's t distribution with ``df`` degrees of freedom, moved by ``loc`` and stretched by ``scale``."""

from math import log, pi
from typing import Any

from miniflow_xp.autograd.scipy.formulas import of_floats, others_of

__getattr__ = others_of("t")


@of_floats
def pdf(xp: Any, x: Any, df: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    """The density."""
    return xp.exp(log_density(xp, (x - loc) / scale, df, scale))


@of_floats
def logpdf(xp: Any, x: Any, df: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    """The logarithm of the density."""
    return log_density(xp, (x - loc) / scale, df, scale)


@of_floats
def cdf(xp: Any, x: Any, df: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    """The probability of no more than x; no gradient goes to ``df``."""
    return xp.special.stdtr(df, (x - loc) / scale)


@of_floats
def logcdf(xp: Any, x: Any, df: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    """The logarithm of the probability of no more than x; no gradient goes to ``df``."""
    return xp.log(xp.special.stdtr(df, (x - loc) / scale))


def log_density(xp: Any, z: Any, df: Any, scale: Any) -> Any:
    """log Γ((df+1)/2) - log Γ(df/2) - log(√(π df) scale) - (df+1)/2 log(1 + z²/df)."""
    constant = xp.special.gammaln((df + 1) / 2) - xp.special.gammaln(df / 2) - 0.5 * xp.log(df) - 0.5 * log(pi)
    return constant - (df + 1) / 2 * xp.log1p(z * z / df) - xp.log(scale)
