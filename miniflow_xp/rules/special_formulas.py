"""Special functions written in functions of the standard, for libraries that lack them."""

import math
from collections.abc import Callable
from typing import Any

from miniflow_xp.arrays.tables import NATIVE

Function = Callable[..., Any]


def expit(xp: Any, x: Any) -> Any:
    """By e^(-|x|), which never overflows, and is accurate in both tails."""
    e = xp.exp(-xp.abs(x))
    return xp.where(x >= 0, xp.ones_like(e), e) / (1 + e)


def softplus(xp: Any, x: Any) -> Any:
    """log(e⁰ + e^x)."""
    return xp.logaddexp(x, xp.zeros_like(x))


def log_expit(xp: Any, x: Any) -> Any:
    """-log(1 + e^(-x))."""
    return -softplus(xp, -x)


def xdivy(xp: Any, x: Any, y: Any) -> Any:
    """x / y, and 0 where both are 0."""
    return x / xp.where((x == 0) & (y == 0), xp.ones_like(y), y)


def xlogy(xp: Any, x: Any, y: Any) -> Any:
    """x log y, and 0 where x is 0 and y is a number."""
    return x * xp.log(xp.where((x == 0) & (y == y), xp.ones_like(y), y))


def xlog1py(xp: Any, x: Any, y: Any) -> Any:
    """x log(1 + y), and 0 where x is 0 and y is a number."""
    return x * xp.log1p(xp.where((x == 0) & (y == y), xp.zeros_like(y), y))


def entr(xp: Any, x: Any) -> Any:
    """-x log x, 0 at 0, and -∞ below."""
    negative = x < 0
    inside = xp.where(negative, xp.zeros_like(x), x)
    return xp.where(negative, xp.full_like(x, -math.inf), -xlogy(xp, inside, inside))


def rel_entr(xp: Any, x: Any, y: Any) -> Any:
    """x log(x / y) of positive numbers, 0 where x = 0 ≤ y, and ∞ elsewhere."""
    inside, nothing = (x > 0) & (y > 0), (x == 0) & (y >= 0)
    above, below = xp.where(inside, x, xp.ones_like(x)), xp.where(inside, y, xp.ones_like(y))
    total = x + y
    outside = xp.where(total == total, xp.full_like(total, math.inf), total)
    outside = xp.where(nothing, xp.zeros_like(total), outside)
    return xp.where(inside, above * xp.log(above / below), outside)


def kl_div(xp: Any, x: Any, y: Any) -> Any:
    """x log(x / y) - x + y, ∞ where one of them is negative."""
    entropy = rel_entr(xp, x, y)
    return xp.where(entropy == math.inf, entropy, entropy - x + y)


def sinc(xp: Any, x: Any) -> Any:
    """sin(πx) / (πx), and 1 at 0."""
    angle = math.pi * xp.where(x == 0, xp.ones_like(x), x)
    return xp.where(x == 0, xp.ones_like(x), xp.sin(angle) / angle)


def betaincc(xp: Any, a: Any, b: Any, x: Any) -> Any:
    """From the other side, where the difference from 1 would lose two digits."""
    other = NATIVE["special.betainc"](xp, a, b, x)
    return xp.where(other < 0.99, 1 - other, NATIVE["special.betainc"](xp, b, a, 1 - x))


def stdtr(xp: Any, df: Any, t: Any) -> Any:
    """By the incomplete beta function of the share of t² where that is small, and of the rest where it is large."""
    near, half = t * t < df, xp.full_like(df, 0.5)
    a, b = xp.where(near, half, 0.5 * df), xp.where(near, 0.5 * df, half)
    part = 0.5 * NATIVE["special.betainc"](xp, a, b, xp.where(near, t * t, df) / (df + t * t))
    return xp.where(near, 0.5 + xp.sign(t) * part, xp.where(t < 0, part, 1 - part))


EVERYWHERE: dict[str, Function] = {
    "expit": expit,
    "softplus": softplus,
    "log_expit": log_expit,
    "xdivy": xdivy,
    "xlogy": xlogy,
    "xlog1py": xlog1py,
    "entr": entr,
    "rel_entr": rel_entr,
    "kl_div": kl_div,
    "sinc": sinc,
    "betaincc": betaincc,
    "stdtr": stdtr,
}
"""For every library that has none of its own."""


def gammaln(xp: Any, x: Any) -> Any:
    """log |Γ(x)|, which every library has."""
    return NATIVE["special.gammaln"](xp, x)


def gamma(xp: Any, x: Any) -> Any:
    """By its logarithm; of two neighbouring intervals between poles, one has a negative value; NaN at the poles."""
    whole = xp.floor(x)
    size = xp.exp(gammaln(xp, x))
    negative = (x < 0) & (xp.remainder(whole, xp.full_like(x, 2.0)) == 1)
    return xp.where((x < 0) & (whole == x), xp.full_like(x, math.nan), xp.where(negative, -size, size))


def betaln(xp: Any, a: Any, b: Any) -> Any:
    """log |Γ(a) Γ(b) / Γ(a + b)|."""
    return gammaln(xp, a) + gammaln(xp, b) - gammaln(xp, a + b)


def beta(xp: Any, a: Any, b: Any) -> Any:
    """Γ(a) Γ(b) / Γ(a + b): by logarithms, where it is positive."""
    quotient = gamma(xp, a) * gamma(xp, b) / gamma(xp, a + b)
    return xp.where((a > 0) & (b > 0), xp.exp(betaln(xp, a, b)), quotient)


def ndtr(xp: Any, x: Any) -> Any:
    """By erfc, which is accurate where this is small; PyTorch's own is 0 below -9."""
    return 0.5 * NATIVE["special.erfc"](xp, -math.sqrt(0.5) * x)


TERMS = 200  # of the continued fraction: enough where a and b are below 1,000


def betainc(xp: Any, a: Any, b: Any, x: Any) -> Any:
    """By its continued fraction (DLMF 8.17.22), on the side where that converges quickly; NaN where it does not."""
    swap = x > (a + 1) / (a + b + 2)
    p, q, z = xp.where(swap, b, a), xp.where(swap, a, b), xp.where(swap, 1 - x, x)
    fraction, change = lentz(xp, p, q, z)
    small = xp.exp(xlogy(xp, p, z) + xlog1py(xp, q, -z) - betaln(xp, p, q)) * fraction / p
    settled = change < 16 * xp.finfo(small.dtype).eps
    found = xp.where(swap, 1 - small, small)
    return xp.where(settled & (x >= 0) & (x <= 1) & (a > 0) & (b > 0), found, xp.full_like(small, math.nan))


def lentz(xp: Any, a: Any, b: Any, x: Any) -> tuple[Any, Any]:
    """1 / (1 + d₁ / (1 + d₂ / …)) of the incomplete beta function, by Lentz's method, and its last relative change."""

    def safe(z: Any) -> Any:
        return xp.where(xp.abs(z) < 1e-30, xp.full_like(z, 1e-30), z)

    one = xp.ones_like(a + b + x)
    above, below = one, 1 / safe(one - (a + b) * x / (a + 1))
    found, change = below, one
    for m in range(1, TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            above, below = safe(1 + term / above), 1 / safe(1 + term * below)
            found = found * above * below
            change = xp.abs(above * below - 1)
    return found, change


OF_TORCH: dict[str, Function] = {"gamma": gamma, "betaln": betaln, "beta": beta, "betainc": betainc, "ndtr": ndtr}
"""Those made of PyTorch's own special functions."""
