"""The beta distribution on 0 to 1 with shapes ``a`` and ``b``."""

from math import inf
from typing import Any

from miniflow_xp.autograd.scipy.formulas import of_floats, others_of, within

__getattr__ = others_of("beta")


@of_floats
def pdf(xp: Any, x: Any, a: Any, b: Any) -> Any:
    """x^(a-1) (1-x)^(b-1) / B(a, b), 0 outside of 0 to 1."""
    return xp.exp(log_density(xp, x, a, b))


@of_floats
def logpdf(xp: Any, x: Any, a: Any, b: Any) -> Any:
    """The logarithm of the density."""
    return log_density(xp, x, a, b)


@of_floats
def cdf(xp: Any, x: Any, a: Any, b: Any) -> Any:
    """The probability of no more than x; no gradient goes to ``a`` and ``b``."""
    above = xp.astype(x >= 1, x.dtype)
    return within(xp, inside(xp, x), x, lambda x: xp.special.betainc(a, b, x), 0.0, 0.5) + above * (x > 1)


def log_density(xp: Any, x: Any, a: Any, b: Any) -> Any:
    """(a-1) log x + (b-1) log(1-x) - log B(a, b)."""

    def formula(x: Any) -> Any:
        return xp.special.xlogy(a - 1, x) + xp.special.xlog1py(b - 1, -x) - xp.special.betaln(a, b)

    return within(xp, inside(xp, x), x, formula, -inf, 0.5)


def inside(xp: Any, x: Any) -> Any:
    """Is x in 0 to 1?"""
    return xp.logical_and(x >= 0, x <= 1)
