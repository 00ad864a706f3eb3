"""Formulas of distributions in their standard form, with location 0 and scale 1."""

from collections.abc import Callable
from math import inf, log, pi, sqrt
from typing import Any, NamedTuple

Formula = Callable[..., Any]


class Distribution(NamedTuple):
    """Each formula is ``f(xp, x, *shapes)``; those that are missing are refused, or follow from others.

    ``low`` and ``high``: where the density is, as numbers or functions of the shapes. ``valid``: which shapes there
    are; without it, positive ones.
    """

    logpdf: Formula
    low: Any = -inf
    high: Any = inf
    cdf: Formula | None = None
    sf: Formula | None = None
    logcdf: Formula | None = None
    logsf: Formula | None = None
    ppf: Formula | None = None
    isf: Formula | None = None
    valid: Formula | None = None


LOG_ROOT_2PI = log(2 * pi) / 2


def normal(xp: Any, x: Any) -> Any:
    """The log of the standard normal density."""
    return -0.5 * x * x - LOG_ROOT_2PI


def student(xp: Any, x: Any, df: Any) -> Any:
    half = 0.5 * df
    size = xp.special.gammaln(half + 0.5) - xp.special.gammaln(half) - 0.5 * xp.log(pi * df)
    return size - (half + 0.5) * xp.log1p(x * x / df)


def gamma(xp: Any, x: Any, a: Any) -> Any:
    return xp.special.xlogy(a - 1, x) - x - xp.special.gammaln(a)


def chi2(xp: Any, x: Any, df: Any) -> Any:
    return gamma(xp, x / 2, df / 2) - log(2)


def beta(xp: Any, x: Any, a: Any, b: Any) -> Any:
    return xp.special.xlogy(a - 1, x) + xp.special.xlog1py(b - 1, -x) - xp.special.betaln(a, b)


def of_f(xp: Any, x: Any, n: Any, m: Any) -> Any:
    betaln, xlogy = xp.special.betaln(n / 2, m / 2), xp.special.xlogy(n / 2 - 1, x)
    return m / 2 * xp.log(m) + n / 2 * xp.log(n) + xlogy - (n + m) / 2 * xp.log(m + n * x) - betaln


def lognormal(xp: Any, x: Any, s: Any) -> Any:
    z = xp.log(x)
    return normal(xp, z / s) - xp.log(s) - z


def logistic(xp: Any, x: Any) -> Any:
    return -x - 2 * xp.special.softplus(-x)


def invgauss(xp: Any, x: Any, mu: Any) -> Any:
    return -LOG_ROOT_2PI - 1.5 * xp.log(x) - (x / mu - 1) ** 2 / (2 * x)


def vonmises(xp: Any, x: Any, kappa: Any) -> Any:
    return -2 * kappa * xp.sin(x / 2) ** 2 - log(2 * pi) - xp.log(xp.special.i0e(kappa))


def exponnorm(xp: Any, x: Any, k: Any) -> Any:
    return (0.5 / k - x) / k + xp.special.log_ndtr(x - 1 / k) - xp.log(k)


def asymmetric(xp: Any, x: Any, kappa: Any) -> Any:
    return x * xp.where(x >= 0, -kappa, 1 / kappa) - xp.log(kappa + 1 / kappa)


def nakagami(xp: Any, x: Any, nu: Any) -> Any:
    xlogy, gammaln = xp.special.xlogy, xp.special.gammaln
    return log(2) + xlogy(nu, nu) - gammaln(nu) + xlogy(2 * nu - 1, x) - nu * x * x


def cotangent(xp: Any, q: Any) -> Any:
    """cot(π q), of a q above ½ by 1 - q, which has all its digits."""
    upper = q > 0.5
    return xp.where(upper, -xp.ones_like(q), xp.ones_like(q)) / xp.tan(pi * xp.where(upper, 1 - q, q))


def tangent(xp: Any, q: Any) -> Any:
    """tan(π q / 2), of a q above ½ by 1 - q, which has all its digits."""
    upper = q > 0.5
    found = xp.tan(pi / 2 * xp.where(upper, 1 - q, q))
    return xp.where(upper, 1 / xp.where(upper, found, xp.ones_like(found)), found)


def truncated(xp: Any, x: Any, a: Any, b: Any) -> Any:
    """Of two bounds above 0 the mass between is that between their opposites, where no digits are lost."""
    low, high = xp.where(a > 0, -b, a), xp.where(a > 0, -a, b)
    below, upto = xp.special.log_ndtr(low), xp.special.log_ndtr(high)
    return normal(xp, x) - upto - xp.log1p(-xp.exp(below - upto))


