"""B-splines: BSpline with traced coefficients, knots or arguments, and make_interp_spline."""

from typing import Any

from miniflow_xp.arrays.axes import counted
from miniflow_xp.scipy.interpolate.cubic import check_points
from miniflow_xp.scipy.interpolate.held import attributes, hold
from miniflow_xp.scipy.interpolate.pieces import behind
from miniflow_xp.scipy.substitutes import as_arrays, column, refused, substitute

BSPLINE = "scipy.interpolate.BSpline"
HELD = "_c _t c t"


def made(t: Any, c: Any, k: int, extrapolate: Any, axis: int) -> Any:
    """A spline of SciPy's class with these attributes."""
    from scipy.interpolate import BSpline

    spline = object.__new__(BSpline)
    keep(spline, t, c, k, extrapolate, axis)
    return spline


def keep(self: Any, t: Any, c: Any, k: int, extrapolate: Any, axis: int) -> None:
    """Give a spline its attributes."""
    hold(self, {"t": t, "c": c}, k=k, extrapolate=extrapolate, axis=axis)


@substitute(f"{BSPLINE}.__init__", arrays="t c")
def initialise(xp: Any, self: Any, t: Any, c: Any, k: int, extrapolate: Any = True, axis: int = 0) -> None:
    axis = counted(axis, len(c.shape))
    keep(self, t, xp.moveaxis(c, axis, 0), int(k), extrapolate, axis)


@substitute(f"{BSPLINE}.construct_fast")
def construct_fast(xp: Any, cls: Any, t: Any, c: Any, k: int, extrapolate: Any = True, axis: int = 0) -> Any:
    return made(t, c, k, extrapolate, axis)


@substitute(f"{BSPLINE}.derivative", held=HELD)
def derivative(xp: Any, self: Any, nu: int = 1) -> Any:
    c, t = as_arrays(xp, *attributes(self, "c", "t"))
    if not 0 <= nu <= self.k:
        raise ValueError(f"Order of derivative (n = {nu}) must be at least 0 and at most the degree, {self.k}")
    c = c[: t.shape[0] - self.k - 1, ...]
    for order in range(nu):
        t, c, _ = derived(xp, t, c, self.k - order, 0)
    return made(t, c, self.k - nu, self.extrapolate, self.axis)


@substitute(f"{BSPLINE}.__call__", held=HELD)
def call(xp: Any, self: Any, x: Any, nu: int = 0, extrapolate: Any = None) -> Any:
    c, t, x = as_arrays(xp, *attributes(self, "c", "t"), x)
    way = self.extrapolate if extrapolate is None else extrapolate
    found = evaluated(xp, t, c, self.k, xp.reshape(x, (-1,)), nu, way)
    return behind(xp, xp.reshape(found, (*x.shape, *c.shape[1:])), len(x.shape), self.axis)


def evaluated(xp: Any, t: Any, c: Any, k: int, x: Any, nu: int, extrapolate: Any) -> Any:
    """The derivative of order ``nu`` at x, (p,): (p, …)."""
    n = t.shape[0] - k - 1
    c = c[:n, ...]
    first, last = t[k], t[n]
    if extrapolate == "periodic":
        x = first + xp.remainder(x - first, last - first)
    outside = (x < first) | (x > last)
    place = xp.clip(xp.searchsorted(t[k : n + 1], x, side="right") - 1 + k, k, n - 1)
    if nu > k:
        total = xp.zeros_like(xp.take(c, place, axis=0))
    else:
        for order in range(nu):
            t, c, place = derived(xp, t, c, k - order, place)
        total = de_boor(xp, t, c, k - nu, x, place)
    if extrapolate in (False, 0):
        shaped = xp.reshape(outside, (-1, *[1] * (len(c.shape) - 1)))
        total = xp.where(shaped, xp.full_like(total, float("nan")), total)
    return total


def derived(xp: Any, t: Any, c: Any, k: int, place: Any) -> tuple[Any, Any, Any]:
    """Knots and coefficients of the derivative, of one degree less, and the places of x among its knots."""
    gap = t[k + 1 : -1] - t[1 : -k - 1]
    empty = gap == 0
    factor = xp.where(empty, xp.zeros_like(gap), k / xp.where(empty, xp.ones_like(gap), gap))
    return t[1:-1], xp.diff(c, axis=0) * column(xp, factor, c), place - 1


def de_boor(xp: Any, t: Any, c: Any, k: int, x: Any, place: Any) -> Any:
    """The value of a spline of degree k at x, of which each is between the knots ``place`` and ``place + 1``."""
    d = [xp.take(c, place - k + j, axis=0) for j in range(k + 1)]
    for r in range(1, k + 1):
        for j in range(k, r - 1, -1):
            left, right = xp.take(t, place - k + j), xp.take(t, place + 1 + j - r)
            part = column(xp, (x - left) / (right - left), c)
            d[j] = (1 - part) * d[j - 1] + part * d[j]
    return d[k]


@substitute("scipy.interpolate.make_interp_spline", arrays="x y t")
def make_interp_spline(xp: Any, x: Any, y: Any, k: int = 3, t: Any = None, bc_type: Any = None, axis: int = 0) -> Any:
    """The coefficients solve B c = y, where B has the values of the basis at the points."""
    if bc_type not in (None, "not-a-knot"):
        raise refused(
            "scipy.interpolate.make_interp_spline",
            f"bc_type={bc_type!r}",
            "it knows not-a-knot",
            "Take CubicSpline, which knows clamped, natural and periodic",
        )
    check_points(x)
    axis = counted(axis, len(y.shape))
    y = xp.moveaxis(y, axis, 0)
    if k == 0:
        return made(xp.concat([x, x[-1:]], axis=0), y, k, True, axis)
    knots = not_a_knot(xp, x, k) if t is None else t
    if k == 1 and t is None:
        return made(knots, y, k, True, axis)
    eye = xp.eye(y.shape[0], dtype=x.dtype, device=x.device)
    basis = evaluated(xp, knots, eye, k, x, 0, True)
    return made(knots, xp.reshape(xp.linalg.solve(basis, xp.reshape(y, (y.shape[0], -1))), y.shape), k, True, axis)


def not_a_knot(xp: Any, x: Any, k: int) -> Any:
    """Knots at the points, or between them for an even degree, without the outer ones: de Boor (1978), XIII."""
    inner = x if k % 2 else (x[1:] + x[:-1]) / 2
    cut = (k + 1) // 2 if k % 2 else k // 2
    ends = [xp.concat([x[n : n + 1 or None]] * (k + 1), axis=0) for n in (0, -1)]
    return xp.concat([ends[0], inner[cut:-cut], ends[1]], axis=0)
