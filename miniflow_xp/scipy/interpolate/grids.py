"""RegularGridInterpolator and interpn: between the points of a grid in several dimensions."""

from itertools import product
from typing import Any

from miniflow_xp.arrays.calls import leaves
from miniflow_xp.scipy.substitutes import as_array, reference, refused, substitute

GRID = "scipy.interpolate.RegularGridInterpolator"


@substitute(f"{GRID}.__init__")
def initialise(
    xp: Any,
    self: Any,
    points: Any,
    values: Any,
    method: str = "linear",
    bounds_error: bool = True,
    fill_value: Any = float("nan"),
) -> None:
    check_method(method)
    like = reference(leaves([values, *points, fill_value]))
    grid, values = [as_array(xp, p, like) for p in points], as_array(xp, values, like)
    self._descending_dimensions = tuple([n for n, p in enumerate(grid) if bool(p[-1] < p[0])])
    for n in self._descending_dimensions:
        grid[n], values = xp.flip(grid[n]), xp.flip(values, axis=n)
    self._grid, self._values, self._asarray = tuple(grid), values, lambda array: array
    if not isinstance(getattr(type(self), "values", None), property):  # of earlier versions of SciPy
        self.grid, self.values = self._grid, self._values
    self.method, self.bounds_error, self.fill_value, self._spline = method, bounds_error, fill_value, None


def check_method(method: str) -> None:
    """Raise DifferentiationError for a method without a rule."""
    if method not in ("linear", "nearest"):
        raise refused(GRID, f"method={method!r}", "linear and nearest have a rule", "Choose one of these")


@substitute(f"{GRID}.__call__", held="values grid fill_value")
def call(xp: Any, self: Any, xi: Any, method: str | None = None) -> Any:
    method = self.method if method is None else method
    check_method(method)
    like = reference(leaves([self.values, list(self.grid), xi if hasattr(xi, "dtype") else list(xi), self.fill_value]))
    grid, values = [as_array(xp, p, like) for p in self.grid], as_array(xp, self.values, like)
    xi = coordinates(xp, xi, like, len(grid))
    flat = [xp.asarray(xp.reshape(xi[..., n], (-1,)), copy=True) for n in range(len(grid))]  # contiguous
    outside = [(x < p[0]) | (x > p[-1]) for x, p in zip(flat, grid, strict=True)]
    if self.bounds_error and any(bool(xp.any(o)) for o in outside):
        raise ValueError("One of the requested xi is out of bounds")
    found = evaluated(xp, grid, values, flat, method)
    if not self.bounds_error and self.fill_value is not None:
        for o in outside:
            shaped = xp.reshape(o, (-1, *[1] * (len(found.shape) - 1)))
            found = xp.where(shaped, as_array(xp, self.fill_value, like), found)
    return xp.reshape(found, (*xi.shape[:-1], *values.shape[len(grid) :]))


def coordinates(xp: Any, xi: Any, like: Any, ndim: int) -> Any:
    """Places (…, ndim), also from a tuple of arrays, one for each dimension."""
    if isinstance(xi, tuple) and not (len(xi) == 1 and isinstance(xi[0], tuple)):
        parts = xp.broadcast_arrays(*[as_array(xp, x, like) for x in xi])
        return xp.stack(list(parts), axis=-1)
    xi = as_array(xp, xi, like)
    if len(xi.shape) == 1:
        xi = xp.reshape(xi, (-1, 1) if ndim == 1 else (1, -1))
    if xi.shape[-1] != ndim:
        raise ValueError(f"The requested sample points xi have dimension {xi.shape[-1]}, the grid has {ndim}")
    return xi


def evaluated(xp: Any, grid: list[Any], values: Any, places: list[Any], method: str) -> Any:
    """The values at these places, a coordinate each: the sum over the corners of the cell that each is in."""
    below, parts = [], []
    for points, x in zip(grid, places, strict=True):
        n = xp.clip(xp.searchsorted(points, x, side="right") - 1, 0, points.shape[0] - 2)
        left, right = xp.take(points, n), xp.take(points, n + 1)
        below.append(n)
        parts.append((x - left) / (right - left))
    if method == "nearest":
        parts = [xp.where(p <= 0.5, 0 * p, 0 * p + 1) for p in parts]
    flat, total = xp.reshape(values, (-1, *values.shape[len(grid) :])), 0.0
    for corner in product((0, 1), repeat=len(grid)):
        place, weight = 0, 1.0
        for n, (start, step, part) in enumerate(zip(below, corner, parts, strict=True)):
            place = place * grid[n].shape[0] + start + step
            weight = weight * (part if step else 1 - part)
        term = xp.take(flat, place, axis=0)
        total = total + term * xp.reshape(weight, (-1, *[1] * (len(term.shape) - 1)))
    return total


@substitute("scipy.interpolate.interpn")
def interpn(
    xp: Any,
    points: Any,
    values: Any,
    xi: Any,
    method: str = "linear",
    bounds_error: bool = True,
    fill_value: Any = float("nan"),
) -> Any:
    from scipy.interpolate import RegularGridInterpolator

    return RegularGridInterpolator(points, values, method, bounds_error, fill_value)(xi)
