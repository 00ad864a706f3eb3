"""The calls of cuBLAS that a captured product needs, through NVIDIA's bindings or through ctypes.

Not seen on a GPU yet: ctypes has called a cuBLAS that is played, NVIDIA's bindings have called none. The signatures are
those of nvmath-python 1.0 and of the cuBLAS documentation.
"""

import ctypes
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import Any, ClassVar

from miniflow_xp.errors import PackageMissingError

DATA_TYPES = {"float32": 0, "float64": 1, "float16": 2, "bfloat16": 14}  # cudaDataType
FP32, TF32, FP64 = 68, 77, 70  # cublasComputeType: CUBLAS_COMPUTE_32F, _32F_FAST_TF32, _64F
ANY_ALGORITHM = -1


class Nvmath:
    """Through ``nvmath.bindings.cublas`` of nvmath-python."""

    name = "nvmath-python"

    def __init__(self) -> None:
        cublas: Any = import_module("nvmath.bindings.cublas")
        self.create: Callable[[], int] = cublas.create
        self.destroy: Callable[[int], None] = cublas.destroy
        self.set_stream: Callable[[int, int], None] = cublas.set_stream
        self.set_workspace: Callable[[int, int, int], None] = cublas.set_workspace
        self.gemm: Callable[..., None] = cublas.gemm_ex
        self.gemm_of_stacks: Callable[..., None] = cublas.gemm_strided_batched_ex


class Ctypes:
    """Through ctypes, on the library that CuPy uses."""

    name = "ctypes"
    signatures: ClassVar[dict[str, str]] = {
        "cublasCreate_v2": "p",
        "cublasDestroy_v2": "p",
        "cublasSetStream_v2": "pp",
        "cublasSetWorkspace_v2": "ppz",
        "cublasGemmEx": "piiiiippiipiippiiii",
        "cublasGemmStridedBatchedEx": "piiiiippiilpiilppiiliii",
    }
    kinds: ClassVar[dict[str, Any]] = {
        "p": ctypes.c_void_p,
        "i": ctypes.c_int,
        "l": ctypes.c_longlong,
        "z": ctypes.c_size_t,
    }

    def __init__(self, library: Any = None) -> None:
        self._library = library or cublas_library()
        for name, letters in self.signatures.items():
            getattr(self._library, name).argtypes = [self.kinds[letter] for letter in letters]

    def create(self) -> int:
        handle = ctypes.c_void_p()
        self._call("cublasCreate_v2", ctypes.addressof(handle))
        return handle.value or 0

    def destroy(self, handle: int) -> None:
        self._call("cublasDestroy_v2", handle)

    def set_stream(self, handle: int, stream: int) -> None:
        self._call("cublasSetStream_v2", handle, stream)

    def set_workspace(self, handle: int, address: int, size: int) -> None:
        self._call("cublasSetWorkspace_v2", handle, address, size)

    def gemm(self, *arguments: int) -> None:
        self._call("cublasGemmEx", *arguments)

    def gemm_of_stacks(self, *arguments: int) -> None:
        self._call("cublasGemmStridedBatchedEx", *arguments)

    def _call(self, name: str, *arguments: int) -> None:
        status = getattr(self._library, name)(*arguments)
        if status:
            raise RuntimeError(f"{name} failed with cuBLAS status {status}")


def cublas_library() -> Any:
    """The cuBLAS that CuPy uses; raises PackageMissingError where there is none."""
    with suppress(ImportError, RuntimeError):
        pathfinder: Any = import_module("cuda.pathfinder")  # how CuPy 14 finds it
        return ctypes.CDLL(pathfinder.load_nvidia_dynamic_lib("cublas").abs_path)
    import cupy

    major = cupy.cuda.runtime.runtimeGetVersion() // 1000
    with suppress(OSError):
        return ctypes.CDLL(f"libcublas.so.{major}")
    raise PackageMissingError(
        "cuBLAS", "the library is not found", f"CuPy needs that of CUDA {major}", f"pip install nvidia-cublas-cu{major}"
    )


def bindings() -> Nvmath | Ctypes:
    """NVIDIA's bindings where they are installed, else ctypes."""
    with suppress(ImportError, RuntimeError):  # nvmath raises RuntimeErrors of its own where a library is missing
        return Nvmath()
    return Ctypes()
