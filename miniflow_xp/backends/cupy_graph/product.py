"""A matrix product that may be captured: cuBLAS on a handle and a workspace of our own.

CuPy's own ``matmul`` refuses to run while a stream is captured. Not seen on a GPU yet, only on a
cuBLAS that is played.
"""

import ctypes
import weakref
from typing import Any

import cupy

from miniflow_xp.backend import Array
from miniflow_xp.backends.cupy_graph.blas import ANY_ALGORITHM, DATA_TYPES, FP32, FP64, TF32, bindings
from miniflow_xp.backends.cupy_graph.layout import gemm_arguments

WORKSPACE = 32 << 20  # bytes: what NVIDIA recommends for Hopper


class Gemm:
    """Products of matrices of one dtype into given arrays; one handle and workspace, so one for each graph.

    float32 is true float32, or TF32 where ``tf32``; half precision is summed in float32.
    """

    def __init__(self, tf32: bool, library: Any = None) -> None:
        self.library = library or bindings()
        self.tf32 = tf32
        self._stream: int | None = None
        self._ones: dict[Any, Array] = {}
        self._workspace = cupy.empty(WORKSPACE, cupy.uint8)
        self._handle = self.library.create()
        weakref.finalize(self, self.library.destroy, self._handle).atexit = False  # at exit CUDA may be gone already

    def matmul(self, a: Array, b: Array, out: Array) -> None:
        """``a @ b`` of matrices or vectors, into ``out``, whose rows lie end to end."""
        rows, columns = a if a.ndim == 2 else a.reshape(1, -1), b if b.ndim == 2 else b.reshape(-1, 1)
        self.into(out.reshape(rows.shape[0], columns.shape[1]), rows, columns, self.tf32)

    def column_sums(self, x: Array, out: Array) -> None:
        """``x.sum(axis=0)`` of a matrix as ones · x, in true float32: it keeps more of the GPU busy than a sum does."""
        self.into(out.reshape(1, -1), self.ones(x.shape[0], x.dtype), x, tf32=False)

    def ones(self, count: int, dtype: Any) -> Array:
        """One row of ones; made at the first call, which is before the capture."""
        if (count, dtype) not in self._ones:
            self._ones[count, dtype] = cupy.ones((1, count), dtype)
        return self._ones[count, dtype]

    def into(self, out: Array, a: Array, b: Array, tf32: bool) -> None:
        """out = a b for matrices; operands that BLAS cannot read are copied first."""
        if a.size == 0 or b.size == 0:
            out.fill(0)
            return
        found = arguments(a, b, out)
        if found is None:
            a, b = cupy.ascontiguousarray(a), cupy.ascontiguousarray(b)
            found = arguments(a, b, out)
        if found is None:
            raise ValueError(f"a product cannot be written into an array with strides {out.strides}")
        self._use_current_stream()
        kind, compute, number = types(a.dtype.name, tf32)
        one, zero = number(1), number(0)
        operation_b, operation_a, m, n, k, ld_b, ld_a, ld_out = found
        self.library.gemm(
            *(self._handle, operation_b, operation_a, m, n, k, ctypes.addressof(one)),
            *(b.data.ptr, kind, ld_b, a.data.ptr, kind, ld_a, ctypes.addressof(zero)),
            *(out.data.ptr, kind, ld_out, compute, ANY_ALGORITHM),
        )

    def _use_current_stream(self) -> None:
        stream = cupy.cuda.get_current_stream().ptr
        if stream != self._stream:  # cublasSetStream takes the workspace away: both, in this order
            self.library.set_stream(self._handle, stream)
            self.library.set_workspace(self._handle, self._workspace.data.ptr, WORKSPACE)
            self._stream = stream


def arguments(a: Array, b: Array, out: Array) -> Any:
    """The arguments for three matrices, or None."""
    return gemm_arguments((a.shape, a.strides), (b.shape, b.strides), (out.shape, out.strides), a.itemsize)


def types(dtype: str, tf32: bool) -> tuple[int, int, Any]:
    """cuBLAS's data type, what it computes in, and the C type of its factors."""
    if dtype == "float64":
        return DATA_TYPES[dtype], FP64, ctypes.c_double
    return DATA_TYPES[dtype], TF32 if tf32 and dtype == "float32" else FP32, ctypes.c_float
