"""The device that a plan runs on: CuPy, with a product of our own."""

from collections.abc import Callable, Sequence
from typing import Any

import cupy

from miniflow_xp.backend import Array
from miniflow_xp.backends.cupy.kernels import kernel
from miniflow_xp.backends.cupy.product import Gemm
from miniflow_xp.backends.cupy.sources import Source


class Gpu:
    """Everything is asked of the current stream, memory comes from the current allocator; nothing waits."""

    def __init__(self, xp: Any, tf32: bool) -> None:
        self.xp = xp
        self._gemm = Gemm(tf32)
        self.matmul = self._gemm.matmul
        self.column_sums = self._gemm.column_sums

    def empty(self, shape: tuple[int, ...], dtype: Any) -> Array:
        return cupy.empty(shape, dtype)

    def kept(self, array: Array) -> Array:
        return copied(cupy.asarray(array))  # a number of NumPy's is an array without axes here

    def launch(self, source: Source, inputs: Sequence[Array], outputs: Sequence[Array]) -> None:
        kernel(source)(*inputs, *outputs)

    def sum(self, x: Array, out: Array, *, axis: Any = None, keepdims: bool = False) -> None:
        cupy.sum(x, axis=axis, out=out, keepdims=keepdims)

    def copy(self, array: Array, out: Array) -> None:
        overwrite(out, array)

    def call(self, function: Callable[..., Array], inputs: Sequence[Any], keywords: dict[str, Any]) -> Array:
        return function(*inputs, **keywords)

    def describe(self) -> str:
        """Whose product, and how precise."""
        return (
            f"products by cuBLAS through {self._gemm.library.name}, float32 as {'TF32' if self._gemm.tf32 else 'FP32'}"
        )


def copied(array: Array) -> Array:
    """The same contents in new memory, rows end to end."""
    new = cupy.empty(array.shape, array.dtype)
    overwrite(new, array)
    return new


def overwrite(out: Array, array: Array) -> None:
    """``out[...] = array``: as one copy of memory where both lie end to end."""
    if array.shape == out.shape and array.dtype == out.dtype and array.flags.c_contiguous and out.flags.c_contiguous:
        out.data.copy_from_device_async(array.data, array.nbytes)
    else:
        out[...] = array
