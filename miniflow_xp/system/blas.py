"""The threads of NumPy's BLAS, and of SciPy's, read and set through threadpoolctl where it is installed."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from miniflow_xp.system.locks import lock

_lock = lock()  # the number of threads is the process's


def loaded() -> list[Any]:
    """The BLAS libraries that the process has loaded; none without threadpoolctl, which nothing is known of them by."""
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return []
    return [c for c in ThreadpoolController().lib_controllers if c.user_api == "blas"]


_libraries = cache(loaded)


@cache
def blas_threads() -> int:
    """The number of threads that BLAS uses; 1 where it is unknown, without threadpoolctl."""
    return max([int(c.num_threads) for c in _libraries()] or [1])


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Inside, each product runs on the thread that calls it."""
    threads = blas_threads()
    with _lock:
        try:
            for library in _libraries():
                library.set_num_threads(1)
            yield
        finally:
            for library in _libraries():
                library.set_num_threads(threads)
