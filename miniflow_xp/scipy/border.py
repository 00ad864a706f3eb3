"""A function that SciPy computes on NumPy arrays, of arrays of any library, with a rule: to the host and back."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from miniflow_xp.arrays.calls import Operation, apply, boxed, grounded, leaves, level_of
from miniflow_xp.arrays.equations import RECORDED
from miniflow_xp.arrays.namespace import Namespace
from miniflow_xp.arrays.tables import Rule
from miniflow_xp.arrays.traced import Traced, contents
from miniflow_xp.switch import backend_of, to_numpy
from miniflow_xp.system.packages import needed


def at_border(name: str, compute: Callable[..., Any]) -> Callable[[Rule], Callable[..., Any]]:
    """Decorator of a rule, which gives the function ``(xp, *arrays, **keywords)`` of arrays, traced or not.

    ``compute(*arrays, **keywords)`` is the value in NumPy. The rule may call the function again: it has derivatives of
    any order. Where it is recorded it raises the error for what looks at contents.
    """

    def decorated(rule: Rule) -> Callable[..., Any]:
        def function(xp: Any, *arrays: Any, **keywords: Any) -> Any:
            if level_of(arrays) <= RECORDED:
                return computed(xp, compute, arrays, keywords)

            def call(*below: Any) -> tuple[Any, ...]:
                traced = leaves(below)
                value = function(traced[0].xp if traced else xp, *below, **keywords)
                return (value if traced else grounded(value),)

            def single(xp: Any, gradient: Sequence[Any], value: Sequence[Any], *inputs: Any) -> Any:
                return rule(xp, gradient[0], value[0], *inputs, **keywords)

            return apply(Operation(name, call, single), xp, arrays)[0]

        return function

    return decorated


def computed(xp: Any, compute: Callable[..., Any], arrays: Sequence[Any], keywords: dict[str, Any]) -> Any:
    """The value on the library of the arrays; traced, as a constant, where ``xp`` is ours."""
    given = [contents(x) for x in arrays]
    backend = backend_of(given)
    value = compute(*[to_numpy(x) for x in given], **keywords)
    back = backend.asarray(value)
    return boxed(back, xp) if isinstance(xp, Namespace) else back


def scipy_linalg(name: str) -> Any:
    """``scipy.linalg``, of which a function is wanted; raises PackageMissingError where it is not installed."""
    return needed("scipy.linalg", f"linalg.{name}", "'miniflow_xp[scipy]'", "it computes this function")


class OfNumbers:
    """A function that is given numbers and gives numbers, whatever it is made of: SciPy's own routines take it."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self, *numbers: Any) -> Any:
        return self.function(*numbers)


def on_host(x: Any) -> Any:
    """The contents of an array as NumPy's; raises where it is recorded."""
    if type(x) is Traced:
        return to_numpy(contents(x))
    return np.asarray(x)
