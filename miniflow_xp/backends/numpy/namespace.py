"""NumPy's namespace, in which what is called most costs less: sums, means, arrays of ones, transposed matrices.

NumPy's own first look for arrays of other libraries, and for keywords that nobody gave. Functions that take long are
shared by threads. The results are the same, bit for bit; whatever is out of the ordinary, NumPy computes.
"""

from functools import wraps
from types import ModuleType
from typing import Any

import array_api_compat.numpy as library
import numpy as np

from miniflow_xp.backends.numpy.shares import shared

SUMMED_AS_THEY_ARE = (np.dtype("float64"), np.dtype("float32"))
compat: Any = library
LONG = (
    "exp expm1 log log2 log10 log1p sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh atan2 hypot logaddexp"
)
add: Any = np.add


@wraps(compat.sum)
def summed(x: Any, *args: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False, **others: Any) -> Any:
    """``sum``: along axes."""
    if type(x) is not np.ndarray or args or others:
        return compat.sum(x, *args, axis=axis, dtype=dtype, keepdims=keepdims, **others)
    return add.reduce(x, axis, dtype, None, keepdims)


@wraps(compat.mean)
def averaged(x: Any, *args: Any, axis: Any = None, **others: Any) -> Any:
    """``mean``: along axes."""
    is_plain = type(x) is np.ndarray and axis is None and not args and not others
    if not is_plain or not x.size or x.dtype not in SUMMED_AS_THEY_ARE:
        return compat.mean(x, *args, axis=axis, **others)
    return x.dtype.type(add.reduce(x, None) / np.intp(x.size))


@wraps(compat.ones_like)
def of_ones(x: Any, *args: Any, **others: Any) -> Any:
    """``ones_like``: ones in the shape, the dtype and the order of ``x``."""
    if args or others or not isinstance(x, (np.ndarray, np.generic)):
        return compat.ones_like(x, *args, **others)
    if isinstance(x, np.generic):
        return np.array(1, x.dtype)
    ones = np.empty_like(x)
    ones.fill(1)
    return ones


@wraps(compat.matrix_transpose)
def transposed(x: Any) -> Any:
    """``matrix_transpose``: the last two axes in reverse order."""
    return x.mT if type(x) is np.ndarray and x.ndim > 1 else compat.matrix_transpose(x)


QUICK: dict[str, Any] = {
    "sum": summed,
    "mean": averaged,
    "ones_like": of_ones,
    "matrix_transpose": transposed,
    "matmul": np.matmul,
}

SHARED: dict[str, Any] = {name: shared(getattr(compat, name)) for name in LONG.split()}

xp: Any = ModuleType(compat.__name__, compat.__doc__)
vars(xp).update(vars(compat), **QUICK, **SHARED)

for name, function in (QUICK | SHARED).items():
    if function is not np.matmul:  # which is pickled as NumPy's
        function.__module__, function.__qualname__ = __name__, f"xp.{name}"  # where it is found again
