"""Two families of functions that are closed under differentiation, by power series where their formulas are 0 / 0."""

from collections.abc import Sequence
from math import factorial, pi
from typing import Any

from miniflow_xp.arrays.tables import native
from miniflow_xp.rules.special_values import value

TERMS = 24  # of a power series, where it is used: the next one is below 1e-17 of the sum


def polynomial(xp: Any, x: Any, coefficients: Sequence[float]) -> Any:
    """The sum of cₙ xⁿ."""
    total = xp.full_like(x, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        total = total * x + coefficient
    return total


@native("special.sinc_derivative")
def sinc_derivative(xp: Any, x: Any, /, *, order: int) -> Any:
    """The derivative of sinc of this order.

    x sinc(x) = sin(πx)/π, differentiated k times, gives each from the one before: x f + k f' = (sin πx)⁽ᵏ⁾/π.
    """
    near = xp.abs(x) < 1
    inside, outside = xp.where(near, x, xp.zeros_like(x)), xp.where(near, xp.ones_like(x), x)
    sine, cosine = xp.sin(pi * outside), xp.cos(pi * outside)
    turns = (sine, cosine, -sine, -cosine)
    found = sine / (pi * outside)
    for k in range(1, order + 1):
        found = (pi ** (k - 1) * turns[k % 4] - k * found) / outside
    first = (order + 1) // 2
    series = [
        (-1) ** m * pi ** (2 * m) / factorial(2 * m + 1) * factorial(2 * m) / factorial(2 * m - order)
        for m in range(first, first + TERMS)
    ]
    small = polynomial(xp, inside * inside, series)
    return xp.where(near, small * inside if order % 2 else small, found)


@native("special.bessel_ratio")
def bessel_ratio(xp: Any, x: Any, /, *, order: int) -> Any:
    """exp(-|x|) I(x) / xⁿ, with the modified Bessel function I of order n; its series is DLMF 10.25.2."""
    near = xp.abs(x) < 4
    inside, outside = xp.where(near, x, xp.zeros_like(x)), xp.where(near, xp.full_like(x, 4.0), x)
    before, found = value(xp, "i0e", (outside,)), value(xp, "i1e", (outside,)) / outside
    for n in range(1, order):
        before, found = found, (before - 2 * n * found) / (outside * outside)
    series = [0.5**order / (4**k * factorial(k) * factorial(k + order)) for k in range(TERMS)]
    return xp.where(near, polynomial(xp, inside * inside, series) * xp.exp(-xp.abs(inside)), found)
