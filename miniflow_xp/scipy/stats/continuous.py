"""Continuous distributions of one variable: what the methods of ``scipy.stats.norm`` and its like give."""

from collections.abc import Mapping
from math import inf, isfinite, nan
from typing import Any

from miniflow_xp.scipy.stats.formulas import CONTINUOUS, Distribution
from miniflow_xp.scipy.substitutes import as_arrays, refused, substitute

CLASS = "scipy.stats.rv_continuous"


class Standardised:
    """The arguments of a call: the formulas, x and shapes as arrays, z = (x - loc) / scale, and what is no number."""

    def __init__(self, xp: Any, method: str, distribution: Any, x: Any, args: Any, keywords: Any) -> None:
        self.name = f"scipy.stats.{distribution.name}.{method}"
        self.formulas: Distribution = formulas_of(distribution, CONTINUOUS, self.name)
        shapes, loc, scale = distribution._parse_args(*args, **keywords)  # noqa: SLF001  made for each distribution
        self.x, *self.shapes, self.loc, self.scale = as_arrays(xp, x, *shapes, loc, scale)
        valid, given = self.scale > 0, self.shapes
        if self.formulas.valid:
            valid = valid & self.formulas.valid(xp, *self.shapes)
        else:
            for shape in self.shapes:
                valid = valid & (shape > 0)
            self.shapes = [above_zero(xp, shape) for shape in self.shapes]
        self.number = one_or_nan(xp, valid, sum(given, self.scale))
        self.scale = above_zero(xp, self.scale)

    def formula(self, name: str) -> Any:
        found = getattr(self.formulas, name)
        if found is None:
            raise refused(
                self.name,
                "its arguments are being differentiated, and it has no formula here",
                "logpdf and pdf have one, for this distribution",
                "Write it in functions of the namespace",
            )
        return found


def above_zero(xp: Any, x: Any) -> Any:
    """x, and 1 where it is not positive: the formulas are not asked there, the result is no number anyway."""
    return xp.where(x > 0, x, xp.ones_like(x))


def one_or_nan(xp: Any, valid: Any, parameters: Any) -> Any:
    """1 for valid parameters; else NaN, also as the gradient of these."""
    wrong = xp.where(valid, xp.ones_like(parameters), parameters)
    return xp.where(valid, xp.ones_like(wrong), nan * wrong)


def formulas_of(distribution: Any, known: Mapping[str, Any], name: str) -> Any:
    """The formulas of a distribution of SciPy; raises DifferentiationError where there are none."""
    kind = type(distribution)
    found = known.get(kind.__name__.removesuffix("_gen")) if kind.__module__.startswith("scipy.stats.") else None
    if found is None:
        raise refused(
            name,
            "its arguments are being differentiated, and the distribution has no formulas here",
            f"these have: {', '.join(known)}",
            "Write its logarithm in functions of the namespace",
        )
    return found


def bounds(given: Standardised) -> tuple[Any, Any]:
    """Where the density of the standard form begins and ends."""
    low, high = given.formulas.low, given.formulas.high
    return (bound(*given.shapes) if callable(bound) else bound for bound in (low, high))  # type: ignore[return-value]


def within(xp: Any, given: Standardised) -> tuple[Any, Any, Any]:
    """z, moved to a place inside where it is beyond a bound; and where it is below, and above: False for nowhere."""
    z = (given.x - given.loc) / given.scale
    if given.formulas.low == -inf and given.formulas.high == inf:
        return z, False, False
    low, high = bounds(given)
    below, above = z < low, z > high
    inside = xp.where(below | above, middle(xp, low, high, z), z)
    return inside, below, above


def put(xp: Any, places: Any, value: Any, number: float) -> Any:
    """``value``, and a number at these places."""
    return value if places is False else xp.where(places, xp.full_like(value, number), value)


def middle(xp: Any, low: Any, high: Any, z: Any) -> Any:
    """A place between two bounds; one of them may be infinite, and they may be arrays."""
    if hasattr(low, "dtype") or hasattr(high, "dtype"):
        return xp.clip(xp.zeros_like(z), low, high)
    if isfinite(low) and isfinite(high):
        return xp.full_like(z, (low + high) / 2)
    return xp.full_like(z, low + 1 if isfinite(low) else high - 1 if isfinite(high) else 0.0)


