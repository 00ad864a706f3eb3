"""Gaussian and uniform filters; a Gaussian's width has a gradient, too."""

from typing import Any

import numpy as np

from miniflow_xp.arrays.traced import Traced
from miniflow_xp.scipy.border import on_host
from miniflow_xp.scipy.ndimage.filters import axes_of, correlated, per_axis
from miniflow_xp.scipy.substitutes import as_array, substitute


@substitute("scipy.ndimage.gaussian_filter1d", arrays="input sigma")
def gaussian_filter1d(
    xp: Any,
    input: Any,
    sigma: Any,
    axis: int = -1,
    order: int = 0,
    mode: str = "reflect",
    cval: float = 0.0,
    truncate: float = 4.0,
    *,
    radius: int | None = None,
) -> Any:
    """The radius is that of the contents, a constant: beyond it weights are cut off."""
    reach = int(truncate * float(on_host(sigma)) + 0.5) if radius is None else int(radius)
    return correlated(xp, input, xp.flip(kernel(xp, as_array(xp, sigma, input), order, reach)), mode, cval, 0, axis)


def kernel(xp: Any, sigma: Any, order: int, radius: int) -> Any:
    """A Gaussian's derivative of this order at whole numbers: a polynomial times it."""
    x = xp.asarray(np.arange(-radius, radius + 1), dtype=sigma.dtype, device=sigma.device)
    inverse = 1 / (sigma * sigma)
    bell = xp.exp(-0.5 * inverse * x**2)
    bell = bell / xp.sum(bell)
    factors: list[Any] = [xp.ones_like(sigma)]
    for _ in range(order):  # (q exp p)' = (q' + q p') exp p with p' = -x / sigma²
        grown: list[Any] = [xp.zeros_like(sigma)] * (len(factors) + 1)
        for n, factor in enumerate(factors):
            grown[n + 1] = grown[n + 1] - inverse * factor
            if n:
                grown[n - 1] = grown[n - 1] + n * factor
        factors = grown
    return sum((factor * x**n for n, factor in enumerate(factors[1:], 1)), factors[0]) * bell


@substitute("scipy.ndimage.gaussian_filter", arrays="input")
def gaussian_filter(
    xp: Any,
    input: Any,
    sigma: Any,
    order: Any = 0,
    mode: Any = "reflect",
    cval: float = 0.0,
    truncate: float = 4.0,
    *,
    radius: Any = None,
    axes: Any = None,
) -> Any:
    along = axes_of(axes, len(input.shape))
    count = len(along)
    sigmas = list(sigma) if type(sigma) is Traced and sigma.shape else per_axis(sigma, count)
    found = input
    settings = (per_axis(order, count), per_axis(mode, count), per_axis(radius, count))
    for n, width, degree, beyond, reach in zip(along, sigmas, *settings, strict=True):
        width = as_array(xp, width, input)
        if float(on_host(width)) > 1e-15:
            found = gaussian_filter1d(xp, found, width, n, degree, beyond, cval, truncate, radius=reach)
    return found


@substitute("scipy.ndimage.gaussian_laplace", arrays="input")
def gaussian_laplace(xp: Any, input: Any, sigma: Any, mode: Any = "reflect", cval: float = 0.0) -> Any:
    parts = derivatives(xp, input, sigma, mode, cval, 2)
    return sum(parts[1:], parts[0])


@substitute("scipy.ndimage.gaussian_gradient_magnitude", arrays="input")
def gaussian_gradient_magnitude(xp: Any, input: Any, sigma: Any, mode: Any = "reflect", cval: float = 0.0) -> Any:
    return xp.linalg.vector_norm(xp.stack(derivatives(xp, input, sigma, mode, cval, 1)), axis=0)


def derivatives(xp: Any, x: Any, sigma: Any, mode: Any, cval: float, order: int) -> list[Any]:
    """The derivative of this order along each axis, of the image smoothed along all."""
    ndim = len(x.shape)
    orders = [[order if n == axis else 0 for n in range(ndim)] for axis in range(ndim)]
    return [gaussian_filter(xp, x, sigma, each, mode, cval) for each in orders]


@substitute("scipy.ndimage.uniform_filter1d", arrays="input")
def uniform_filter1d(
    xp: Any,
    input: Any,
    size: int,
    axis: int = -1,
    mode: str = "reflect",
    cval: float = 0.0,
    origin: int = 0,
) -> Any:
    weights = as_array(xp, np.full(int(size), 1 / int(size)), input)
    return correlated(xp, input, weights, mode, cval, origin, axis)


@substitute("scipy.ndimage.uniform_filter", arrays="input")
def uniform_filter(
    xp: Any,
    input: Any,
    size: Any = 3,
    mode: Any = "reflect",
    cval: float = 0.0,
    origin: Any = 0,
    *,
    axes: Any = None,
) -> Any:
    along = axes_of(axes, len(input.shape))
    found, settings = input, [per_axis(setting, len(along)) for setting in (size, mode, origin)]
    for n, width, beyond, start in zip(along, *settings, strict=True):
        if width > 1:
            found = uniform_filter1d(xp, found, width, n, beyond, cval, start)
    return found
