"""``cupy.cuda.thrust``, played: sorting on the host. ``build.py`` puts it in the place of CuPy's own.

As Thrust does, it waits for the stream, which no capture takes.
"""

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np

available = True


def array_at(start: int, shape: Sequence[int], dtype: Any) -> np.ndarray:
    """The array of the played device that begins there."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return np.ndarray(tuple(shape), dtype, (ctypes.c_char * size).from_address(start))


def wait() -> None:
    """For what was asked of the current stream before."""
    import cupy  # here: it imports this module

    cupy.cuda.get_current_stream().synchronize()


def sort(dtype: Any, data: int, keys: int, shape: Sequence[int]) -> None:
    """Along the last axis, in place."""
    wait()
    array_at(data, shape, dtype).sort(axis=-1)


def argsort(dtype: Any, indices: int, data: int, keys: int, shape: Sequence[int]) -> None:
    """What sorts along the last axis."""
    wait()
    array_at(indices, shape, np.intp)[...] = array_at(data, shape, dtype).argsort(axis=-1, kind="stable")


def lexsort(dtype: Any, indices: int, keys: int, count: int, length: int) -> None:
    """What sorts by the last of ``count`` keys, then by those before."""
    wait()
    array_at(indices, (length,), np.intp)[...] = np.lexsort(array_at(keys, (count, length), dtype))


def get_build_version() -> int:
    """Of no Thrust."""
    return 0
