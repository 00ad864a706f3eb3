"""Special functions: the error function, gamma, beta, Bessel and normal distribution functions, entropies."""

from collections.abc import Callable
from math import inf, nan, pi, sqrt
from typing import Any

from miniflow_xp.arrays.refusals import no_closed_form
from miniflow_xp.arrays.tables import rule
from miniflow_xp.arrays.updates import call
from miniflow_xp.rules.algebra import conj, slope_rule
from miniflow_xp.rules.special_values import as_arrays


def special(name: str) -> Callable[..., Any]:
    """The special function of this name, on arrays of any namespace, a library's or ours."""

    def function(xp: Any, *args: Any, **keywords: Any) -> Any:
        return call(xp, f"special.{name}", *args, **keywords)

    return function


bessel_ratio = special("bessel_ratio")
betaln = special("betaln")
digamma = special("digamma")
erfcx = special("erfcx")
expit = special("expit")
gammaln = special("gammaln")
i0 = special("i0")
i0e = special("i0e")
i1 = special("i1")
i1e = special("i1e")
polygamma = special("polygamma")
sinc_derivative = special("sinc_derivative")
xdivy = special("xdivy")
xlog1py = special("xlog1py")
xlogy = special("xlogy")
zeta = special("zeta")


def normal_density(xp: Any, x: Any) -> Any:
    """exp(-x²/2) / √(2π)."""
    return xp.exp(-0.5 * x * x) / sqrt(2 * pi)


def slope_of_erfcx(xp: Any, x: Any, y: Any) -> Any:
    """2 x y - 2/√π; from 50 on, where these cancel, by the asymptotic series, DLMF 7.12.1."""
    far = x > 50
    t = 0.5 / xp.where(far, x * x, xp.full_like(x, inf))
    series = -2 / sqrt(pi) * t * (1 - 3 * t * (1 - 5 * t * (1 - 7 * t * (1 - 9 * t))))
    return xp.where(far, series, 2 * xp.where(far, xp.zeros_like(x), x * y) - 2 / sqrt(pi))


def slope_of_log_ndtr(xp: Any, x: Any, y: Any) -> Any:
    """The density over ndtr(x); far left, where both vanish, √(2/π) / erfcx(-x/√2)."""
    far = x < -5
    zero = xp.zeros_like(x)
    near = xp.where(far, zero, x)
    ratio = xp.exp(-0.5 * near * near - xp.where(far, zero, y)) / sqrt(2 * pi)
    return xp.where(far, sqrt(2 / pi) / erfcx(xp, sqrt(0.5) * xp.where(far, -x, 5 + zero)), ratio)


SLOPES: dict[str, Any] = {
    "erf": lambda xp, x, y: 2 / sqrt(pi) * xp.exp(-x * x),
    "erfc": lambda xp, x, y: -2 / sqrt(pi) * xp.exp(-x * x),
    "erfcx": slope_of_erfcx,
    "erfinv": lambda xp, x, y: 0.5 * sqrt(pi) * xp.exp(y * y),
    "gamma": lambda xp, x, y: y * digamma(xp, x),
    "gammaln": lambda xp, x, y: digamma(xp, x),
    "digamma": lambda xp, x, y: polygamma(xp, 1, x),
    "entr": lambda xp, x, y: -xp.log(x) - 1,
    "expit": lambda xp, x, y: y * expit(xp, -x),
    "logit": lambda xp, x, y: 1 / (x * (1 - x)),
    "log_expit": lambda xp, x, y: expit(xp, -x),
    "softplus": lambda xp, x, y: expit(xp, x),
    "ndtr": lambda xp, x, y: normal_density(xp, x),
    "ndtri": lambda xp, x, y: 1 / normal_density(xp, y),
    "log_ndtr": slope_of_log_ndtr,
    "i0": lambda xp, x, y: i1(xp, x),
    "i0e": lambda xp, x, y: i1e(xp, x) - xp.sign(x) * y,
    "i1": lambda xp, x, y: i0(xp, x) - xp.exp(xp.abs(x)) * bessel_ratio(xp, x, order=1),
    "i1e": lambda xp, x, y: i0e(xp, x) - bessel_ratio(xp, x, order=1) - xp.sign(x) * y,
    "sinc": lambda xp, x, y: sinc_derivative(xp, x, order=1),
}
for _name, _slope in SLOPES.items():
    slope_rule(f"special.{_name}", _slope)


@rule("special.polygamma")
def _polygamma(xp: Any, g: Any, y: Any, n: int, x: Any) -> Any:
    return None, lambda: g * polygamma(xp, n + 1, x)


@rule("special.sinc_derivative")
def _sinc_derivative(xp: Any, g: Any, y: Any, x: Any, order: int) -> Any:
    return (lambda: g * sinc_derivative(xp, x, order=order + 1),)


