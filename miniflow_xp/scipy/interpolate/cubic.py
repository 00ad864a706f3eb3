"""Cubic splines: CubicSpline, CubicHermiteSpline, PchipInterpolator."""

from typing import Any

from miniflow_xp.scipy.border import on_host
from miniflow_xp.scipy.interpolate.pieces import keep
from miniflow_xp.scipy.linalg.banded import solve_banded
from miniflow_xp.scipy.substitutes import as_array, column, refused, substitute

HERMITE = "scipy.interpolate.CubicHermiteSpline.__init__"
CUBIC = "scipy.interpolate.CubicSpline.__init__"
PCHIP = "scipy.interpolate.PchipInterpolator.__init__"


def check_points(x: Any) -> None:
    """Raise SciPy's error for points that do not increase."""
    import numpy as np

    host = on_host(x)
    if host.ndim != 1 or len(host) < 2:
        raise ValueError("`x` must be 1-dimensional, with at least 2 elements.")
    if not np.all(np.diff(host) > 0):
        raise ValueError("`x` must be strictly increasing sequence.")


@substitute(HERMITE, arrays="x y dydx")
def hermite(xp: Any, self: Any, x: Any, y: Any, dydx: Any, axis: int = 0, extrapolate: Any = None) -> None:
    check_points(x)
    axis = axis % len(y.shape)
    y, dydx = xp.moveaxis(y, axis, 0), xp.moveaxis(dydx, axis, 0)
    keep(self, coefficients(xp, x, y, dydx), x, extrapolate, axis)


def coefficients(xp: Any, x: Any, y: Any, slopes: Any) -> Any:
    """Those of the cubics with these values and slopes at the points."""
    width = column(xp, xp.diff(x), y)
    secant = xp.diff(y, axis=0) / width
    left, right = slopes[:-1, ...], slopes[1:, ...]
    t = (left + right - 2 * secant) / width
    return xp.stack([t / width, (secant - left) / width - t, left, y[:-1, ...]])


@substitute(CUBIC, arrays="x y")
def cubic(
    xp: Any, self: Any, x: Any, y: Any, axis: int = 0, bc_type: Any = "not-a-knot", extrapolate: Any = None
) -> None:
    check_points(x)
    axis = axis % len(y.shape)
    y = xp.moveaxis(y, axis, 0)
    width = xp.diff(x)
    secant = xp.diff(y, axis=0) / column(xp, width, y)
    if bc_type == "periodic":
        slopes = periodic(xp, y, width, secant)
        extrapolate = "periodic" if extrapolate is None else extrapolate
    else:
        slopes = solved(xp, x, y, width, secant, ends_of(xp, bc_type, y, secant))
    keep(self, coefficients(xp, x, y, slopes), x, extrapolate, axis)


def ends_of(xp: Any, bc_type: Any, y: Any, secant: Any) -> list[Any]:
    """The conditions at both ends: ``not-a-knot``, or (order, the derivative of this order)."""
    found: list[Any] = []
    for n, condition in enumerate((bc_type, bc_type) if isinstance(bc_type, str) else bc_type):
        if condition in ("clamped", "natural") and isinstance(condition, str):
            found.append((1 if condition == "clamped" else 2, xp.zeros_like(y[0, ...])))
        elif isinstance(condition, str) and condition == "not-a-knot":
            found.append(condition if y.shape[0] > 2 else (1, secant[-n, ...]))
        elif isinstance(condition, str):
            raise refused(CUBIC, f"bc_type={condition!r}", "clamped, natural, not-a-knot or periodic", "Choose one")
        else:
            order, value = condition
            found.append((int(order), as_array(xp, value, y)))
    return found


def solved(xp: Any, x: Any, y: Any, width: Any, secant: Any, ends: list[Any]) -> Any:
    """The slopes at the points: second derivatives have no jumps, which is a tridiagonal system."""
    if y.shape[0] == 3 and ends == ["not-a-knot", "not-a-knot"]:
        return parabola(xp, y, width, secant)
    w = column(xp, width, y)
    inner = 3 * (w[1:, ...] * secant[:-1, ...] + w[:-1, ...] * secant[1:, ...])
    first = end_equation(xp, ends[0], width, secant, -1)
    last = end_equation(xp, ends[1], xp.flip(width), xp.flip(secant, axis=0), 1)
    zero = xp.zeros_like(width[:1])
    upper = xp.concat([zero, first[1], width[:-1]], axis=0)
    middle = xp.concat([first[0], 2 * (width[:-1] + width[1:]), last[0]], axis=0)
    lower = xp.concat([width[1:], last[1], zero], axis=0)
    right = xp.concat([first[2][None, ...], inner, last[2][None, ...]], axis=0)
    slopes = solve_banded(xp, xp.stack([upper, middle, lower]), xp.reshape(right, (y.shape[0], -1)), lower=1, upper=1)
    return xp.reshape(slopes, y.shape)


