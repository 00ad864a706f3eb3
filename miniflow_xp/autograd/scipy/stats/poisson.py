"""The Poisson distribution of counts ``k`` with mean ``mu``; gradients go to the mean."""

from math import inf
from typing import Any

from miniflow_xp.autograd.scipy.formulas import of_floats, others_of, within

__getattr__ = others_of("poisson")


@of_floats
def pmf(xp: Any, k: Any, mu: Any) -> Any:
    """μᵏ exp(-μ) / k!, 0 for what is no count."""
    return xp.exp(log_mass(xp, k, mu))


@of_floats
def logpmf(xp: Any, k: Any, mu: Any) -> Any:
    """The logarithm of the probability of k."""
    return log_mass(xp, k, mu)


@of_floats
def cdf(xp: Any, k: Any, mu: Any) -> Any:
    """The probability of no more than k."""
    return within(xp, k >= 0, xp.floor(k), lambda k: xp.special.gammaincc(k + 1, mu), 0.0, 0.0)


def log_mass(xp: Any, k: Any, mu: Any) -> Any:
    """k log μ - log k! - μ."""
    counts = xp.logical_and(k >= 0, xp.floor(k) == k)
    return within(xp, counts, k, lambda k: xp.special.xlogy(k, mu) - xp.special.gammaln(k + 1) - mu, -inf, 0.0)
