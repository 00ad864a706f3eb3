"""A formula in functions of the array namespace, as a function of anything that SciPy takes."""

import functools
import inspect
from collections.abc import Callable, Container
from importlib import import_module
from typing import Any

from miniflow_xp.arrays.namespace import Namespace, constant
from miniflow_xp.arrays.refusals import ContentsError
from miniflow_xp.autograd.core import numbers_as_arrays
from miniflow_xp.autograd.numpy.dispatch import arrays_in, as_known, like_given, namespace_among
from miniflow_xp.errors import SettingError
from miniflow_xp.scipy.substitutes import SUBSTITUTES, is_harmless
from miniflow_xp.system.packages import needed

Formula = Callable[..., Any]


def of_room(name: str, module: str) -> Formula:
    """What ``miniflow_xp.scipy`` has in place of SciPy's function of this name, also for arrays that are not traced.

    ``module``: the one whose function it becomes.
    """
    import_module(f"miniflow_xp.scipy.{name.split('.')[1]}")  # its functions enter the table
    entry = SUBSTITUTES[name]
    function = of_floats(entry.function, entry.arrays)

    @functools.wraps(function)
    def found(*args: Any, **keywords: Any) -> Any:
        return function(*args, **{option: item for option, item in keywords.items() if not is_harmless(option)})

    found.__module__, found.__name__ = module, name.rpartition(".")[2]
    found.__qualname__ = found.__name__
    return found


def methods(distribution: str, *names: str, kind: str = "rv_continuous") -> list[Formula]:
    """Methods of SciPy's distribution of this name, by the formulas of ``miniflow_xp.scipy.stats``."""
    import_module("miniflow_xp.scipy.stats")
    return [method(distribution, name, SUBSTITUTES[f"scipy.stats.{kind}.{name}"].function) for name in names]


def method(distribution: str, name: str, formula: Formula) -> Formula:
    """One of them, for arrays, lists and numbers."""

    def found(*args: Any, **keywords: Any) -> Any:
        items = [floating(item) for item in (*args, *keywords.values())]
        arrays = [constant_of(item) for item in numbers_as_arrays(items, arrays_in(items))]
        named = dict(zip(keywords, arrays[len(args) :], strict=True))
        value = formula(namespace_among(arrays), of_scipy(distribution, name), *arrays[: len(args)], **named)
        return like_given(value, arrays_in(items))

    found.__module__, found.__name__ = f"miniflow_xp.autograd.scipy.stats.{distribution}", name
    found.__qualname__, found.__doc__ = name, f"As ``scipy.stats.{distribution}.{name}``."
    return found


def of_floats(formula: Formula, arrays_of: Container[str] | None = None) -> Formula:
    """``formula(xp, x, …)`` as a function of arrays, lists and numbers, which become floats of one library.

    ``arrays_of``: the arguments that do; None for all but flags and None. The result is an array of that library,
    traced where an argument is.
    """
    signature = inspect.signature(formula)
    public = signature.replace(parameters=list(signature.parameters.values())[1:])

    @functools.wraps(formula)
    def found(*args: Any, **keywords: Any) -> Any:
        bound = public.bind(*args, **keywords)
        bound.apply_defaults()
        named = {name: item for name, item in bound.arguments.items() if arrays_of is None or name in arrays_of}
        names = [name for name, item in named.items() if not (item is None or isinstance(item, bool))]
        items = [floating(bound.arguments[name]) for name in names]
        arrays = [constant_of(item) for item in numbers_as_arrays(items, arrays_in(items))]
        xp = namespace_among(arrays)
        value = formula(xp, **{**bound.arguments, **dict(zip(names, in_one_kind(xp, arrays), strict=True))})
        return like_given(value, arrays_in(items))

    vars(found)["__signature__"] = public
    return found


def floating(item: Any) -> Any:
    """A whole number as a float, lists of numbers as NumPy's array; anything else as it is."""
    if isinstance(item, (list, tuple)) and not arrays_in(item):
        import numpy as np

        return np.asarray(item, dtype=float)
    return float(item) if isinstance(item, int) else item


def constant_of(item: Any) -> Any:
    """An array, or lists of arrays, as one traced array."""
    return constant(as_known(item, of_sequences=False))


def in_one_kind(xp: Namespace, arrays: list[Any]) -> list[Any]:
    """Arrays of whole numbers in the dtype of the others."""
    kinds = [a.dtype for a in arrays if xp.inexact(a.dtype)]
    kind = xp.result_type(*kinds) if kinds else xp.float64
    return [a if xp.inexact(a.dtype) else xp.astype(a, kind) for a in arrays]


def require(condition: Any, where: str, expected: str) -> None:
    """Raise SettingError where a condition on contents does not hold; while recording nobody can tell."""
    try:
        holds = bool(condition)
    except ContentsError:
        return
    if not holds:
        raise SettingError(where, "an argument is out of range", expected, "Change it")


def others_of(name: str) -> Callable[[str], Any]:
    """A module's ``__getattr__``: the other members of SciPy's distribution of this name, which take constants."""

    def member(attribute: str) -> Any:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        return getattr(of_scipy(name, attribute), attribute)

    return member


def of_scipy(name: str, attribute: str) -> Any:
    """SciPy's distribution of this name, of which an attribute is wanted."""
    return getattr(needed("scipy.stats", f"stats.{name}.{attribute}", "'miniflow_xp[scipy]'", "it computes this"), name)
