"""Fourier transforms: the adjoint of a transform is the one back, with the other normalisation.

A transform of n elements cuts or pads its input first; the adjoint pads or cuts its result.
"""

from collections.abc import Sequence
from typing import Any

from miniflow_xp.arrays.tables import RULES, composed, rule

OPPOSITE = {"backward": "forward", "forward": "backward", "ortho": "ortho", None: "forward"}


def resized(xp: Any, x: Any, n: int, axis: int) -> Any:
    """x with n elements along an axis: cut, or zeros at the end."""
    axis %= len(x.shape)
    before: list[Any] = [slice(None)] * axis
    if n <= x.shape[axis]:
        return x if n == x.shape[axis] else x[(*before, slice(0, n), ...)]
    shape = (*x.shape[:axis], n - x.shape[axis], *x.shape[axis + 1 :])
    corner = x[(*before, slice(0, 1), ...)]
    return xp.concat([x, xp.broadcast_to(xp.zeros_like(corner), shape)], axis=axis)


def back_rule(name: str, back: str) -> None:
    """The rules of a complex transform along one axis and along several; ``back`` is the one back."""

    def of_one(xp: Any, g: Any, y: Any, x: Any, n: Any = None, axis: int = -1, norm: Any = "backward") -> Any:
        return (lambda: resized(xp, getattr(xp.fft, back)(g, axis=axis, norm=OPPOSITE[norm]), x.shape[axis], axis),)

    def of_several(xp: Any, g: Any, y: Any, x: Any, s: Any = None, axes: Any = None, norm: Any = "backward") -> Any:
        return (lambda: several_back(xp, g, tuple(x.shape), chosen(len(x.shape), s, axes), norm, back),)

    RULES[f"fft.{name}"] = of_one
    RULES[f"fft.{name}n"] = of_several


def several_back(xp: Any, g: Any, shape: Sequence[int], axes: Sequence[int], norm: Any, back: str) -> Any:
    """The adjoint of a complex transform along several axes, for an input of this shape."""
    if axes:
        g = getattr(xp.fft, f"{back}n")(g, axes=tuple(axes), norm=OPPOSITE[norm])
    for axis in axes:
        g = resized(xp, g, shape[axis], axis)
    return g


def chosen(ndim: int, s: Any, axes: Any) -> list[int]:
    """The axes of a transform along several: those given, the last ones if only sizes are given, or all."""
    if axes is not None:
        return [axis % ndim for axis in axes]
    return list(range(0 if s is None else ndim - len(s), ndim))


back_rule("fft", "ifft")
back_rule("ifft", "fft")


def halved(xp: Any, h: Any, n: int, axis: int, weight: float) -> Any:
    """The n // 2 + 1 coefficients of n real numbers, those times ``weight`` that stand for two."""
    axis %= len(h.shape)
    before: list[Any] = [slice(None)] * axis
    last = h.shape[axis] - 1 if n % 2 == 0 else h.shape[axis]
    parts = [h[(*before, each, ...)] for each in (slice(0, 1), slice(1, last), slice(max(last, 1), None))]
    return xp.concat([parts[0], weight * parts[1], parts[2]], axis=axis)


@rule("fft.rfft")
def _rfft(xp: Any, g: Any, y: Any, x: Any, n: Any = None, axis: int = -1, norm: Any = "backward") -> Any:
    return (lambda: rfft_back(xp, g, x.shape[axis], n or x.shape[axis], axis, norm),)


def rfft_back(xp: Any, g: Any, size: int, n: int, axis: int, norm: Any) -> Any:
    """irfft counts a coefficient that stands for two twice, so that each is halved first."""
    return resized(xp, xp.fft.irfft(halved(xp, g, n, axis, 0.5), n=n, axis=axis, norm=OPPOSITE[norm]), size, axis)


@rule("fft.irfft")
def _irfft(xp: Any, g: Any, y: Any, x: Any, n: Any = None, axis: int = -1, norm: Any = "backward") -> Any:
    return (lambda: irfft_back(xp, g, x.shape[axis], axis, norm),)


def irfft_back(xp: Any, g: Any, size: int, axis: int, norm: Any) -> Any:
    back = xp.fft.rfft(g, axis=axis, norm=OPPOSITE[norm])
    return resized(xp, halved(xp, back, g.shape[axis], axis, 2.0), size, axis)


@rule("fft.rfftn")
def _rfftn(xp: Any, g: Any, y: Any, x: Any, s: Any = None, axes: Any = None, norm: Any = "backward") -> Any:
    """rfft along the last of the axes, then fft along the others; the adjoint goes the other way."""
    *others, last = chosen(len(x.shape), s, axes)
    n = x.shape[last] if s is None else s[-1]

    def back() -> Any:
        between = (*x.shape[:last], n // 2 + 1, *x.shape[last + 1 :])
        inner = several_back(xp, g, between, others, norm, "ifft")
        return rfft_back(xp, inner, x.shape[last], n, last, norm)

    return (back,)


@rule("fft.irfftn")
def _irfftn(xp: Any, g: Any, y: Any, x: Any, s: Any = None, axes: Any = None, norm: Any = "backward") -> Any:
    """ifft along all of the axes but the last, then irfft along that; the adjoint goes the other way."""
    *others, last = chosen(len(x.shape), s, axes)

    def back() -> Any:
        return several_back(xp, irfft_back(xp, g, x.shape[last], last, norm), x.shape, others, norm, "fft")

    return (back,)


RULES["fft.fftshift"] = lambda xp, g, y, x, axes=None: (lambda: xp.fft.ifftshift(g, axes=axes),)
RULES["fft.ifftshift"] = lambda xp, g, y, x, axes=None: (lambda: xp.fft.fftshift(g, axes=axes),)


@composed("fft.hfft")
def hfft(xp: Any, x: Any, /, *, n: int | None = None, axis: int = -1, norm: Any = "backward") -> Any:
    """The real transform of n numbers with Hermitian symmetry, of which x are the first half."""
    return xp.fft.irfft(xp.conj(x), n=n, axis=axis, norm=OPPOSITE[norm])


@composed("fft.ihfft")
def ihfft(xp: Any, x: Any, /, *, n: int | None = None, axis: int = -1, norm: Any = "backward") -> Any:
    """The inverse of ``hfft``: half of the inverse transform of n real numbers."""
    return xp.conj(xp.fft.rfft(x, n=n, axis=axis, norm=OPPOSITE[norm]))
