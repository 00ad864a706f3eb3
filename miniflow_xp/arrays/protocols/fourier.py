"""``numpy.fft``."""

from collections.abc import Callable
from typing import Any

from miniflow_xp.arrays.protocols.arguments import as_array, as_inexact, axis_of
from miniflow_xp.arrays.protocols.tables import numpy
from miniflow_xp.dtypes import is_complex

OF_COMPLEX = ("fft", "ifft", "fftn", "ifftn", "irfft", "irfftn", "hfft")
"""The transforms that take complex numbers alone."""


def along_one_axis(name: str) -> Callable[..., Any]:
    def call(xp: Any, a: Any, n: Any = None, axis: int = -1, norm: Any = None, out: Any = None) -> Any:
        return getattr(xp.fft, name)(complex_if(xp, a, name), n=n, axis=axis, norm=norm or "backward")

    return call


def along_several(name: str, last: tuple[int, ...] | None) -> Callable[..., Any]:
    def call(xp: Any, a: Any, s: Any = None, axes: Any = last, norm: Any = None, out: Any = None) -> Any:
        x = complex_if(xp, a, name)
        if axes is None:
            axes = range(len(x.shape))[-len(s) :] if s is not None else range(len(x.shape))
        return getattr(xp.fft, name)(x, s=s, axes=tuple(axes), norm=norm or "backward")

    return call


def complex_if(xp: Any, a: Any, name: str) -> Any:
    """The array: of complex numbers, for the transforms that take these alone."""
    x = as_inexact(xp, a)
    if name not in OF_COMPLEX or is_complex(x):
        return x
    return xp.astype(x, xp.complex64 if str(x.dtype).endswith("float32") else xp.complex128)


for _name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft"):
    numpy(f"fft.{_name}")(along_one_axis(_name))
for _name in ("fftn", "ifftn", "rfftn", "irfftn"):
    numpy(f"fft.{_name}")(along_several(_name, None))
    numpy(f"fft.{_name[:-1]}2")(along_several(_name, (-2, -1)))


@numpy("fft.fftshift")
def fftshift(xp: Any, x: Any, axes: Any = None) -> Any:
    return xp.fft.fftshift(as_array(xp, x), axes=axis_of(axes))


@numpy("fft.ifftshift")
def ifftshift(xp: Any, x: Any, axes: Any = None) -> Any:
    return xp.fft.ifftshift(as_array(xp, x), axes=axis_of(axes))
