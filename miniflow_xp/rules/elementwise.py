"""Elementwise functions of one array, and of two."""

import cmath
import math
from typing import Any

from miniflow_xp.arrays.tables import RULES, rule
from miniflow_xp.arrays.updates import call
from miniflow_xp.rules.algebra import conj, slope_rule

LN2, LN10 = math.log(2), math.log(10)

SLOPES: dict[str, Any] = {
    "exp": lambda xp, x, y: y,
    "expm1": lambda xp, x, y: xp.exp(x),
    "log": lambda xp, x, y: 1 / x,
    "log2": lambda xp, x, y: 1 / (x * LN2),
    "log10": lambda xp, x, y: 1 / (x * LN10),
    "log1p": lambda xp, x, y: 1 / (x + 1),
    "sqrt": lambda xp, x, y: 0.5 / y,
    "square": lambda xp, x, y: 2 * x,
    "reciprocal": lambda xp, x, y: -y * y,
    "sin": lambda xp, x, y: xp.cos(x),
    "cos": lambda xp, x, y: -xp.sin(x),
    "tan": lambda xp, x, y: 1 + y * y,
    "asin": lambda xp, x, y: 1 / xp.sqrt((1 - x) * (1 + x)),
    "acos": lambda xp, x, y: -1 / xp.sqrt((1 - x) * (1 + x)),
    "atan": lambda xp, x, y: 1 / (1 + x * x),
    "sinh": lambda xp, x, y: xp.cosh(x),
    "cosh": lambda xp, x, y: xp.sinh(x),
    "tanh": lambda xp, x, y: 1 - y * y,
    "asinh": lambda xp, x, y: 1 / xp.sqrt(x * x + 1),
    "acosh": lambda xp, x, y: 1 / (xp.sqrt(x - 1) * xp.sqrt(x + 1)),
    "atanh": lambda xp, x, y: 1 / ((1 - x) * (1 + x)),
}
for _name, _slope in SLOPES.items():
    slope_rule(_name, _slope)

RULES["negative"] = lambda xp, g, y, x: (lambda: -g,)
RULES["positive"] = lambda xp, g, y, x: (lambda: g,)

RULES["add"] = lambda xp, g, y, a, b: (lambda: g, lambda: g)
RULES["subtract"] = lambda xp, g, y, a, b: (lambda: g, lambda: -g)
RULES["multiply"] = lambda xp, g, y, a, b: (lambda: g * conj(xp, b), lambda: g * conj(xp, a))
RULES["divide"] = lambda xp, g, y, a, b: (lambda: g / conj(xp, b), lambda: -g * conj(xp, y / b))


@rule("where")
def _where(xp: Any, g: Any, y: Any, condition: Any, a: Any, b: Any) -> Any:
    return None, lambda: xp.where(condition, g, xp.zeros_like(g)), lambda: xp.where(condition, xp.zeros_like(g), g)


@rule("pow")
def _pow(xp: Any, g: Any, y: Any, a: Any, b: Any) -> Any:
    def base() -> Any:
        if isinstance(b, (int, float, complex)):
            if b == 0:
                return xp.zeros_like(g)
            return g * conj(xp, 2 * a) if b == 2 else g * conj(xp, b * a ** (b - 1))
        safe = xp.where(b == 0, xp.ones_like(b), b)
        return xp.where(b == 0, xp.zeros_like(g), g * conj(xp, safe * a ** (safe - 1)))

    def exponent() -> Any:
        if isinstance(a, (int, float, complex)):
            return g * conj(xp, log_of_number(a) * y)
        return g * conj(xp, xp.log(xp.where(a == 0, xp.ones_like(a), a)) * y)

    return base, exponent


def log_of_number(a: complex) -> complex:
    """log a for the base of a power: 0 at 0, where a ** b is constant; NaN for a negative real number."""
    if isinstance(a, complex):
        return cmath.log(a) if a else 0.0
    return math.log(a) if a > 0 else 0.0 if a == 0 else math.nan


@rule("remainder")
def _remainder(xp: Any, g: Any, y: Any, a: Any, b: Any) -> Any:
    """a − b ⌊a / b⌋; the whole number comes from the value, as a / b may be rounded up to the next one."""
    return lambda: g, lambda: -g * xp.round((a - y) / b)


@rule("nextafter")
def _nextafter(xp: Any, g: Any, y: Any, a: Any, b: Any) -> Any:
    """It moves with a, one rounding away from it."""
    return lambda: g, lambda: xp.zeros_like(g)


@rule("atan2")
def _atan2(xp: Any, g: Any, y: Any, a: Any, b: Any) -> Any:
    """(b, −a) / (a² + b²), divided twice by the root of that, which neither overflows nor underflows; NaN at 0, 0."""

    def over(part: Any) -> Any:
        size = xp.hypot(a, b)
        return g * (part / size / size)

    return lambda: over(b), lambda: -over(a)


@rule("hypot")
def _hypot(xp: Any, g: Any, y: Any, a: Any, b: Any) -> Any:
    """(a, b) / √(a² + b²); 0 at 0, 0, as for a norm."""

    def over(part: Any) -> Any:
        return g * (part / xp.where(y == 0, xp.full_like(y, math.inf), y))

    return lambda: over(a), lambda: over(b)


@rule("logaddexp")
def _logaddexp(xp: Any, g: Any, y: Any, a: Any, b: Any) -> Any:
    """g σ(a − b), g σ(b − a); 0 where both are −∞, and weigh nothing."""

    def share(one: Any, other: Any) -> Any:
        finite = xp.where(y == -math.inf, xp.zeros_like(y), other)
        return g * call(xp, "special.expit", one - finite)

    return lambda: share(a, b), lambda: share(b, a)


@rule("copysign")
def _copysign(xp: Any, g: Any, y: Any, a: Any, b: Any) -> Any:
    """|a| with the sign of b: sign(y) sign(a), 0 where a = 0."""
    return lambda: g * (xp.sign(y) * xp.sign(a)), lambda: xp.zeros_like(g)


def larger(xp: Any, g: Any, a: Any, b: Any) -> Any:
    """The gradient of max(a, b) for a: shared equally where both are equal; NaN where one of them is."""
    share = xp.where(a == b, xp.full_like(g, 0.5), xp.full_like(g, math.nan))
    return g * xp.where(a > b, xp.ones_like(g), xp.where(a < b, xp.zeros_like(g), share))


@rule("maximum")
def _maximum(xp: Any, g: Any, y: Any, a: Any, b: Any) -> Any:
    return lambda: larger(xp, g, a, b), lambda: larger(xp, g, b, a)


@rule("minimum")
def _minimum(xp: Any, g: Any, y: Any, a: Any, b: Any) -> Any:
    return lambda: larger(xp, g, b, a), lambda: larger(xp, g, a, b)


@rule("clip")
def _clip(xp: Any, g: Any, y: Any, x: Any, low: Any = None, high: Any = None) -> Any:
    """min(max(x, low), high): to x from one bound to the other, both included; else to the bound that it is."""
    low = -math.inf if low is None else low
    high = math.inf if high is None else high

    def only(condition: Any) -> Any:
        return xp.where(condition, g, xp.zeros_like(g))

    return (
        lambda: only((x >= low) & (x <= high) | (x != x)),
        lambda: only((x < low) & (low <= high)),
        lambda: only((x > high) | (low > high)),
    )
