"""``make_vjp`` and ``make_jvp`` of a function of one argument: what the other operators are made of.

The gradient of complex numbers is HIPS/autograd's, g · f', the conjugate of this package's g · conj(f').
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from miniflow_xp.arrays.namespace import functions_of, namespace_of
from miniflow_xp.arrays.traced import ground
from miniflow_xp.dtypes import is_complex
from miniflow_xp.errors import DifferentiationError
from miniflow_xp.switch import get_backend
from miniflow_xp.system.callers import calling_line
from miniflow_xp.transforms.gradients import jvp as along
from miniflow_xp.transforms.pullback import DifferentiatedCall, as_array
from miniflow_xp.transforms.signatures import as_arrays, is_array
from miniflow_xp.transforms.trees import flatten, tree_map

Pullback = Callable[[Any], Any]

goes_forward: ContextVar[bool] = ContextVar("goes_forward", default=False)
"""Is a function being run for ``make_jvp``? A primitive then takes the forward rule, where it has one."""


def make_vjp(fun: Callable[[Any], Any], x: Any) -> tuple[Pullback, Any]:
    """(pullback, value): ``pullback(g)`` is g · ∂f/∂x in the form of x; ``g`` has the form of the value."""
    run = called(fun, x)

    def vjp(g: Any) -> Any:
        (gradient,) = run.pullback(tree_map(conjugate, beside(run.value, g)))
        return tree_map(conjugate, gradient)

    return vjp, run.value


def make_jvp(fun: Callable[[Any], Any], x: Any) -> Callable[[Any], tuple[Any, Any]]:
    """``jvp(v)`` gives (value, ∂f/∂x · v); ``v`` has the form of x. The function is run each time."""
    primal = differentiable(x)

    def jvp(v: Any) -> tuple[Any, Any]:
        return along(in_mode(fun, forward=True), [primal], [beside(primal, v)])

    return jvp


def called(fun: Callable[[Any], Any], x: Any) -> DifferentiatedCall:
    """The function, called once on arrays that are followed; warns where its value does not depend on them."""
    run = DifferentiatedCall(in_mode(fun, forward=False), [differentiable(x)])
    if not run.depends:
        warnings.warn(f"Output seems independent of input, at {calling_line()}.", stacklevel=2)
    return run


def in_mode(fun: Callable[[Any], Any], forward: bool) -> Callable[[Any], Any]:
    """The function with numbers among its results as arrays, run in forward or in reverse mode."""

    def run(x: Any) -> Any:
        with mode(forward):
            return beside(x, fun(x))

    return run


@contextmanager
def mode(forward: bool) -> Iterator[None]:
    """Inside, primitives take their forward rules, or those of the reverse mode."""
    token = goes_forward.set(forward)
    try:
        yield
    finally:
        goes_forward.reset(token)


def differentiable(x: Any) -> Any:
    """The argument with Python's floats as arrays; raises DifferentiationError for what has no gradient."""
    leaves, build = flatten(x)
    arrays = as_vectors(leaves)
    for array in arrays:
        if not namespace_of(array).inexact(array.dtype):
            raise DifferentiationError(
                "an argument to differentiate",
                f"its dtype is {array.dtype}",
                "gradients are of floats and complex numbers",
                "Convert it: x.astype(float), or write 2.0 for 2",
            )
    return build(iter(arrays))


def beside(model: Any, tree: Any) -> Any:
    """The tree with its numbers as arrays of the library of ``model``, which is a tree of arrays."""
    leaves, build = flatten(tree)
    return build(iter(numbers_as_arrays(leaves, flatten(model)[0])))


def numbers_as_arrays(leaves: Sequence[Any], others: Sequence[Any] = ()) -> Sequence[Any]:
    """The leaves with Python's numbers as arrays, of the library that they or the others come with.

    They are as wide as these; alone they are NumPy's double precision, in the backend in use.
    """
    numbers = [leaf for leaf in leaves if is_number(leaf)]
    if not numbers:
        return leaves
    arrays = [ground(leaf) for leaf in (*leaves, *others) if is_array(leaf)]
    made = iter(as_arrays([*numbers, *arrays]) if arrays else map(as_numpy_has_it, numbers))
    return [next(made) if is_number(leaf) else leaf for leaf in leaves]


def as_numpy_has_it(number: complex) -> Any:
    """A number as an array of the backend in use, in NumPy's dtype."""
    import numpy as np

    return get_backend().asarray(np.asarray(number))


def is_number(leaf: Any) -> bool:
    """Is this one of Python's numbers, and no array?"""
    return isinstance(leaf, (int, float, complex)) and not is_array(leaf)


def as_vectors(leaves: Sequence[Any]) -> Sequence[Any]:
    """The leaves as arrays; raises DifferentiationError for what is none, and no number."""
    return list(map(as_array, numbers_as_arrays(leaves)))


def conjugate(leaf: Any) -> Any:
    """The complex conjugate; real arrays as they are."""
    return functions_of(leaf).conj(leaf) if is_complex(leaf) else leaf
