"""Elementwise functions of one array, and of two."""

import math
from typing import Any

from miniflow_xp.arrays.tables import RULES, rule
from miniflow_xp.rules.algebra import conj, direction, is_complex, slope_rule

LN2, LN10 = math.log(2), math.log(10)

SLOPES: dict[str, Any] = {
    "exp": lambda xp, x, y: y,
    "expm1": lambda xp, x, y: y + 1,
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
    "asin": lambda xp, x, y: 1 / xp.sqrt(1 - x * x),
    "acos": lambda xp, x, y: -1 / xp.sqrt(1 - x * x),
    "atan": lambda xp, x, y: 1 / (1 + x * x),
    "sinh": lambda xp, x, y: xp.cosh(x),
    "cosh": lambda xp, x, y: xp.sinh(x),
    "tanh": lambda xp, x, y: 1 - y * y,
    "asinh": lambda xp, x, y: 1 / xp.sqrt(x * x + 1),
    "acosh": lambda xp, x, y: 1 / (xp.sqrt(x - 1) * xp.sqrt(x + 1)),
    "atanh": lambda xp, x, y: 1 / (1 - x * x),
}
for _name, _slope in SLOPES.items():
    slope_rule(_name, _slope)

RULES["negative"] = lambda xp, g, y, x: (lambda: -g,)
RULES["positive"] = lambda xp, g, y, x: (lambda: g,)

RULES["add"] = lambda xp, g, y, a, b: (lambda: g, lambda: g)
RULES["subtract"] = lambda xp, g, y, a, b: (lambda: g, lambda: -g)
RULES["multiply"] = lambda xp, g, y, a, b: (lambda: g * conj(xp, b), lambda: g * conj(xp, a))
RULES["divide"] = lambda xp, g, y, a, b: (lambda: g / conj(xp, b), lambda: -g * conj(xp, y / b))


@rule("abs")
def _abs(xp: Any, g: Any, y: Any, x: Any) -> Any:
    if is_complex(x):
        return (lambda: g * direction(xp, x, y),)
    return (lambda: g * xp.sign(x),)


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
        if isinstance(a, (int, float)):
            log = math.log(a) if a > 0 else 0.0 if a == 0 else math.nan
            return g * log * conj(xp, y)
        return g * conj(xp, xp.log(xp.where(a == 0, xp.ones_like(a), a)) * y)

    return base, exponent
