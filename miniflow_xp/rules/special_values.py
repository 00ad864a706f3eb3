"""Special functions of a library's arrays: SciPy's for NumPy, the library's own elsewhere, formulas for the rest."""

import operator
from collections.abc import Callable, Sequence
from importlib import import_module
from inspect import Parameter, Signature
from typing import Any

from miniflow_xp.arrays.libraries import name_of_library
from miniflow_xp.arrays.tables import native
from miniflow_xp.errors import BackendError, DtypeError, PackageMissingError
from miniflow_xp.rules.special_formulas import EVERYWHERE, OF_TORCH

HOMES = {
    "numpy": "miniflow_xp.backends.numpy.special",  # SciPy's
    "cupy": "cupyx.scipy.special",
    "torch": "torch.special",
    "jax": "jax.scipy.special",
}
"""Where the functions of a library's arrays are."""

FUNCTIONS = {  # name: parameters, what it is
    "erf": ("x", "The error function, 2/√π ∫ exp(-t²) dt from 0 to x."),
    "erfc": ("x", "1 - erf(x), accurate where that is small."),
    "erfcx": ("x", "exp(x²) erfc(x), which neither overflows nor underflows for positive x."),
    "erfinv": ("y", "The inverse of erf."),
    "gamma": ("x", "The gamma function, (x - 1)! of a whole number."),
    "gammaln": ("x", "log |gamma(x)|."),
    "digamma": ("x", "The derivative of gammaln."),
    "gammainc": ("a, x", "The regularised lower incomplete gamma function, 1/gamma(a) ∫ t^(a-1) exp(-t) dt to x."),
    "gammaincc": ("a, x", "1 - gammainc(a, x), accurate where that is small."),
    "beta": ("a, b", "gamma(a) gamma(b) / gamma(a + b)."),
    "betaln": ("a, b", "log |beta(a, b)|."),
    "betainc": ("a, b, x", "The regularised incomplete beta function, 1/beta(a, b) ∫ t^(a-1) (1-t)^(b-1) dt to x."),
    "betaincc": ("a, b, x", "1 - betainc(a, b, x), accurate where that is small."),
    "stdtr": ("df, t", "The distribution function of Student's t with df degrees of freedom."),
    "zeta": ("x, q", "Hurwitz' zeta function, the sum of (k + q)^(-x) over k = 0, 1, 2 …"),
    "xlogy": ("x, y", "x log(y), and 0 where x is 0."),
    "xlog1py": ("x, y", "x log(1 + y), and 0 where x is 0."),
    "xdivy": ("x, y", "x / y, and 0 where x is 0."),
    "entr": ("x", "-x log(x), 0 at 0, -∞ for negative x."),
    "rel_entr": ("x, y", "x log(x / y), 0 where x = 0 ≤ y."),
    "kl_div": ("x, y", "x log(x / y) - x + y."),
    "expit": ("x", "The logistic function, 1 / (1 + exp(-x)), accurate in both tails."),
    "logit": ("x", "The inverse of expit, log(x / (1 - x))."),
    "log_expit": ("x", "log(expit(x)), accurate in both tails."),
    "softplus": ("x", "log(1 + exp(x)), accurate in both tails."),
    "ndtr": ("x", "The distribution function of the standard normal distribution."),
    "ndtri": ("y", "The inverse of ndtr."),
    "log_ndtr": ("x", "log(ndtr(x)), accurate in both tails."),
    "i0": ("x", "The modified Bessel function of order 0."),
    "i0e": ("x", "exp(-|x|) i0(x)."),
    "i1": ("x", "The modified Bessel function of order 1."),
    "i1e": ("x", "exp(-|x|) i1(x)."),
    "sinc": ("x", "sin(πx) / (πx), and 1 at 0."),
}


def value(xp: Any, name: str, args: Sequence[Any]) -> Any:
    """A special function of a library's arrays: by the library's own, or by a formula where it has none."""
    library = name_of_library(xp)
    args = as_arrays(xp, *args)
    if library == "torch" and name in OF_TORCH:
        return OF_TORCH[name](xp, *args)
    found = own(library, name)
    if found is not None:
        return found(*args)
    if name in EVERYWHERE:
        return EVERYWHERE[name](xp, *args)
    if library == "array_api_strict":
        return by_scipy(xp, name, args)
    raise BackendError(
        f"special.{name}",
        f"{library} has no such function",
        "its values are those of the array's own library, or SciPy's for NumPy",
        "Bring the array to a library that has it, such as NumPy",
    )


_own: dict[tuple[str, str], Callable[..., Any] | None] = {}


def own(library: str, name: str) -> Callable[..., Any] | None:
    """The library's own function of this name, if it has one; raises PackageMissingError without SciPy.

    What was found is kept in a dict: PyTorch's compiler follows this code, and cannot follow an import.
    """
    key = library, name
    if key not in _own:
        _own[key] = looked_up(library, name)
    return _own[key]


def looked_up(library: str, name: str) -> Callable[..., Any] | None:
    """What ``own`` keeps."""
    if library not in HOMES:
        return None
    try:
        found: Callable[..., Any] | None = getattr(import_module(HOMES[library]), name, None)
    except ImportError as error:
        if name in EVERYWHERE:
            return None
        raise PackageMissingError(
            f"special.{name}",
            f"{error.name or HOMES[library]} cannot be imported",
            "it computes this function",
            "Run: pip install 'miniflow_xp[special]'",
        ) from None
    return found


def by_scipy(xp: Any, name: str, args: Sequence[Any]) -> Any:
    """The same for arrays that wrap NumPy's."""
    import array_api_compat.numpy as inner
    import numpy as np

    return xp.asarray(np.asarray(value(inner, name, [np.from_dlpack(a) for a in args])))


def as_arrays(xp: Any, *args: Any) -> Sequence[Any]:
    """Arguments, with Python numbers as arrays of the dtype of those that are arrays."""
    if all(hasattr(a, "dtype") for a in args):
        return args
    floats = [a.dtype for a in args if "float" in str(getattr(a, "dtype", ""))]
    return [a if hasattr(a, "dtype") else xp.asarray(float(a), dtype=floats[0] if floats else None) for a in args]


def enter(name: str, parameters: str, doc: str) -> None:
    """Enter a special function in the table of those that libraries lack, or name their own way."""

    def function(xp: Any, *args: Any) -> Any:
        return value(xp, name, args)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    kinds = [Parameter(p, Parameter.POSITIONAL_ONLY) for p in ("xp", *parameters.split(", "))]
    vars(function)["__signature__"] = Signature(kinds)
    native(f"special.{name}")(function)


for _name, (_parameters, _doc) in FUNCTIONS.items():
    enter(_name, _parameters, _doc)


@native("special.polygamma")
def polygamma(xp: Any, n: int, x: Any, /) -> Any:
    """The derivative of digamma of order n, a whole number."""
    try:
        order = operator.index(n)
    except TypeError:
        raise DtypeError(
            "special.polygamma",
            f"n is {n!r}",
            "it is the order of a derivative",
            "Give a Python integer",
        ) from None
    library = name_of_library(xp)
    if library == "array_api_strict":
        import array_api_compat.numpy as inner
        import numpy as np

        return xp.asarray(np.asarray(polygamma(inner, order, np.from_dlpack(x))))
    found = own(library, "polygamma")
    assert found is not None
    made = found(xp.full((), order, dtype=x.dtype) if library == "cupy" else order, x)  # which takes no number there
    return made if made.dtype == x.dtype else xp.astype(made, x.dtype)
