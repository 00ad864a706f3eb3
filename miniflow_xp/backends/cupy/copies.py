"""CuPy's side of copies on a stream of their own. Not seen on a GPU yet, only on a CUDA that is played."""

from typing import Any

import cupy
import numpy as np

from miniflow_xp.backend import Array, Backend
from miniflow_xp.backends.copy_stream import CopyStream


class CupyCopies(CopyStream):
    """Pinned memory comes from CuPy's pool of it, where it goes as soon as nobody holds it."""

    def __init__(self, backend: Backend, depth: int) -> None:
        super().__init__(backend, depth)
        with backend.activate():
            self.copies = cupy.cuda.Stream(non_blocking=True)

    def current(self) -> Any:
        return cupy.cuda.get_current_stream()

    def now(self, stream: Any) -> Any:
        return stream.record(cupy.cuda.Event(block=True, disable_timing=True))

    def pinned(self, array: Array, name: str) -> Any:
        size = array.size * np.dtype(name).itemsize
        host = np.ndarray(array.shape, name, buffer=cupy.cuda.alloc_pinned_memory(size))
        host[...] = array  # NumPy converts, as it does where a feed is not prefetched
        return host

    def empty(self, host: Any) -> Array:
        return cupy.empty(host.shape, host.dtype)

    def copy(self, host: Any, target: Array) -> None:
        target.set(host, stream=self.copies)
