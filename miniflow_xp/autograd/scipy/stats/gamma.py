"""The gamma distribution with shape ``a``."""

from math import inf
from typing import Any

from miniflow_xp.autograd.scipy.formulas import of_floats, others_of, within

__getattr__ = others_of("gamma")


@of_floats
def pdf(xp: Any, x: Any, a: Any) -> Any:
    """x^(a-1) exp(-x) / Γ(a), 0 for negative x."""
    return xp.exp(log_density(xp, x, a))


@of_floats
def logpdf(xp: Any, x: Any, a: Any) -> Any:
    """The logarithm of the density."""
    return log_density(xp, x, a)


@of_floats
def cdf(xp: Any, x: Any, a: Any) -> Any:
    """The probability of no more than x; no gradient goes to ``a``."""
    return within(xp, x >= 0, x, lambda x: xp.special.gammainc(a, x), 0.0, 1.0)


def log_density(xp: Any, x: Any, a: Any) -> Any:
    """(a-1) log x - x - log Γ(a)."""
    return within(xp, x >= 0, x, lambda x: xp.special.xlogy(a - 1, x) - x - xp.special.gammaln(a), -inf, 1.0)
