"""The chi-squared distribution with ``df`` degrees of freedom: twice a gamma distribution of shape df/2."""

from math import log
from typing import Any

from miniflow_xp.autograd.scipy.formulas import of_floats, others_of, within
from miniflow_xp.autograd.scipy.stats.gamma import log_density

__getattr__ = others_of("chi2")


@of_floats
def pdf(xp: Any, x: Any, df: Any) -> Any:
    """The density, 0 for negative x."""
    return xp.exp(log_density(xp, x / 2, df / 2) - log(2))


@of_floats
def logpdf(xp: Any, x: Any, df: Any) -> Any:
    """The logarithm of the density."""
    return log_density(xp, x / 2, df / 2) - log(2)


@of_floats
def cdf(xp: Any, x: Any, df: Any) -> Any:
    """The probability of no more than x; no gradient goes to ``df``."""
    return within(xp, x >= 0, x, lambda x: xp.special.gammainc(df / 2, x / 2), 0.0, 1.0)
