"""Special functions made of others, with the gradients of these."""

from math import log, pi, sqrt
from typing import Any

from miniflow_xp.arrays.tables import composed
from miniflow_xp.arrays.updates import call
from miniflow_xp.rules.special import digamma, gammaln
from miniflow_xp.rules.special_values import as_arrays


@composed("special.psi")
def psi(xp: Any, x: Any, /) -> Any:
    """The derivative of gammaln, another name of digamma."""
    return digamma(xp, x)


@composed("special.multigammaln")
def multigammaln(xp: Any, a: Any, d: int, /) -> Any:
    """log of the gamma function of d dimensions, the sum of gammaln(a - j/2) for j from 0 to d - 1, and a constant."""
    total = gammaln(xp, a)
    for j in range(1, d):
        total = total + gammaln(xp, a - 0.5 * j)
    return total + d * (d - 1) / 4 * log(pi)


@composed("special.chdtr")
def chdtr(xp: Any, v: Any, x: Any, /) -> Any:
    """The distribution function of χ² with v degrees of freedom."""
    return call(xp, "special.gammainc", v / 2, x / 2)


@composed("special.chdtrc")
def chdtrc(xp: Any, v: Any, x: Any, /) -> Any:
    """1 - chdtr(v, x), accurate where that is small."""
    return call(xp, "special.gammaincc", v / 2, x / 2)


@composed("special.fdtr")
def fdtr(xp: Any, dfn: Any, dfd: Any, x: Any, /) -> Any:
    """The distribution function of the ratio of two χ², each over its degrees of freedom."""
    dfn, dfd, x = as_arrays(xp, dfn, dfd, x)
    return call(xp, "special.betainc", dfn / 2, dfd / 2, dfn * x / (dfn * x + dfd))


@composed("special.fdtrc")
def fdtrc(xp: Any, dfn: Any, dfd: Any, x: Any, /) -> Any:
    """1 - fdtr(dfn, dfd, x), accurate where that is small."""
    dfn, dfd, x = as_arrays(xp, dfn, dfd, x)
    return call(xp, "special.betainc", dfd / 2, dfn / 2, dfd / (dfn * x + dfd))


@composed("special.gdtr")
def gdtr(xp: Any, a: Any, b: Any, x: Any, /) -> Any:
    """The distribution function of the gamma distribution of shape b and rate a."""
    return call(xp, "special.gammainc", b, a * x)


@composed("special.gdtrc")
def gdtrc(xp: Any, a: Any, b: Any, x: Any, /) -> Any:
    """1 - gdtr(a, b, x), accurate where that is small."""
    return call(xp, "special.gammaincc", b, a * x)


@composed("special.exp2")
def exp2(xp: Any, x: Any, /) -> Any:
    """2 to the power of x."""
    return 2.0**x


@composed("special.exp10")
def exp10(xp: Any, x: Any, /) -> Any:
    """10 to the power of x."""
    return 10.0**x


@composed("special.erfcinv")
def erfcinv(xp: Any, y: Any, /) -> Any:
    """The inverse of erfc."""
    return -sqrt(0.5) * call(xp, "special.ndtri", 0.5 * y)


@composed("special.huber")
def huber(xp: Any, delta: Any, r: Any, /) -> Any:
    """r²/2 up to |r| = delta, and delta (|r| - delta/2) beyond."""
    delta, r = as_arrays(xp, delta, r)
    return xp.where(xp.abs(r) <= delta, 0.5 * r * r, delta * (xp.abs(r) - 0.5 * delta))


@composed("special.pseudo_huber")
def pseudo_huber(xp: Any, delta: Any, r: Any, /) -> Any:
    """delta² (√(1 + (r/delta)²) - 1), a smooth huber."""
    delta, r = as_arrays(xp, delta, r)
    return r * r / (1 + xp.sqrt(1 + (r / delta) ** 2))
