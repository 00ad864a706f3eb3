"""Correlation and convolution of images: shifted images, weighted and added."""

from collections.abc import Sequence
from itertools import product
from math import prod
from typing import Any

from miniflow_xp.arrays.axes import counted
from miniflow_xp.rules.algebra import conj
from miniflow_xp.scipy.signal.convolutions import full
from miniflow_xp.scipy.substitutes import as_array, substitute

PADDING = {
    **dict.fromkeys(("reflect", "grid-mirror"), "symmetric"),
    "mirror": "reflect",
    "nearest": "edge",
    **dict.fromkeys(("wrap", "grid-wrap"), "wrap"),
    **dict.fromkeys(("constant", "grid-constant"), "constant"),
}
"""NumPy's names of what SciPy takes an image to be beyond its edges."""
MANY = 64  # weights; more are faster by Fourier's transform


def per_axis(value: Any, count: int) -> list[Any]:
    """One setting for each axis: the same for all, or a sequence of them."""
    if isinstance(value, (list, tuple)):
        if len(value) != count:
            raise RuntimeError("sequence argument must have length equal to input rank")
        return list(value)
    return [value] * count


def axes_of(axes: Any, ndim: int) -> list[int]:
    """The axes that are filtered: all of them, or those that are named."""
    if axes is None:
        return list(range(ndim))
    return [counted(n, ndim) for n in ((axes,) if isinstance(axes, int) else axes)]


def padded(xp: Any, x: Any, widths: Sequence[tuple[int, int]], mode: str, cval: float) -> Any:
    """The image with what it is taken to be beyond its edges."""
    if mode not in PADDING:
        raise RuntimeError("boundary mode not supported")
    more = {"constant_values": cval} if PADDING[mode] == "constant" else {}
    return xp.pad(x, tuple(widths), PADDING[mode], **more)


@substitute("scipy.ndimage.correlate", arrays="input weights")
def correlate(
    xp: Any,
    input: Any,
    weights: Any,
    mode: str = "reflect",
    cval: float = 0.0,
    origin: Any = 0,
    *,
    axes: Any = None,
) -> Any:
    """Complex weights are conjugated."""
    return correlated(xp, input, conj(xp, weights), mode, cval, origin, axes)


@substitute("scipy.ndimage.convolve", arrays="input weights")
def convolve(
    xp: Any,
    input: Any,
    weights: Any,
    mode: str = "reflect",
    cval: float = 0.0,
    origin: Any = 0,
    *,
    axes: Any = None,
) -> Any:
    turned = xp.flip(weights, axis=tuple(range(len(weights.shape))))
    origins = [-o - (1 - size % 2) for o, size in zip(per_axis(origin, len(weights.shape)), weights.shape, strict=True)]
    return correlated(xp, input, turned, mode, cval, origins, axes)


def correlated(xp: Any, x: Any, weights: Any, mode: str, cval: float, origin: Any, axes: Any) -> Any:
    """Σⱼ wⱼ xᵢ₊ⱼ₋ₒ, where o is the middle of the weights, and ``origin`` to the right of it."""
    along = axes_of(axes, len(x.shape))
    if len(weights.shape) != len(along):
        raise RuntimeError(f"weights.ndim ({len(weights.shape)}) must match len(axes) ({len(along)})")
    sizes, origins = [1] * len(x.shape), [0] * len(x.shape)
    for n, size, start in zip(along, weights.shape, per_axis(origin, len(along)), strict=True):
        sizes[n], origins[n] = size, int(start)
    order = sorted(range(len(along)), key=along.__getitem__)
    kernel = xp.reshape(xp.permute_dims(weights, tuple(order)), tuple(sizes))
    before = [size // 2 + start for size, start in zip(sizes, origins, strict=True)]
    if any(b < 0 or b >= size for b, size in zip(before, sizes, strict=True)):
        raise ValueError("Invalid origin; it must lie inside of the weights")
    widths = [(b, size - 1 - b) for b, size in zip(before, sizes, strict=True)]
    return valid(xp, padded(xp, x, widths, mode, cval), kernel, tuple(x.shape))


def valid(xp: Any, x: Any, kernel: Any, shape: tuple[int, ...]) -> Any:
    """The correlation of a padded image, in the shape of the image itself."""
    sizes = tuple(kernel.shape)
    if prod(sizes) > MANY:
        axes = tuple([n for n, size in enumerate(sizes) if size > 1])
        whole = full(xp, x, xp.flip(kernel, axis=tuple(range(len(sizes)))), axes if len(shape) > 1 else (0,))
        return whole[tuple([slice(size - 1, size - 1 + kept) for size, kept in zip(sizes, shape, strict=True)])]
    total = None
    for place in product(*map(range, sizes)):
        part = x[tuple([slice(p, p + kept) for p, kept in zip(place, shape, strict=True)])] * kernel[place]
        total = part if total is None else total + part
    return total


@substitute("scipy.ndimage.correlate1d", arrays="input weights")
def correlate1d(
    xp: Any,
    input: Any,
    weights: Any,
    axis: int = -1,
    mode: str = "reflect",
    cval: float = 0.0,
    origin: int = 0,
) -> Any:
    return correlate(xp, input, weights, mode, cval, origin, axes=axis)


@substitute("scipy.ndimage.convolve1d", arrays="input weights")
def convolve1d(
    xp: Any,
    input: Any,
    weights: Any,
    axis: int = -1,
    mode: str = "reflect",
    cval: float = 0.0,
    origin: int = 0,
) -> Any:
    return convolve(xp, input, weights, mode, cval, origin, axes=axis)


def along_each(xp: Any, x: Any, weights: Sequence[tuple[int, Sequence[float]]], mode: Any, cval: float) -> Any:
    """The image correlated with weights along one axis after the other."""
    modes = per_axis(mode, len(x.shape))
    for axis, numbers in weights:
        x = correlated(xp, x, as_array(xp, numbers, x), modes[axis], cval, 0, axis)
    return x


@substitute("scipy.ndimage.sobel", arrays="input")
def sobel(xp: Any, input: Any, axis: int = -1, mode: Any = "reflect", cval: float = 0.0) -> Any:
    return edges(xp, input, axis, mode, cval, [1.0, 2.0, 1.0])


@substitute("scipy.ndimage.prewitt", arrays="input")
def prewitt(xp: Any, input: Any, axis: int = -1, mode: Any = "reflect", cval: float = 0.0) -> Any:
    return edges(xp, input, axis, mode, cval, [1.0, 1.0, 1.0])


def edges(xp: Any, x: Any, axis: int, mode: Any, cval: float, across: Sequence[float]) -> Any:
    """Differences along an axis, smoothed along the others."""
    ndim = len(x.shape)
    axis = counted(axis, ndim)
    others = [(n, across) for n in range(ndim) if n != axis]
    return along_each(xp, x, [(axis, [-1.0, 0.0, 1.0]), *others], mode, cval)


@substitute("scipy.ndimage.laplace", arrays="input")
def laplace(xp: Any, input: Any, mode: Any = "reflect", cval: float = 0.0) -> Any:
    parts = [along_each(xp, input, [(n, [1.0, -2.0, 1.0])], mode, cval) for n in range(len(input.shape))]
    return sum(parts[1:], parts[0])
