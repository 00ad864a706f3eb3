"""Activations: Sigmoid, Tanh, ReLU; Softmax and LogSoftmax along an axis."""

from miniflow_xp.backend import Array, Namespace
from miniflow_xp.broadcasting import shape_of
from miniflow_xp.checks import MOST, whole
from miniflow_xp.dtypes import as_wide_as, wide
from miniflow_xp.errors import ShapeError
from miniflow_xp.node import Elementwise, Node, Operand, Thunk


class Sigmoid(Elementwise):
    """σ(x) = 1 / (1 + e⁻ˣ), elementwise; the result has the shape of x."""

    def __init__(self, x: Operand, name: str | None = None) -> None:
        super().__init__([x], name)

    def compute(self, xp: Namespace, x: Array) -> Array:
        e = xp.exp(-xp.abs(x))  # never overflows, accurate in both tails
        return xp.where(x >= 0, 1.0, e) / (1 + e)

    def vjp(self, xp: Namespace, gradient: Array, value: Array, x: Array) -> tuple[Thunk]:
        return (lambda: gradient * value * (1 - value),)


class Tanh(Elementwise):
    """tanh(x), elementwise; the result has the shape of x."""

    def __init__(self, x: Operand, name: str | None = None) -> None:
        super().__init__([x], name)

    def compute(self, xp: Namespace, x: Array) -> Array:
        return xp.tanh(x)

    def vjp(self, xp: Namespace, gradient: Array, value: Array, x: Array) -> tuple[Thunk]:
        return (lambda: gradient * (1 - value * value),)


class ReLU(Elementwise):
    """max(x, 0), elementwise; the result has the shape of x. The gradient at 0 is 0; NaN stays NaN."""

    def __init__(self, x: Operand, name: str | None = None) -> None:
        super().__init__([x], name)

    def compute(self, xp: Namespace, x: Array) -> Array:
        return xp.where(x < 0, 0.0, x)

    def vjp(self, xp: Namespace, gradient: Array, value: Array, x: Array) -> tuple[Thunk]:
        return (lambda: xp.where(x <= 0, 0.0, gradient),)


class _AlongAxis(Node):
    """A node that works along one axis and keeps the shape."""

    takes_numbers = False

    def __init__(self, x: Operand, axis: int = -1, name: str | None = None) -> None:
        super().__init__([x], name)
        self.axis = whole(axis, f"{self}, axis", -MOST)

    def check(self, x: Array) -> None:
        ndim = len(shape_of(x))
        if ndim == 0:
            raise ShapeError(
                str(self), f"x is () and axis {self.axis}", "it works along an axis, and x has none", "Feed a vector"
            )
        if not -ndim <= self.axis < ndim:
            raise ShapeError(
                str(self),
                f"x is {shape_of(x)} and axis {self.axis}",
                f"axes are {-ndim} to {ndim - 1}",
                "Choose one of these",
            )


class Softmax(_AlongAxis):
    """eˣ / Σ eˣ along ``axis``; the result has the shape of x and sums to 1 along it."""

    def compute(self, xp: Namespace, x: Array) -> Array:
        e = xp.exp(wide(xp, x) - xp.max(x, axis=self.axis, keepdims=True))
        return as_wide_as(xp, e / xp.sum(e, axis=self.axis, keepdims=True), x)

    def vjp(self, xp: Namespace, gradient: Array, value: Array, x: Array) -> tuple[Thunk]:
        def slope() -> Array:
            arriving = wide(xp, gradient)
            return value * (arriving - xp.sum(arriving * value, axis=self.axis, keepdims=True))

        return (slope,)


class LogSoftmax(_AlongAxis):
    """x - log Σ eˣ along ``axis``, never overflowing; the result has the shape of x."""

    def compute(self, xp: Namespace, x: Array) -> Array:
        return log_softmax(xp, x, self.axis)

    def vjp(self, xp: Namespace, gradient: Array, value: Array, x: Array) -> tuple[Thunk]:
        return (lambda: gradient - xp.exp(value) * xp.sum(wide(xp, gradient), axis=self.axis, keepdims=True),)


def log_softmax(xp: Namespace, x: Array, axis: int) -> Array:
    """x - log Σ eˣ along ``axis``: the maximum is taken out first, so that no eˣ overflows."""
    shifted = wide(xp, x) - xp.max(x, axis=axis, keepdims=True)
    return as_wide_as(xp, shifted - xp.log(xp.sum(xp.exp(shifted), axis=axis, keepdims=True)), x)
