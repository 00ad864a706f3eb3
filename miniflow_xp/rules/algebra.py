"""What rules of several families need: conjugates, the direction of a number, the axes of a reduction."""

from math import prod
from typing import Any

from miniflow_xp.arrays.axes import counted
from miniflow_xp.arrays.tables import RULES, Rule
from miniflow_xp.dtypes import is_complex


def conj(xp: Any, x: Any) -> Any:
    """x̄; a real x as it is."""
    if not is_complex(x):
        return x
    return x.conjugate() if isinstance(x, complex) else xp.conj(x)


def real(xp: Any, x: Any) -> Any:
    """The real part of an array; a real one as it is."""
    return xp.real(x) if is_complex(x) else x


def direction(xp: Any, x: Any, size: Any) -> Any:
    """x / |x|, where ``size`` is |x|; 0 at 0. ``sign`` of the standard, but with a gradient where x is complex."""
    return over(xp, x, size) if is_complex(x) else xp.sign(x)


def over(xp: Any, x: Any, size: Any) -> Any:
    """x / size, and 0 where ``size`` is 0: not by an infinite one, over which complex numbers are NaN on CuPy."""
    zero = size == 0
    return xp.where(zero, xp.zeros_like(x), x / xp.where(zero, xp.ones_like(size), size))


def axes_of(axis: int | tuple[int, ...] | None, ndim: int) -> tuple[int, ...]:
    """The axes of a reduction, counted from 0."""
    if axis is None:
        return tuple(range(ndim))
    return tuple([counted(a, ndim) for a in ((axis,) if isinstance(axis, int) else axis)]) if ndim else ()


def kept_shape(x: Any, axis: int | tuple[int, ...] | None) -> tuple[int, ...]:
    """The shape of x with axes of size 1 in place of those that a reduction takes away."""
    axes = axes_of(axis, len(x.shape))
    return tuple([1 if n in axes else size for n, size in enumerate(x.shape)])


def kept(xp: Any, reduced: Any, x: Any, axis: int | tuple[int, ...] | None) -> Any:
    """A reduction's result, or its gradient, as it broadcasts to x: axes of size 1 in place of those that are gone."""
    if not reduced.shape or len(reduced.shape) == len(x.shape):
        return reduced
    return xp.reshape(reduced, kept_shape(x, axis))


def count(x: Any, axis: int | tuple[int, ...] | None) -> int:
    """The number of elements that a reduction takes together."""
    return prod(x.shape[a] for a in axes_of(axis, len(x.shape)))


def slope_rule(name: str, slope: Any) -> None:
    """The rule of a function of one array with the derivative ``slope(xp, x, y)`` at each place; y is the value."""

    def rule(xp: Any, gradient: Any, value: Any, x: Any) -> Any:
        return (lambda: gradient * conj(xp, slope(xp, x, value)),)

    entered: Rule = rule
    RULES[name] = entered
