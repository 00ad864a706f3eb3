"""Elementwise functions that take long, of large arrays: each thread computes its share.

NumPy and SciPy compute a function on one thread. How long they take for an element differs a hundredfold from function
to function, and from one processor to the next: it is measured when a function first gets a large array. The numbers
are the same, bit for bit.
"""

from collections.abc import Callable, Sequence
from functools import partial, wraps
from operator import itemgetter
from time import perf_counter
from typing import Any

import numpy as np

from miniflow_xp.backends.numpy.blas import blas_threads, blas_threads_now
from miniflow_xp.backends.numpy.threads import run_together

LEAST = 4096  # elements: of fewer, no function takes long
SHARE = 1e-4  # seconds of work that make up for handing it to a thread
LINE = 64  # elements: shares begin where a vector of any processor does

_seconds: dict[tuple[Any, ...], float] = {}


def shared(function: np.ufunc) -> Callable[..., Any]:
    """The function, with one result, in a form that shares the work where this is quicker."""

    @wraps(function)
    def call(*args: Any, **keywords: Any) -> Any:
        for arg in args:
            if type(arg) is np.ndarray and arg.size >= LEAST and not keywords:
                return in_shares(function, args)
        return function(*args, **keywords)

    return call


def in_shares(function: np.ufunc, args: Sequence[Any]) -> Any:
    """The function of arrays of which one is large; by several threads if they lie alike, and it takes long enough."""
    shape, size = max([(arg.shape, arg.size) for arg in args if type(arg) is np.ndarray], key=itemgetter(1))
    if not all(lies_in_order(arg, shape) or is_number(arg) for arg in args):
        return function(*args)
    kinds = tuple([getattr(arg, "dtype", type(arg)) for arg in args])
    threads = min(int(seconds_of_one(function, kinds, args) * size / SHARE), blas_threads(), blas_threads_now())
    if threads < 2:
        return function(*args)
    result = np.empty(shape, function.resolve_dtypes((*kinds, None))[-1])
    cuts = [size * n // threads // LINE * LINE for n in range(threads)] + [size]
    places = list(map(slice, cuts, cuts[1:]))
    shares = [partial(function, *part(args, place), out=result.reshape(-1)[place]) for place in places]
    heeded: dict[str, Any] = {error: "raise" for error, how in np.geterr().items() if how != "ignore"}
    try:
        with np.errstate(**heeded):
            run_together(shares)
    except (FloatingPointError, RuntimeError):  # it is told from here, as the caller set it; or no thread can be begun
        return function(*args)
    return result


def lies_in_order(array: Any, shape: tuple[int, ...]) -> bool:
    """Is this one of NumPy's own arrays of floats or complex numbers in this shape, row by row in memory?"""
    kept = type(array) is np.ndarray and array.dtype.kind in "fc"
    return kept and array.shape == shape and bool(array.flags.c_contiguous)


def is_number(arg: Any) -> bool:
    """Is this a number, or an array without axes?"""
    return type(arg) in (int, float, complex) or getattr(arg, "shape", None) == ()


def part(args: Sequence[Any], place: slice) -> list[Any]:
    """The arguments of a share: those elements of the large arrays, numbers as they are."""
    return [arg.reshape(-1)[place] if getattr(arg, "shape", ()) else arg for arg in args]


def seconds_of_one(function: np.ufunc, kinds: tuple[Any, ...], args: Sequence[Any]) -> float:
    """How long the function takes for an element of arguments of these dtypes: the best of three tries with a few."""
    if (function, kinds) not in _seconds:
        few = part(args, slice(LEAST))
        tries = []
        with np.errstate(all="ignore"):
            for _ in range(3):
                begun = perf_counter()
                function(*few)
                tries.append(perf_counter() - begun)
        _seconds[function, kinds] = min(tries) / LEAST
    return _seconds[function, kinds]
