"""Discrete distributions: the probability of a count, differentiated with respect to the parameters."""

from collections.abc import Callable
from math import inf
from typing import Any, NamedTuple

from miniflow_xp.arrays.equations import RECORDED
from miniflow_xp.arrays.traced import Traced
from miniflow_xp.scipy.stats.continuous import formulas_of, one_or_nan, put
from miniflow_xp.scipy.substitutes import as_arrays, refused, substitute

CLASS = "scipy.stats.rv_discrete"


class Counts(NamedTuple):
    """``logpmf(xp, k, *shapes)``, ``cdf`` likewise; the counts from ``low`` to ``high``; ``valid``: which shapes."""

    logpmf: Callable[..., Any]
    cdf: Callable[..., Any]
    sf: Callable[..., Any]
    valid: Callable[..., Any]
    low: float = 0.0
    high: Callable[..., Any] = lambda *shapes: inf


def binomial(xp: Any, k: Any, n: Any, p: Any) -> Any:
    gammaln, special = xp.special.gammaln, xp.special
    ways = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    return ways + special.xlogy(k, p) + special.xlog1py(n - k, -p)


def negative_binomial(xp: Any, k: Any, n: Any, p: Any) -> Any:
    gammaln, special = xp.special.gammaln, xp.special
    return gammaln(n + k) - gammaln(k + 1) - gammaln(n) + n * xp.log(p) + special.xlog1py(k, -p)


def is_probability(p: Any) -> Any:
    return (p >= 0) & (p <= 1)


def upto(xp: Any, k: Any, n: Any, p: Any) -> Any:
    """The probability of at most k of n; 1 for all of them."""
    whole = k >= n
    rest = xp.where(whole, xp.ones_like(n - k), n - k)
    return xp.where(whole, xp.ones_like(rest + p), xp.special.betaincc(k + 1, rest, p + 0 * rest))


DISCRETE: dict[str, Counts] = {
    "poisson": Counts(
        lambda xp, k, mu: xp.special.xlogy(k, mu) - xp.special.gammaln(k + 1) - mu,
        lambda xp, k, mu: xp.special.gammaincc(k + 1, mu),
        lambda xp, k, mu: xp.special.gammainc(k + 1, mu),
        lambda mu: mu >= 0,
    ),
    "bernoulli": Counts(
        lambda xp, k, p: binomial(xp, k, xp.ones_like(p), p),
        lambda xp, k, p: xp.where(k >= 1, xp.ones_like(p), 1 - p),
        lambda xp, k, p: xp.where(k >= 1, xp.zeros_like(p), p),
        is_probability,
        high=lambda p: 1,
    ),
    "binom": Counts(
        binomial,
        upto,
        lambda xp, k, n, p: 1 - upto(xp, k, n, p),
        lambda n, p: (n >= 0) & is_probability(p),
        high=lambda n, p: n,
    ),
    "geom": Counts(
        lambda xp, k, p: xp.special.xlog1py(k - 1, -p) + xp.log(p),
        lambda xp, k, p: -xp.expm1(k * xp.log1p(-p)),
        lambda xp, k, p: xp.exp(k * xp.log1p(-p)),
        lambda p: (p > 0) & (p <= 1),
        low=1.0,
    ),
    "nbinom": Counts(
        negative_binomial,
        lambda xp, k, n, p: xp.special.betainc(n, k + 1, p),
        lambda xp, k, n, p: xp.special.betaincc(n, k + 1, p),
        lambda n, p: (n > 0) & (p > 0) & (p <= 1),
    ),
}


class Counted:
    """The arguments of a call: k less its location, the shapes as arrays, and what is no number."""

    def __init__(self, xp: Any, method: str, distribution: Any, k: Any, args: Any, keywords: Any) -> None:
        self.name = f"scipy.stats.{distribution.name}.{method}"
        self.formulas: Counts = formulas_of(distribution, DISCRETE, self.name)
        shapes, loc, _ = distribution._parse_args(*args, **keywords)  # noqa: SLF001  made for each distribution
        if any(type(x) is Traced and x.level > RECORDED for x in (k, loc)):
            raise refused(
                self.name,
                "the count, or its location, is being differentiated",
                "between whole numbers there is nothing",
                "Write stop_gradient(k)",
            )
        k, *self.shapes, loc = as_arrays(xp, k, *shapes, loc)
        self.k = k - loc
        valid = self.formulas.valid(*self.shapes)
        self.number = one_or_nan(xp, valid & (self.k == self.k), sum(self.shapes[1:], self.shapes[0]))
        self.shapes = [xp.where(valid, shape, xp.full_like(shape, 0.5)) for shape in self.shapes]
        self.below = self.k < self.formulas.low
        self.above = self.k > self.formulas.high(*self.shapes)
        self.inside = xp.where(self.below | self.above, xp.full_like(self.k, self.formulas.low), self.k)


@substitute(f"{CLASS}.logpmf")
def logpmf(xp: Any, self: Any, k: Any, *args: Any, **keywords: Any) -> Any:
    given = Counted(xp, "logpmf", self, k, args, keywords)
    impossible = given.below | given.above | (xp.floor(given.k) != given.k)
    value = given.formulas.logpmf(xp, xp.floor(given.inside), *given.shapes)
    return put(xp, impossible, value, -inf) * given.number


@substitute(f"{CLASS}.pmf")
def pmf(xp: Any, self: Any, k: Any, *args: Any, **keywords: Any) -> Any:
    return xp.exp(logpmf(xp, self, k, *args, **keywords))


def probability(xp: Any, method: str, below: float, above: float, *call: Any) -> Any:
    """cdf or sf: ``below`` and ``above`` are its values beyond the counts."""
    given = Counted(xp, method, *call)
    value = getattr(given.formulas, method)(xp, xp.floor(given.inside), *given.shapes)
    return put(xp, given.above, put(xp, given.below, value, below), above) * given.number


@substitute(f"{CLASS}.cdf")
def cdf(xp: Any, self: Any, k: Any, *args: Any, **keywords: Any) -> Any:
    return probability(xp, "cdf", 0.0, 1.0, self, k, args, keywords)


@substitute(f"{CLASS}.sf")
def sf(xp: Any, self: Any, k: Any, *args: Any, **keywords: Any) -> Any:
    return probability(xp, "sf", 1.0, 0.0, self, k, args, keywords)


@substitute(f"{CLASS}.logcdf")
def logcdf(xp: Any, self: Any, k: Any, *args: Any, **keywords: Any) -> Any:
    return xp.log(cdf(xp, self, k, *args, **keywords))


@substitute(f"{CLASS}.logsf")
def logsf(xp: Any, self: Any, k: Any, *args: Any, **keywords: Any) -> Any:
    return xp.log(sf(xp, self, k, *args, **keywords))
