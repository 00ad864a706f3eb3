"""A matrix product that may be captured: cuBLAS on a handle and a workspace of our own.

CuPy's own ``matmul`` refuses to run while a stream is captured. Seen with CuPy 14.2 on a stand-in for CUDA, not on a
GPU yet.
"""

import ctypes
import weakref
from typing import Any

import cupy

from miniflow_xp.backend import Array
from miniflow_xp.backends.cupy.blas import ANY_ALGORITHM, DATA_TYPES, FP32, FP64, TF32, bindings
from miniflow_xp.backends.cupy.layout import StackArguments, stack_arguments
from miniflow_xp.broadcasting import broadcast

WORKSPACE = 32 << 20  # bytes: what NVIDIA recommends for Hopper


class Gemm:
    """Products of arrays of one dtype into given arrays; one handle and workspace, so one for each graph.

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
        """``a @ b`` of vectors, matrices or stacks of matrices, into ``out``, whose rows lie end to end."""
        rows, columns = a if a.ndim > 1 else a.reshape(1, -1), b if b.ndim > 1 else b.reshape(-1, 1)
        stack = broadcast(rows.shape[:-2], columns.shape[:-2])
        assert stack is not None  # the library has computed this product
        self.into(out.reshape(*stack, rows.shape[-2], columns.shape[-1]), rows, columns, self.tf32)

    def column_sums(self, x: Array, out: Array) -> None:
        """``x.sum(axis=0)`` of a matrix as ones · x, in true float32: it keeps more of the GPU busy than a sum does."""
        self.into(out.reshape(1, -1), self.ones(x.shape[0], x.dtype), x, tf32=False)

    def ones(self, count: int, dtype: Any) -> Array:
        """One row of ones; made at the first call, which is before the capture."""
        if (count, dtype) not in self._ones:
            self._ones[count, dtype] = cupy.ones((1, count), dtype)
        return self._ones[count, dtype]

    def into(self, out: Array, a: Array, b: Array, tf32: bool) -> None:
        """out = a b for matrices, or stacks of them; operands that BLAS cannot read are copied first."""
        if a.size == 0 or b.size == 0:
            out.fill(0)
            return
        a, b = stacked(a, out), stacked(b, out)
        found = arguments(a, b, out)
        if found is None:
            a, b = cupy.ascontiguousarray(a), cupy.ascontiguousarray(b)
            found = arguments(a, b, out)
        if found is None:
            raise ValueError(f"a product cannot be written into an array with strides {out.strides}")
        self._use_current_stream()
        kind, compute, number = types(a.dtype.name, tf32)
        one, zero = number(1), number(0)
        each, step_b, step_a, step_out, products = found
        sizes = self._handle, each.transpose_b, each.transpose_a, each.m, each.n, each.k, ctypes.addressof(one)
        left, right = (b.data.ptr, kind, each.ld_b), (a.data.ptr, kind, each.ld_a)
        result = ctypes.addressof(zero), out.data.ptr, kind, each.ld_out
        if out.ndim == 2:
            self.library.gemm(*sizes, *left, *right, *result, compute, ANY_ALGORITHM)
        else:
            steps = (*left, step_b, *right, step_a, *result, step_out)
            self.library.gemm_of_stacks(*sizes, *steps, products, compute, ANY_ALGORITHM)

    def _use_current_stream(self) -> None:
        stream = cupy.cuda.get_current_stream().ptr
        if stream != self._stream:  # cublasSetStream takes the workspace away: both, in this order
            self.library.set_stream(self._handle, stream)
            self.library.set_workspace(self._handle, self._workspace.data.ptr, WORKSPACE)
            self._stream = stream


def stacked(x: Array, out: Array) -> Array:
    """A matrix or a stack, repeated as the stack ``out`` wants it; nothing is copied."""
    return x if x.shape[:-2] == out.shape[:-2] else cupy.broadcast_to(x, out.shape[:-2] + x.shape[-2:])


def arguments(a: Array, b: Array, out: Array) -> StackArguments | None:
    """The arguments for three stacks, or three matrices; or None."""
    return stack_arguments((a.shape, a.strides), (b.shape, b.strides), (out.shape, out.strides), a.itemsize)


def types(dtype: str, tf32: bool) -> tuple[int, int, Any]:
    """cuBLAS's data type, what it computes in, and the C type of its factors."""
    if dtype == "float64":
        return DATA_TYPES[dtype], FP64, ctypes.c_double
    return DATA_TYPES[dtype], TF32 if tf32 and dtype == "float32" else FP32, ctypes.c_float
