"""The normal distribution with mean ``loc`` and standard deviation ``scale``."""

from math import log, pi
from typing import Any

from miniflow_xp.autograd.scipy.formulas import of_floats, others_of

__getattr__ = others_of("norm")


@of_floats
def pdf(xp: Any, x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    """exp(-z²/2) / (√(2π) scale), where z = (x - loc) / scale."""
    return xp.exp(log_density(xp, (x - loc) / scale, scale))


@of_floats
def logpdf(xp: Any, x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    """The logarithm of the density."""
    return log_density(xp, (x - loc) / scale, scale)


@of_floats
def cdf(xp: Any, x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    """The probability of no more than x."""
    return xp.special.ndtr((x - loc) / scale)


@of_floats
def sf(xp: Any, x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    """The probability of more than x."""
    return xp.special.ndtr((loc - x) / scale)


@of_floats
def logcdf(xp: Any, x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    """The logarithm of the probability of no more than x."""
    return xp.special.log_ndtr((x - loc) / scale)


@of_floats
def logsf(xp: Any, x: Any, loc: Any = 0.0, scale: Any = 1.0) -> Any:
    """The logarithm of the probability of more than x."""
    return xp.special.log_ndtr((loc - x) / scale)


def log_density(xp: Any, z: Any, scale: Any) -> Any:
    """-z²/2 - log(√(2π) scale)."""
    return -0.5 * z * z - 0.5 * log(2 * pi) - xp.log(scale)