@rule("special.bessel_ratio")
def _bessel_ratio(xp: Any, g: Any, y: Any, x: Any, order: int) -> Any:
    """The derivative of I / xⁿ is x times the ratio of the next order."""
    return (lambda: g * (x * bessel_ratio(xp, x, order=order + 1) - xp.sign(x) * y),)


@rule("special.xdivy")
def _xdivy(xp: Any, g: Any, v: Any, x: Any, y: Any) -> Any:
    return lambda: g / conj(xp, y), lambda: -g * conj(xp, xdivy(xp, v, y))


@rule("special.xlogy")
def _xlogy(xp: Any, g: Any, v: Any, x: Any, y: Any) -> Any:
    x, y = as_arrays(xp, x, y)
    return lambda: g * conj(xp, xp.log(y)), lambda: g * conj(xp, xdivy(xp, x, y))


@rule("special.xlog1py")
def _xlog1py(xp: Any, g: Any, v: Any, x: Any, y: Any) -> Any:
    x, y = as_arrays(xp, x, y)
    return lambda: g * conj(xp, xp.log1p(y)), lambda: g * conj(xp, xdivy(xp, x, 1 + y))


def not_negative(xp: Any, *inputs: Any) -> Any:
    """The inputs, with NaN where they are below 0."""
    return [xp.where(x < 0, xp.full_like(x, nan), x) for x in as_arrays(xp, *inputs)]


@rule("special.rel_entr")
def _rel_entr(xp: Any, g: Any, v: Any, x: Any, y: Any) -> Any:
    x, y = not_negative(xp, x, y)
    return lambda: g * (xp.log(x / y) + 1), lambda: -g * xdivy(xp, x, y)


@rule("special.kl_div")
def _kl_div(xp: Any, g: Any, v: Any, x: Any, y: Any) -> Any:
    x, y = not_negative(xp, x, y)
    return lambda: g * xp.log(x / y), lambda: g * (1 - xdivy(xp, x, y))


@rule("special.betaln")
def _betaln(xp: Any, g: Any, y: Any, a: Any, b: Any) -> Any:
    a, b = as_arrays(xp, a, b)
    return lambda: g * (digamma(xp, a) - digamma(xp, a + b)), lambda: g * (digamma(xp, b) - digamma(xp, a + b))


@rule("special.beta")
def _beta(xp: Any, g: Any, y: Any, a: Any, b: Any) -> Any:
    return _betaln(xp, g * y, y, a, b)


def refused(function: str, argument: str) -> Callable[[], Any]:
    """A gradient that nobody may ask for, because it has no closed form."""

    def back() -> Any:
        raise no_closed_form(f"special.{function}", argument)

    return back


def gamma_density(xp: Any, a: Any, x: Any) -> Any:
    """x^(a-1) exp(-x) / Γ(a)."""
    a, x = as_arrays(xp, a, x)
    return xp.exp(xlogy(xp, a - 1, x) - x - gammaln(xp, a))


@rule("special.gammainc")
def _gammainc(xp: Any, g: Any, y: Any, a: Any, x: Any) -> Any:
    return refused("gammainc", "a"), lambda: g * gamma_density(xp, a, x)


@rule("special.gammaincc")
def _gammaincc(xp: Any, g: Any, y: Any, a: Any, x: Any) -> Any:
    return refused("gammaincc", "a"), lambda: -g * gamma_density(xp, a, x)


def beta_density(xp: Any, a: Any, b: Any, x: Any) -> Any:
    """x^(a-1) (1-x)^(b-1) / B(a, b)."""
    a, b, x = as_arrays(xp, a, b, x)
    return xp.exp(xlogy(xp, a - 1, x) + xlog1py(xp, b - 1, -x) - betaln(xp, a, b))


@rule("special.betainc")
def _betainc(xp: Any, g: Any, y: Any, a: Any, b: Any, x: Any) -> Any:
    return refused("betainc", "a"), refused("betainc", "b"), lambda: g * beta_density(xp, a, b, x)


@rule("special.betaincc")
def _betaincc(xp: Any, g: Any, y: Any, a: Any, b: Any, x: Any) -> Any:
    return refused("betaincc", "a"), refused("betaincc", "b"), lambda: -g * beta_density(xp, a, b, x)


@rule("special.stdtr")
def _stdtr(xp: Any, g: Any, y: Any, df: Any, t: Any) -> Any:
    """The density of Student's t, (1 + t²/df)^(-(df+1)/2) / (√df B(df/2, ½))."""

    def density() -> Any:
        n, z = as_arrays(xp, df, t)
        constant = betaln(xp, 0.5 * n, xp.full_like(n, 0.5)) + 0.5 * xp.log(n)
        return xp.exp(-0.5 * (n + 1) * xp.log1p(z * z / n) - constant)

    return refused("stdtr", "df"), lambda: g * density()


@rule("special.zeta")
def _zeta(xp: Any, g: Any, y: Any, x: Any, q: Any) -> Any:
    return refused("zeta", "x"), lambda: -g * x * zeta(xp, x + 1, q)
