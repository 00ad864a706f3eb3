"""Integrals of samples: trapezoids, and Simpson's rule."""

from typing import Any

from miniflow_xp.scipy.substitutes import substitute


@substitute("scipy.integrate.trapezoid", arrays="y x")
def trapezoid(xp: Any, y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    return xp.trapezoid(y, x, dx, axis)


@substitute("scipy.integrate.cumulative_trapezoid", arrays="y x")
def cumulative_trapezoid(
    xp: Any, y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1, initial: float | None = None
) -> Any:
    return xp.cumulative_trapezoid(y, x, dx, axis, initial)


@substitute("scipy.integrate.simpson", arrays="y x dx")
def simpson(xp: Any, y: Any, x: Any = None, *, dx: Any = None, axis: int = -1) -> Any:
    """Parabolas through three points each; of an even number the last piece after Cartwright (2017)."""
    rows = xp.moveaxis(y, axis, -1)
    if rows.shape[-1] == 1:
        return xp.sum(0 * rows, axis=-1)
    h = widths(xp, rows, x, dx, axis)
    odd = rows.shape[-1] % 2
    whole = rows if odd else rows[..., :-1]
    total = parabolas(xp, whole, h if odd else h[..., :-1])
    return total if odd else total + last_piece(xp, rows, h)


def widths(xp: Any, rows: Any, x: Any, dx: Any, axis: int) -> Any:
    """The distance from each sample to the next."""
    if x is not None:
        return xp.diff(x if len(x.shape) == 1 else xp.moveaxis(x, axis, -1), axis=-1)
    ones = xp.ones_like(rows[..., 1:])
    return ones if dx is None else ones * dx


def parabolas(xp: Any, y: Any, h: Any) -> Any:
    """The areas below parabolas through samples 0, 1, 2, through 2, 3, 4, and so on."""
    before, after = h[..., 0::2], h[..., 1::2]
    total, ratio = before + after, before / after
    first, middle, last = y[..., 0:-2:2], y[..., 1:-1:2], y[..., 2::2]
    inner = first * (2 - 1 / ratio) + middle * (total * total / (before * after)) + last * (2 - ratio)
    return xp.sum(total / 6 * inner, axis=-1)


def last_piece(xp: Any, y: Any, h: Any) -> Any:
    """The area below the last piece, of the parabola through the last three samples."""
    if y.shape[-1] == 2:
        return 0.5 * h[..., -1] * (y[..., -1] + y[..., -2])
    before, last = h[..., -2], h[..., -1]
    end = (2 * last**2 + 3 * before * last) / (6 * (before + last))
    middle = (last**2 + 3 * before * last) / (6 * before)
    first = last**3 / (6 * before * (before + last))
    return end * y[..., -1] + middle * y[..., -2] - first * y[..., -3]
