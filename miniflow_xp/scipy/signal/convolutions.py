"""Convolution and correlation in any number of dimensions."""

from collections.abc import Sequence
from typing import Any

from miniflow_xp.arrays.axes import counted
from miniflow_xp.dtypes import is_complex
from miniflow_xp.rules.algebra import conj
from miniflow_xp.scipy.substitutes import substitute


@substitute("scipy.signal.convolve", arrays="in1 in2")
def convolve(xp: Any, in1: Any, in2: Any, mode: str = "full", method: str = "auto") -> Any:
    return fftconvolve(xp, in1, in2, mode)


@substitute("scipy.signal.correlate", arrays="in1 in2")
def correlate(xp: Any, in1: Any, in2: Any, mode: str = "full", method: str = "auto") -> Any:
    turned = conj(xp, xp.flip(in2, axis=tuple(range(len(in2.shape)))) if in2.shape else in2)
    return fftconvolve(xp, in1, turned, mode)


@substitute("scipy.signal.fftconvolve", "scipy.signal.oaconvolve", arrays="in1 in2")
def fftconvolve(xp: Any, in1: Any, in2: Any, mode: str = "full", axes: Any = None) -> Any:
    if len(in1.shape) != len(in2.shape):
        raise ValueError("in1 and in2 should have the same dimensionality")
    if not in1.shape:
        return in1 * in2
    every = tuple(range(len(in1.shape)))
    along = (
        every if axes is None else tuple([counted(n, len(every)) for n in ((axes,) if isinstance(axes, int) else axes)])
    )
    whole = full(xp, in1, in2, along)
    return cropped(whole, tuple(in1.shape), tuple(in2.shape), mode, along)


def full(xp: Any, a: Any, v: Any, axes: Sequence[int]) -> Any:
    """The whole convolution along these axes: by sums along one, by Fourier's transform along several."""
    if len(a.shape) == 1:
        return xp.full_convolution(a, v)
    sizes = [a.shape[n] + v.shape[n] - 1 for n in axes]
    if is_complex(a) or is_complex(v):
        a, v = (x if is_complex(x) else x + 0j for x in (a, v))
        return xp.fft.ifftn(xp.fft.fftn(a, s=sizes, axes=axes) * xp.fft.fftn(v, s=sizes, axes=axes), s=sizes, axes=axes)
    return xp.fft.irfftn(xp.fft.rfftn(a, s=sizes, axes=axes) * xp.fft.rfftn(v, s=sizes, axes=axes), s=sizes, axes=axes)


def cropped(whole: Any, one: tuple[int, ...], other: tuple[int, ...], mode: str, axes: Sequence[int]) -> Any:
    """The middle of a whole convolution: as large as the first, or where both overlap."""
    if mode == "full":
        return whole
    if mode not in ("same", "valid"):
        raise ValueError("acceptable mode flags are 'valid', 'same', or 'full'")
    if mode == "valid" and not (holds(one, other, axes) or holds(other, one, axes)):
        raise ValueError("For 'valid' mode, one must be at least as large as the other in every dimension")
    sizes = list(whole.shape)
    for n in axes:
        sizes[n] = one[n] if mode == "same" else abs(one[n] - other[n]) + 1
    starts = [(size - kept) // 2 for size, kept in zip(whole.shape, sizes, strict=True)]
    return whole[tuple([slice(start, start + kept) for start, kept in zip(starts, sizes, strict=True)])]


def holds(one: Sequence[int], other: Sequence[int], axes: Sequence[int]) -> bool:
    """Is the first at least as large as the other along these axes?"""
    return all(one[n] >= other[n] for n in axes)