def end_equation(xp: Any, condition: Any, width: Any, secant: Any, sign: int) -> tuple[Any, Any, Any]:
    """p s₀ + q s₁ = r at the first point: (p, q, r). At the last one all is mirrored, and ``sign`` is 1."""
    h = width[:1]
    if condition == "not-a-knot":
        a, b = width[0], width[1]
        both = a + b
        right = ((a + 2 * both) * b * secant[0, ...] + a**2 * secant[1, ...]) / both
        return xp.reshape(b, (1,)), xp.reshape(both, (1,)), right
    order, value = condition
    if order == 1:
        return xp.ones_like(h), xp.zeros_like(h), value
    if order != 2:
        raise refused(CUBIC, f"a condition of order {order}", "of order 1 or 2", "Give the first or second derivative")
    return 2 * h, h, sign * 0.5 * value * width[0] ** 2 + 3 * secant[0, ...] * width[0]


def parabola(xp: Any, y: Any, width: Any, secant: Any) -> Any:
    """Slopes of the parabola through three points."""
    a, b = width[0], width[1]
    inner = (b * secant[0, ...] + a * secant[1, ...]) / (a + b)
    return xp.stack([2 * secant[0, ...] - inner, inner, 2 * secant[1, ...] - inner])


def periodic(xp: Any, y: Any, width: Any, secant: Any) -> Any:
    """The slopes where the last point is the first again: a cyclic tridiagonal system."""
    size = width.shape[0]
    if size == 1:
        return xp.concat([secant, secant], axis=0)
    before, sb = xp.roll(width, 1), xp.roll(secant, 1, axis=0)
    eye = xp.eye(size, dtype=width.dtype, device=width.device)
    matrix = 2 * (before + width)[:, None] * eye
    matrix = matrix + width[:, None] * xp.roll(eye, -1, axis=1) + before[:, None] * xp.roll(eye, 1, axis=1)
    right = 3 * (column(xp, width, y) * sb + column(xp, before, y) * secant)
    slopes = xp.reshape(xp.linalg.solve(matrix, xp.reshape(right, (size, -1))), right.shape)
    return xp.concat([slopes, slopes[:1, ...]], axis=0)


@substitute(PCHIP, arrays="x y")
def pchip(xp: Any, self: Any, x: Any, y: Any, axis: int = 0, extrapolate: Any = None) -> None:
    """Slopes are harmonic means of secants, 0 where these differ in sign: Fritsch and Butland (1984)."""
    check_points(x)
    axis = axis % len(y.shape)
    y = xp.moveaxis(y, axis, 0)
    width = column(xp, xp.diff(x), y)
    secant = xp.diff(y, axis=0) / width
    keep(self, coefficients(xp, x, y, monotone(xp, width, secant)), x, extrapolate, axis)


def monotone(xp: Any, width: Any, secant: Any) -> Any:
    """The slopes that keep the curve between its points."""
    if secant.shape[0] == 1:
        return xp.concat([secant, secant], axis=0)
    before, after = secant[:-1, ...], secant[1:, ...]
    turns = before * after <= 0
    a, b = (xp.where(turns, xp.ones_like(s), s) for s in (before, after))
    one, other = 2 * width[1:, ...] + width[:-1, ...], width[1:, ...] + 2 * width[:-1, ...]
    mean = (one + other) / (one / a + other / b)
    inner = xp.where(turns, xp.zeros_like(mean), mean)
    first = edge(xp, width[0, ...], width[1, ...], secant[0, ...], secant[1, ...])
    last = edge(xp, width[-1, ...], width[-2, ...], secant[-1, ...], secant[-2, ...])
    return xp.concat([first[None, ...], inner, last[None, ...]], axis=0)


def edge(xp: Any, h0: Any, h1: Any, m0: Any, m1: Any) -> Any:
    """The slope of the parabola through three points at the first, bounded so that the curve does not turn."""
    slope = ((2 * h0 + h1) * m0 - h0 * m1) / (h0 + h1)
    turned = xp.sign(slope) != xp.sign(m0)
    steep = (xp.sign(m0) != xp.sign(m1)) & (xp.abs(slope) > 3 * xp.abs(m0))
    return xp.where(turned, xp.zeros_like(slope), xp.where(steep, 3 * m0, slope))
