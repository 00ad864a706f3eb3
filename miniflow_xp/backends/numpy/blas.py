"""The threads of NumPy's BLAS, read and set through threadpoolctl where it is installed."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from miniflow_xp.system.locks import lock

_lock = lock()  # the number of threads is the process's


@cache
def _libraries() -> list[Any]:
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return []
    return [c for c in ThreadpoolController().lib_controllers if c.user_api == "blas"]


@cache
def blas_threads() -> int:
    """The number of threads that BLAS uses, when first asked; 1 where it is unknown, without threadpoolctl."""
    return blas_threads_now()


def blas_threads_now() -> int:
    """The number of threads that BLAS may use at this moment, as ``threadpool_limits`` sets it."""
    return max([int(c.num_threads) for c in _libraries()] or [1])


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Inside, each product runs on the thread that calls it; after it, each library has as many as it had before."""
    with _lock:
        before = [(library, library.num_threads) for library in _libraries()]
        try:
            for library, _ in before:
                library.set_num_threads(1)
            yield
        finally:
            for library, threads in before:
                library.set_num_threads(threads)
                getattr(library, "clear_controlling_thread", int)()  # else other threads' limits would do nothing


def one_blas_thread_here() -> None:
    """For good, in a thread that is ours: OpenBLAS on OpenMP has a number of threads for each that calls it."""
    for library in _libraries():
        if (library.internal_api, getattr(library, "threading_layer", None)) == ("openblas", "openmp"):
            library.set_num_threads(1)