@substitute(f"{CLASS}.logpdf")
def logpdf(xp: Any, self: Any, x: Any, *args: Any, **keywords: Any) -> Any:
    """-∞ beyond the bounds, where the gradient is NaN."""
    given = Standardised(xp, "logpdf", self, x, args, keywords)
    z, below, above = within(xp, given)
    value = given.formulas.logpdf(xp, z, *given.shapes) - xp.log(given.scale)
    return out_of_reach(xp, below | above, value, given) * given.number


def out_of_reach(xp: Any, outside: Any, value: Any, given: Standardised) -> Any:
    """``value``, and -∞ outside, with the gradient NaN for everything that it depends on."""
    if outside is False:
        return value
    place = xp.atan(xp.where(outside, given.x - given.loc, xp.zeros_like(given.x - given.loc)))  # never infinite
    undefined = xp.where(outside, xp.full_like(value, nan), xp.ones_like(value))
    return xp.where(outside, xp.full_like(value, -inf), (value + 0 * place) * undefined)


@substitute(f"{CLASS}.pdf")
def pdf(xp: Any, self: Any, x: Any, *args: Any, **keywords: Any) -> Any:
    given = Standardised(xp, "pdf", self, x, args, keywords)
    z, below, above = within(xp, given)
    value = xp.exp(given.formulas.logpdf(xp, z, *given.shapes)) / given.scale
    return put(xp, below | above, value, 0.0) * given.number


def probability(xp: Any, method: str, below: float, above: float, *call: Any) -> Any:
    """cdf, sf or the logarithm of one: ``below`` and ``above`` are its values beyond the bounds."""
    given = Standardised(xp, method, *call)
    z, under, over = within(xp, given)
    plain = method.removeprefix("log")
    if method != plain and getattr(given.formulas, method) is None:
        value = xp.log(given.formula(plain)(xp, z, *given.shapes))
    else:
        value = given.formula(method)(xp, z, *given.shapes)
    return put(xp, over, put(xp, under, value, below), above) * given.number


@substitute(f"{CLASS}.cdf")
def cdf(xp: Any, self: Any, x: Any, *args: Any, **keywords: Any) -> Any:
    return probability(xp, "cdf", 0.0, 1.0, self, x, args, keywords)


@substitute(f"{CLASS}.sf")
def sf(xp: Any, self: Any, x: Any, *args: Any, **keywords: Any) -> Any:
    return probability(xp, "sf", 1.0, 0.0, self, x, args, keywords)


@substitute(f"{CLASS}.logcdf")
def logcdf(xp: Any, self: Any, x: Any, *args: Any, **keywords: Any) -> Any:
    return probability(xp, "logcdf", -inf, 0.0, self, x, args, keywords)


@substitute(f"{CLASS}.logsf")
def logsf(xp: Any, self: Any, x: Any, *args: Any, **keywords: Any) -> Any:
    return probability(xp, "logsf", 0.0, -inf, self, x, args, keywords)


def quantile(xp: Any, method: str, *call: Any) -> Any:
    """The inverse of cdf or of sf, NaN for what is no probability."""
    given = Standardised(xp, method, *call)
    q = given.x
    no_number = xp.where((q < 0) | (q > 1), xp.full_like(q, nan), xp.ones_like(q))
    return (given.loc + given.scale * given.formula(method)(xp, q * no_number, *given.shapes)) * given.number


@substitute(f"{CLASS}.ppf")
def ppf(xp: Any, self: Any, q: Any, *args: Any, **keywords: Any) -> Any:
    return quantile(xp, "ppf", self, q, args, keywords)


@substitute(f"{CLASS}.isf")
def isf(xp: Any, self: Any, q: Any, *args: Any, **keywords: Any) -> Any:
    return quantile(xp, "isf", self, q, args, keywords)


@substitute(f"{CLASS}.nnlf")
def nnlf(xp: Any, self: Any, theta: Any, x: Any) -> Any:
    """The negative sum of the log of the density; ``theta``: shapes, location, scale."""
    return -xp.sum(logpdf(xp, self, x, *theta))
