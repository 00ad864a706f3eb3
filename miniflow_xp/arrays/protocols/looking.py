"""NumPy's functions without a gradient: they say something of arrays, or give whole numbers."""

from collections.abc import Callable
from typing import Any

from miniflow_xp.arrays.calls import boxed
from miniflow_xp.arrays.protocols.arguments import as_array, pair
from miniflow_xp.arrays.protocols.tables import FUNCTIONS, UFUNCS, Entry, numpy, ufunc
from miniflow_xp.arrays.traced import Traced, contents, ground
from miniflow_xp.dtypes import is_complex


def seen(item: Any, look: Callable[[Any], Any]) -> Any:
    """An argument with the library's arrays in place of traced ones."""
    if type(item) is Traced:
        return look(item)
    return type(item)([seen(i, look) for i in item]) if type(item) in (list, tuple) else item


def numpys(name: str) -> Any:
    """NumPy's function of this name."""
    import numpy as np

    return getattr(np, name)


def of_forms(name: str) -> Callable[..., Any]:
    """A function that looks at shapes and dtypes alone: NumPy's own, of the library's arrays."""

    def call(xp: Any, *args: Any, **keywords: Any) -> Any:
        return numpys(name)(*seen(args, ground), **{key: seen(item, ground) for key, item in keywords.items()})

    return call


def of_contents(name: str) -> Callable[..., Any]:
    """A function that looks at contents: NumPy's own; arrays that it gives are constants."""

    def call(xp: Any, *args: Any, **keywords: Any) -> Any:
        found = numpys(name)(*seen(args, contents), **{key: seen(item, contents) for key, item in keywords.items()})
        return boxed(as_arrays(xp, found), xp)

    return call


def as_arrays(xp: Any, found: Any) -> Any:
    """Results as arrays of the library; numbers and texts as they are."""
    import numpy as np

    if isinstance(found, (list, tuple)):
        return type(found)([as_arrays(xp, item) for item in found])
    return xp.library.asarray(found) if isinstance(found, np.ndarray) else found


OF_FORMS = "can_cast common_type iscomplexobj isrealobj min_scalar_type ndim result_type shape size"
OF_CONTENTS = """
    allclose array_equal array_equiv array2string array_repr array_str lexsort packbits ravel_multi_index unpackbits
    unravel_index ix_ diag_indices_from tril_indices_from triu_indices_from einsum_path
"""
for _name in OF_FORMS.split():
    FUNCTIONS[_name] = Entry(of_forms(_name), has_gradient=False)
for _name in OF_CONTENTS.split():
    FUNCTIONS[_name] = Entry(of_contents(_name), has_gradient=False)
for _name in ("bitwise_count", "gcd", "lcm", "spacing", "isnat"):
    UFUNCS[_name] = Entry(of_contents(_name), has_gradient=False)


@ufunc("frexp")
def frexp(xp: Any, x: Any) -> Any:
    """x / 2ⁿ, between ½ and 1, and n, which has no gradient."""
    exponent = of_contents("frexp")(xp, x)[1]
    return x * 2.0 ** xp.astype(-exponent, x.dtype), exponent


@numpy("isclose", gradient=False)
def isclose(xp: Any, a: Any, b: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: bool = False) -> Any:
    a, b = pair(xp, a, b)
    near = (xp.abs(a - b) <= atol + rtol * xp.abs(b)) & xp.isfinite(b) | (a == b)
    return near | (xp.isnan(a) & xp.isnan(b)) if equal_nan else near


@numpy("isneginf", gradient=False)
def isneginf(xp: Any, x: Any, out: Any = None) -> Any:
    return xp.isinf(x) & (x < 0)


@numpy("isposinf", gradient=False)
def isposinf(xp: Any, x: Any, out: Any = None) -> Any:
    return xp.isinf(x) & (x > 0)


@numpy("iscomplex", gradient=False)
def iscomplex(xp: Any, x: Any) -> Any:
    return xp.imag(x) != 0 if is_complex(x) else xp.zeros_like(x, dtype=xp.bool)


@numpy("isreal", gradient=False)
def isreal(xp: Any, x: Any) -> Any:
    return ~iscomplex(xp, x)


@numpy("may_share_memory", "shares_memory", gradient=False)
def may_share_memory(xp: Any, a: Any, b: Any, /, max_work: Any = 0) -> bool:
    """A traced array is replaced when it is written to, so that no other changes with it."""
    return a is b


@numpy("real_if_close")
def real_if_close(xp: Any, a: Any, tol: float = 100) -> Any:
    a = as_array(xp, a)
    if not is_complex(a):
        return a
    bound = tol * float(xp.finfo(a.dtype).eps) if tol > 1 else tol
    return xp.real(a) if bool(xp.all(xp.abs(xp.imag(a)) < bound)) else a
