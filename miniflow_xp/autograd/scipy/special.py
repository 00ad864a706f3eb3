"""Special functions: those of ``miniflow_xp.special``, and Bessel functions and a few more of SciPy's own.

The latter are SciPy's for arrays of NumPy and of the strict namespace, and the library's own for others, where it has
them (CuPy's are not yet run on a GPU); BackendError elsewhere.
"""

from collections.abc import Callable
from typing import Any

from miniflow_xp import special as ours
from miniflow_xp.arrays.libraries import library_of
from miniflow_xp.arrays.namespace import functions_of
from miniflow_xp.autograd.extend import defvjp, primitive
from miniflow_xp.autograd.numpy.dispatch import arrays_in
from miniflow_xp.rules.special_values import value

Function = Callable[..., Any]

OWN = ("gammasgn", "iv", "ive", "j0", "j1", "jn", "rgamma", "y0", "y1", "yn")

__all__ = [*ours.__all__, *OWN]


def __getattr__(name: str) -> Any:
    """A function of ``miniflow_xp.special``."""
    if name not in ours.__all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(ours, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def compiled(name: str) -> Function:
    """The function of this name that the array's library, or SciPy, has compiled."""

    def function(*args: Any) -> Any:
        arrays = arrays_in(args)
        if not arrays:
            import numpy as np

            arrays = [np.zeros(())]
        return value(library_of(arrays[-1]), name, args)

    function.__name__ = name
    return primitive(function)


gammasgn = compiled("gammasgn")
rgamma = compiled("rgamma")
j0 = compiled("j0")
j1 = compiled("j1")
jn = compiled("jn")
y0 = compiled("y0")
y1 = compiled("y1")
yn = compiled("yn")
iv = compiled("iv")
ive = compiled("ive")

defvjp(gammasgn, None)
defvjp(rgamma, lambda ans, x: lambda g: -g * ans * ours.digamma(x))
defvjp(j0, lambda _, x: lambda g: -g * j1(x))
defvjp(y0, lambda _, x: lambda g: -g * y1(x))
defvjp(j1, lambda _, x: lambda g: g * (j0(x) - jn(2, x)) / 2)
defvjp(y1, lambda _, x: lambda g: g * (y0(x) - yn(2, x)) / 2)


def neighbours(function: Function, sign: int) -> Function:
    """The slope (F(n-1, x) ± F(n+1, x)) / 2, of functions of order n."""
    return lambda _, n, x: lambda g: g * (function(n - 1, x) + sign * function(n + 1, x)) / 2


defvjp(jn, neighbours(jn, -1), argnums=(1,))
defvjp(yn, neighbours(yn, -1), argnums=(1,))
defvjp(iv, neighbours(iv, 1), argnums=(1,))
defvjp(
    ive,
    lambda ans, n, x: lambda g: g * ((ive(n - 1, x) + ive(n + 1, x)) / 2 - functions_of(x).sign(x) * ans),
    argnums=(1,),
)
