"""Elementwise functions that take long, of large arrays: each thread computes its share.

NumPy and SciPy compute a function on one thread. How long they take for an element differs a hundredfold from function
to function, and from one processor to the next: it is measured when a function first gets a large array, and again
whenever it is shared. The numbers are the same, bit for bit.
"""

from collections.abc import Callable, Sequence
from functools import partial, wraps
from time import perf_counter
from typing import Any

import numpy as np

from miniflow_xp.backends.numpy.blas import blas_threads, blas_threads_now
from miniflow_xp.backends.numpy.threads import run_together

LEAST = 4096  # elements: of fewer, no function takes long
SHARE = 1.5e-4  # seconds of work that make up for handing it to a thread
LINE = 64  # elements: shares begin where a vector of any processor does
NUMBERS = {int, float, complex, *np.sctypeDict.values()}
OF_UFUNCS = [name for name in dir(np.ufunc) if not name.startswith("_")]  # ``reduce``, ``outer``, ``types`` …


def shared(function: np.ufunc, when: Callable[[], bool] = lambda: True) -> Callable[..., Any]:
    """The function, with one result, in a form that shares the work where this is quicker, and ``when`` allows it."""
    seconds: dict[Any, float] = {}  # for an element, by the dtype of the large array

    @wraps(function)
    def call(*args: Any, **keywords: Any) -> Any:
        if keywords:
            return function(*args, **keywords)
        for arg in args:
            if type(arg) is np.ndarray and arg.size >= LEAST:
                takes_long = seconds.get(arg.dtype, SHARE) * arg.size >= 2 * SHARE
                return in_shares(function, args, arg, seconds) if takes_long and when() else function(*args)
        return function(*args)

    vars(call).update({name: getattr(function, name) for name in OF_UFUNCS})
    return call


def in_shares(function: np.ufunc, args: Sequence[Any], large: np.ndarray, seconds: dict[Any, float]) -> Any:
    """The function of arrays of which one is large; by several threads if they lie alike, and it takes long enough."""
    shape, size, dtype = large.shape, large.size, large.dtype
    if len(args) != function.nin or not all(lies_in_order(arg, shape) or is_number(arg) for arg in args):
        return function(*args)
    if dtype not in seconds:
        seconds[dtype] = first_guess(function, args)
    threads = min(int(seconds[dtype] * size / SHARE), blas_threads(), blas_threads_now())
    if threads < 2:
        return function(*args)
    kinds = [getattr(arg, "dtype", type(arg)) for arg in args]
    result = np.empty(shape, function.resolve_dtypes((*kinds, None))[-1])
    cuts = [size * n // threads // LINE * LINE for n in range(threads)] + [size]
    places = list(map(slice, cuts, cuts[1:]))
    times: list[float] = []
    shares = [partial(timed, times, function, *part(args, place), out=result.reshape(-1)[place]) for place in places]
    heeded: dict[str, Any] = {error: "raise" for error, how in np.geterr().items() if how != "ignore"}
    try:
        with np.errstate(**heeded):
            run_together(shares)
    except (FloatingPointError, RuntimeError):  # which is told from here, as the caller set it; or there is no thread
        pass
    else:
        seconds[dtype] = min(times) * threads / size
        return result
    return function(*args)  # outside of ``except``: no error of a thread is told beside


def lies_in_order(array: Any, shape: tuple[int, ...]) -> bool:
    """Is this one of NumPy's own arrays of floats or complex numbers in this shape, row by row in memory?"""
    kept = type(array) is np.ndarray and array.dtype.kind in "fc"
    return kept and array.shape == shape and bool(array.flags.c_contiguous)


def is_number(arg: Any) -> bool:
    """Is this a number, Python's or NumPy's, or one of NumPy's own arrays without axes?"""
    return type(arg) in NUMBERS or (type(arg) is np.ndarray and arg.ndim == 0)


def part(args: Sequence[Any], place: slice) -> list[Any]:
    """The arguments of a share: those elements of the large arrays, numbers as they are."""
    return [arg.reshape(-1)[place] if getattr(arg, "shape", ()) else arg for arg in args]


def timed(times: list[float], function: np.ufunc, *args: Any, **keywords: Any) -> None:
    """Call the function, and append how long it took."""
    begun = perf_counter()
    function(*args, **keywords)
    times.append(perf_counter() - begun)


def first_guess(function: np.ufunc, args: Sequence[Any]) -> float:
    """How long the function takes for an element: the best of three tries with a few."""
    times: list[float] = []
    with np.errstate(all="ignore"):
        for _ in range(3):
            timed(times, function, *part(args, slice(LEAST)))
    return min(times) / LEAST
