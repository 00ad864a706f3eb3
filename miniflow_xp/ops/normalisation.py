"""Normalisation: Standardise, what layer normalisation is made of."""

from miniflow_xp.backend import Array, Namespace
from miniflow_xp.broadcasting import shape_of
from miniflow_xp.checks import not_negative
from miniflow_xp.dtypes import as_wide_as, wide
from miniflow_xp.errors import ShapeError
from miniflow_xp.node import Node, Operand, Thunk


class Standardise(Node):
    """(x - mean) / √(variance + ε) along the last axis; the result has the shape of x.

    Layer normalisation without its scale and shift: Ba, Kiros and Hinton, arXiv:1607.06450 (2016), equations 3 and 4.
    """

    takes_numbers = False

    def __init__(self, x: Operand, epsilon: float = 1e-5, name: str | None = None) -> None:
        super().__init__([x], name)
        self.epsilon = not_negative(epsilon, f"{self}, epsilon")

    def check(self, x: Array) -> None:
        if shape_of(x) == ():
            raise ShapeError(str(self), "x is ()", "it works along the last axis, and x has none", "Feed a vector")

    def compute(self, xp: Namespace, x: Array) -> Array:
        return as_wide_as(xp, self.centred(xp, x) / self.spread(xp, x), x)

    def vjp(self, xp: Namespace, gradient: Array, value: Array, x: Array) -> tuple[Thunk]:
        def slope() -> Array:
            along = xp.mean(wide(xp, gradient) * value, axis=-1, keepdims=True)
            return (self.centred(xp, gradient) - value * along) / self.spread(xp, x)

        return (slope,)

    def centred(self, xp: Namespace, x: Array) -> Array:
        """x - mean."""
        x = wide(xp, x)
        return x - xp.mean(x, axis=-1, keepdims=True)

    def spread(self, xp: Namespace, x: Array) -> Array:
        """√(variance + ε), with one element on the last axis."""
        d = self.centred(xp, x)
        return xp.sqrt(xp.mean(d * d, axis=-1, keepdims=True) + self.epsilon)
