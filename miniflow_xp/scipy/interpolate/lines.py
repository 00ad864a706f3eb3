"""interp1d: straight lines between points, steps, and splines."""

from typing import Any

import numpy as np

from miniflow_xp.arrays.axes import counted
from miniflow_xp.arrays.calls import leaves
from miniflow_xp.scipy.border import on_host
from miniflow_xp.scipy.interpolate.bsplines import make_interp_spline
from miniflow_xp.scipy.substitutes import as_array, column, picked, reference, refused, substitute

INTERP = "scipy.interpolate.interp1d"
SPLINES = {"zero": 0, "slinear": 1, "quadratic": 2, "cubic": 3}
STEPS = ("nearest", "nearest-up", "previous", "next")


@substitute(f"{INTERP}.__init__", arrays="x y")
def initialise(
    xp: Any,
    self: Any,
    x: Any,
    y: Any,
    kind: Any = "linear",
    axis: int = -1,
    bounds_error: Any = None,
    fill_value: Any = float("nan"),
    assume_sorted: bool = False,
) -> None:
    axis = counted(axis, len(y.shape))
    if x.shape[0] != y.shape[axis]:
        raise ValueError("x and y arrays must be equal in length along interpolation axis.")
    if not assume_sorted:
        order = np.argsort(on_host(x), kind="stable")
        x, y = picked(xp, x, order), picked(xp, y, order, axis)
    self.x, self.y, self.axis, self.copy, self.bounds_error = x, y, axis, True, bounds_error
    self._y_axis, self._y_extra_shape, self.dtype = axis, (*y.shape[:axis], *y.shape[axis + 1 :]), None
    degree = kind if isinstance(kind, int) else SPLINES.get(kind)
    self._kind = "spline" if isinstance(degree, int) else kind
    if isinstance(degree, int):
        self._spline = make_interp_spline(xp, x, xp.moveaxis(y, axis, 0), degree)
    elif kind != "linear" and kind not in STEPS:
        raise refused(INTERP, f"kind={kind!r}", f"linear, {', '.join((*STEPS, *SPLINES))}", "Choose one of these")
    if isinstance(fill_value, str):
        self._check_and_update_bounds_error_for_extrapolation()
    self.fill_value = fill_value


@substitute("scipy.interpolate._polyint._Interpolator1D.__call__", held="x y")
def call(xp: Any, self: Any, x: Any) -> Any:
    from scipy.interpolate import interp1d

    if not isinstance(self, interp1d):
        raise refused(
            f"scipy.interpolate.{type(self).__name__}",
            "its argument is being differentiated",
            "interp1d, CubicSpline and make_interp_spline have a rule",
            "Take one of these",
        )
    like = reference(leaves([self.x, self.y, x]))
    points, y, x = (as_array(xp, a, like) for a in (self.x, self.y, x))
    flat, rows = xp.reshape(x, (-1,)), xp.moveaxis(y, self.axis, 0)
    values = self._spline(flat) if self._kind == "spline" else evaluated(xp, self._kind, points, rows, flat)
    values = beyond(xp, self, points, xp.reshape(values, (flat.shape[0], -1)), flat)
    whole = xp.reshape(values, (*x.shape, *rows.shape[1:]))
    places = tuple(range(self.axis, self.axis + len(x.shape)))
    return xp.moveaxis(whole, tuple(range(len(x.shape))), places) if x.shape else whole


def evaluated(xp: Any, kind: str, points: Any, rows: Any, x: Any) -> Any:
    """The value at x, (p,): (p, …)."""
    last = points.shape[0] - 1
    if kind == "linear":
        above = xp.clip(xp.searchsorted(points, x, side="left"), 1, last)
        (x0, x1), (y0, y1) = ([xp.take(a, n, axis=0) for n in (above - 1, above)] for a in (points, rows))
        slope = (y1 - y0) / column(xp, x1 - x0, rows)
        return y0 + slope * column(xp, x - x0, rows)
    if kind in ("nearest", "nearest-up"):
        middle = points[:-1] / 2 + points[1:] / 2
        place = xp.searchsorted(middle, x, side="left" if kind == "nearest" else "right")
    elif kind == "previous":
        place = xp.searchsorted(points, x, side="right") - 1
    else:
        place = xp.searchsorted(points, x, side="left")
    return xp.take(rows, xp.clip(place, 0, last), axis=0) + 0 * column(xp, x, rows)


def beyond(xp: Any, self: Any, points: Any, values: Any, x: Any) -> Any:
    """What SciPy gives beyond the points; raises its error where it is to."""
    below, above = x < points[0], x > points[-1]
    if self._extrapolate:
        nothing = {"previous": below, "next": above}.get(self._kind)
        return values if nothing is None else xp.where(nothing[:, None], xp.full_like(values, float("nan")), values)
    if self.bounds_error and (bool(xp.any(below)) or bool(xp.any(above))):
        raise ValueError("A value in x_new is beyond the interpolation range.")
    for outside, fill in ((below, self._fill_value_below), (above, self._fill_value_above)):
        values = xp.where(outside[:, None], as_array(xp, fill, values), values)
    return values
