"""Logarithms of sums of exponentials, and what is made of them; no exponential overflows."""

from math import inf
from typing import Any

from miniflow_xp.arrays.tables import POSITIONAL, native, rule
from miniflow_xp.rules.algebra import count, kept

Axis = int | tuple[int, ...] | None

POSITIONAL["special.logsumexp"] = ("a", "axis", "b")


def largest(xp: Any, x: Any, axis: Axis) -> Any:
    """The largest along the axis, 0 where it is infinite or there is none; with axes of size 1 for those."""
    if count(x, axis) == 0:
        return xp.sum(x, axis=axis, keepdims=True)
    found = xp.max(x, axis=axis, keepdims=True)
    return xp.where(xp.isfinite(found), found, xp.zeros_like(found))


@native("special.logsumexp")
def logsumexp(xp: Any, a: Any, /, axis: Axis = None, b: Any = None, keepdims: bool = False) -> Any:
    """log Σ b exp(a) along the axis, of all elements without one."""
    if b is not None:
        b = b if hasattr(b, "dtype") else xp.full_like(a, b)
        a = xp.where(b == 0, xp.full_like(a, -inf), a)
    shift = largest(xp, a, axis)
    terms = xp.exp(a - shift) if b is None else b * xp.exp(a - shift)
    total = xp.sum(terms, axis=axis, keepdims=True)
    nothing = total == 0
    found = xp.where(nothing, xp.full_like(total, -inf), xp.log(xp.where(nothing, xp.ones_like(total), total)) + shift)
    return found if keepdims else xp.reshape(found, tuple(xp.sum(terms, axis=axis).shape))


@rule("special.logsumexp")
def _logsumexp(xp: Any, g: Any, y: Any, a: Any, axis: Axis = None, b: Any = None, keepdims: bool = False) -> Any:
    """g exp(a - y): an element at -∞ weighs nothing, also where all are."""
    whole = a + xp.zeros_like(b) if hasattr(b, "shape") else a
    g, y = kept(xp, g, whole, axis), kept(xp, y, whole, axis)

    def of_exponents() -> Any:
        weight = g * xp.exp(a - xp.where(y == -inf, xp.zeros_like(y), y))
        return weight if b is None else weight * b

    return of_exponents, None, lambda: g * xp.exp(a - y)


@native("special.softmax")
def softmax(xp: Any, x: Any, /, axis: Axis = None) -> Any:
    """exp(x) / Σ exp(x) along the axis, of all elements without one."""
    e = xp.exp(x - largest(xp, x, axis))
    return e / xp.sum(e, axis=axis, keepdims=True)


@rule("special.softmax")
def _softmax(xp: Any, g: Any, y: Any, x: Any, axis: Axis = None) -> Any:
    return lambda: y * (g - xp.sum(g * y, axis=axis, keepdims=True)), None


@native("special.log_softmax")
def log_softmax(xp: Any, x: Any, /, axis: Axis = None) -> Any:
    """log(softmax(x)), accurate where that is small."""
    z = x - largest(xp, x, axis)
    return z - xp.log(xp.sum(xp.exp(z), axis=axis, keepdims=True))


@rule("special.log_softmax")
def _log_softmax(xp: Any, g: Any, y: Any, x: Any, axis: Axis = None) -> Any:
    return lambda: g - xp.exp(y) * xp.sum(g, axis=axis, keepdims=True), None