CONTINUOUS: dict[str, Distribution] = {
    "norm": Distribution(
        normal,
        cdf=lambda xp, x: xp.special.ndtr(x),
        sf=lambda xp, x: xp.special.ndtr(-x),
        logcdf=lambda xp, x: xp.special.log_ndtr(x),
        logsf=lambda xp, x: xp.special.log_ndtr(-x),
        ppf=lambda xp, q: xp.special.ndtri(q),
        isf=lambda xp, q: -xp.special.ndtri(q),
    ),
    "t": Distribution(
        student,
        cdf=lambda xp, x, df: xp.special.stdtr(df, x),
        sf=lambda xp, x, df: xp.special.stdtr(df, -x),
    ),
    "gamma": Distribution(
        gamma,
        low=0.0,
        cdf=lambda xp, x, a: xp.special.gammainc(a, x),
        sf=lambda xp, x, a: xp.special.gammaincc(a, x),
    ),
    "chi2": Distribution(
        chi2,
        low=0.0,
        cdf=lambda xp, x, df: xp.special.chdtr(df, x),
        sf=lambda xp, x, df: xp.special.chdtrc(df, x),
    ),
    "chi": Distribution(
        lambda xp, x, df: xp.special.xlogy(df - 1, x) - x * x / 2 - (df / 2 - 1) * log(2) - xp.special.gammaln(df / 2),
        low=0.0,
        cdf=lambda xp, x, df: xp.special.gammainc(df / 2, x * x / 2),
        sf=lambda xp, x, df: xp.special.gammaincc(df / 2, x * x / 2),
    ),
    "invgamma": Distribution(
        lambda xp, x, a: -(a + 1) * xp.log(x) - xp.special.gammaln(a) - 1 / x,
        low=0.0,
        cdf=lambda xp, x, a: xp.special.gammaincc(a, 1 / x),
        sf=lambda xp, x, a: xp.special.gammainc(a, 1 / x),
    ),
    "beta": Distribution(
        beta,
        low=0.0,
        high=1.0,
        cdf=lambda xp, x, a, b: xp.special.betainc(a, b, x),
        sf=lambda xp, x, a, b: xp.special.betaincc(a, b, x),
    ),
    "betaprime": Distribution(
        lambda xp, x, a, b: xp.special.xlogy(a - 1, x) - xp.special.xlog1py(a + b, x) - xp.special.betaln(a, b),
        low=0.0,
    ),
    "f": Distribution(of_f, low=0.0),
    "expon": Distribution(
        lambda xp, x: -x,
        low=0.0,
        cdf=lambda xp, x: -xp.expm1(-x),
        sf=lambda xp, x: xp.exp(-x),
        logsf=lambda xp, x: -x,
        ppf=lambda xp, q: -xp.log1p(-q),
        isf=lambda xp, q: -xp.log(q),
    ),
    "uniform": Distribution(
        lambda xp, x: 0 * x,
        low=0.0,
        high=1.0,
        cdf=lambda xp, x: x,
        sf=lambda xp, x: 1 - x,
        ppf=lambda xp, q: 1 * q,
        isf=lambda xp, q: 1 - q,
    ),
    "cauchy": Distribution(
        lambda xp, x: -log(pi) - xp.log1p(x * x),
        cdf=lambda xp, x: xp.atan2(xp.ones_like(x), -x) / pi,
        sf=lambda xp, x: xp.atan2(xp.ones_like(x), x) / pi,
        ppf=lambda xp, q: -cotangent(xp, q),
        isf=cotangent,
    ),
    "halfcauchy": Distribution(
        lambda xp, x: log(2 / pi) - xp.log1p(x * x),
        low=0.0,
        cdf=lambda xp, x: 2 / pi * xp.atan(x),
        sf=lambda xp, x: 2 / pi * xp.atan2(xp.ones_like(x), x),
        ppf=tangent,
    ),
    "laplace": Distribution(
        lambda xp, x: -log(2) - xp.abs(x),
        cdf=lambda xp, x: xp.where(x > 0, 1 - 0.5 * xp.exp(-xp.abs(x)), 0.5 * xp.exp(-xp.abs(x))),
        sf=lambda xp, x: xp.where(x > 0, 0.5 * xp.exp(-xp.abs(x)), 1 - 0.5 * xp.exp(-xp.abs(x))),
    ),
    "laplace_asymmetric": Distribution(asymmetric),
    "logistic": Distribution(
        logistic,
        cdf=lambda xp, x: xp.special.expit(x),
        sf=lambda xp, x: xp.special.expit(-x),
        logcdf=lambda xp, x: xp.special.log_expit(x),
        logsf=lambda xp, x: xp.special.log_expit(-x),
        ppf=lambda xp, q: xp.special.logit(q),
        isf=lambda xp, q: -xp.special.logit(q),
    ),
    "lognorm": Distribution(
        lognormal,
        low=0.0,
        cdf=lambda xp, x, s: xp.special.ndtr(xp.log(x) / s),
        sf=lambda xp, x, s: xp.special.ndtr(-xp.log(x) / s),
        logcdf=lambda xp, x, s: xp.special.log_ndtr(xp.log(x) / s),
        logsf=lambda xp, x, s: xp.special.log_ndtr(-xp.log(x) / s),
        ppf=lambda xp, q, s: xp.exp(s * xp.special.ndtri(q)),
        isf=lambda xp, q, s: xp.exp(-s * xp.special.ndtri(q)),
    ),
    "pareto": Distribution(
        lambda xp, x, b: xp.log(b) - (b + 1) * xp.log(x),
        low=1.0,
        cdf=lambda xp, x, b: -xp.expm1(-b * xp.log(x)),
        sf=lambda xp, x, b: x**-b,
        logsf=lambda xp, x, b: -b * xp.log(x),
        ppf=lambda xp, q, b: (1 - q) ** (-1 / b),
        isf=lambda xp, q, b: q ** (-1 / b),
    ),
    "lomax": Distribution(
        lambda xp, x, c: xp.log(c) - (c + 1) * xp.log1p(x),
        low=0.0,
        cdf=lambda xp, x, c: -xp.expm1(-c * xp.log1p(x)),
        sf=lambda xp, x, c: xp.exp(-c * xp.log1p(x)),
        logsf=lambda xp, x, c: -c * xp.log1p(x),
        ppf=lambda xp, q, c: xp.expm1(-xp.log1p(-q) / c),
    ),
    "weibull_min": Distribution(
        lambda xp, x, c: xp.log(c) + xp.special.xlogy(c - 1, x) - x**c,
        low=0.0,
        cdf=lambda xp, x, c: -xp.expm1(-(x**c)),
        sf=lambda xp, x, c: xp.exp(-(x**c)),
        logsf=lambda xp, x, c: -(x**c),
        ppf=lambda xp, q, c: (-xp.log1p(-q)) ** (1 / c),
    ),
    "powerlaw": Distribution(
        lambda xp, x, a: xp.log(a) + xp.special.xlogy(a - 1, x),
        low=0.0,
        high=1.0,
        cdf=lambda xp, x, a: x**a,
        logcdf=lambda xp, x, a: a * xp.log(x),
        ppf=lambda xp, q, a: q ** (1 / a),
    ),
    "gumbel_r": Distribution(
        lambda xp, x: -x - xp.exp(-x),
        cdf=lambda xp, x: xp.exp(-xp.exp(-x)),
        sf=lambda xp, x: -xp.expm1(-xp.exp(-x)),
        logcdf=lambda xp, x: -xp.exp(-x),
        ppf=lambda xp, q: -xp.log(-xp.log(q)),
        isf=lambda xp, q: -xp.log(-xp.log1p(-q)),
    ),
    "gumbel_l": Distribution(
        lambda xp, x: x - xp.exp(x),
        cdf=lambda xp, x: -xp.expm1(-xp.exp(x)),
        sf=lambda xp, x: xp.exp(-xp.exp(x)),
        logsf=lambda xp, x: -xp.exp(x),
        ppf=lambda xp, q: xp.log(-xp.log1p(-q)),
        isf=lambda xp, q: xp.log(-xp.log(q)),
    ),
    "halfnorm": Distribution(
        lambda xp, x: normal(xp, x) + log(2),
        low=0.0,
        cdf=lambda xp, x: xp.special.erf(x * sqrt(0.5)),
        sf=lambda xp, x: 2 * xp.special.ndtr(-x),
        ppf=lambda xp, q: xp.special.ndtri((1 + q) / 2),
        isf=lambda xp, q: -xp.special.ndtri(q / 2),
    ),
    "rayleigh": Distribution(
        lambda xp, x: xp.log(x) - 0.5 * x * x,
        low=0.0,
        cdf=lambda xp, x: -xp.expm1(-0.5 * x * x),
        sf=lambda xp, x: xp.exp(-0.5 * x * x),
        logsf=lambda xp, x: -0.5 * x * x,
        ppf=lambda xp, q: xp.sqrt(-2 * xp.log1p(-q)),
        isf=lambda xp, q: xp.sqrt(-2 * xp.log(q)),
    ),
    "maxwell": Distribution(
        lambda xp, x: log(2 / pi) / 2 + 2 * xp.log(x) - 0.5 * x * x,
        low=0.0,
        cdf=lambda xp, x: xp.special.gammainc(xp.full_like(x, 1.5), 0.5 * x * x),
        sf=lambda xp, x: xp.special.gammaincc(xp.full_like(x, 1.5), 0.5 * x * x),
    ),
    "nakagami": Distribution(
        nakagami,
        low=0.0,
        cdf=lambda xp, x, nu: xp.special.gammainc(nu, nu * x * x),
        sf=lambda xp, x, nu: xp.special.gammaincc(nu, nu * x * x),
    ),
    "invgauss": Distribution(invgauss, low=0.0),
    "vonmises": Distribution(vonmises),
    "exponnorm": Distribution(exponnorm),
    "skewnorm": Distribution(
        lambda xp, x, a: log(2) + normal(xp, x) + xp.special.log_ndtr(a * x),
        valid=lambda xp, a: a == a,
    ),
    "truncnorm": Distribution(truncated, low=lambda a, b: a, high=lambda a, b: b, valid=lambda xp, a, b: a < b),
}
