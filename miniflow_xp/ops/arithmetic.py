"""Arithmetic: Add, Mul, Sub, Neg; what ``a + b``, ``a * b``, ``a - b`` and ``-a`` build.

All other operators build the nodes of functions.
"""

from functools import reduce
from operator import add, mul
from typing import Any

from miniflow_xp.backend import Array, Namespace
from miniflow_xp.errors import GraphError
from miniflow_xp.node import Elementwise, Node, Operand, Thunk, operator


class _Nary(Elementwise):
    """A node of one or more inputs, in any number."""

    def __init__(self, *inputs: Operand, name: str | None = None) -> None:
        super().__init__(inputs, name)
        if not inputs:
            raise GraphError(str(self), "it has no inputs", "it needs at least one", "Give it the nodes to combine")


@operator("+")
class Add(_Nary):
    """x₁ + x₂ + …, elementwise; the inputs broadcast against each other, the result has their common shape."""

    def compute(self, xp: Namespace, *inputs: Array) -> Array:
        return reduce(add, inputs)

    def vjp(self, xp: Namespace, gradient: Array, value: Array, *inputs: Array) -> tuple[Thunk, ...]:
        return tuple(lambda: gradient for _ in inputs)


@operator("*")
class Mul(_Nary):
    """x₁ · x₂ · …, elementwise; the inputs broadcast against each other, the result has their common shape."""

    def compute(self, xp: Namespace, *inputs: Array) -> Array:
        return reduce(mul, inputs)

    def vjp(self, xp: Namespace, gradient: Array, value: Array, *inputs: Array) -> tuple[Thunk, ...]:
        def times_the_others(n: int) -> Array:  # not value / xₙ, which fails at 0
            return reduce(mul, inputs[:n] + inputs[n + 1 :], gradient)

        return tuple(lambda n=n: times_the_others(n) for n in range(len(inputs)))


@operator("-")
class Sub(Elementwise):
    """a - b, elementwise; a and b broadcast against each other, the result has their common shape."""

    def __init__(self, a: Operand, b: Operand, name: str | None = None) -> None:
        super().__init__([a, b], name)

    def compute(self, xp: Namespace, a: Array, b: Array) -> Array:
        return a - b

    def vjp(self, xp: Namespace, gradient: Array, value: Array, a: Array, b: Array) -> tuple[Thunk, Thunk]:
        return lambda: gradient, lambda: -gradient


@operator("neg")
class Neg(Elementwise):
    """-x, elementwise; the result has the shape of x."""

    def __init__(self, x: Operand, name: str | None = None) -> None:
        super().__init__([x], name)

    def compute(self, xp: Namespace, x: Array) -> Array:
        return -x

    def vjp(self, xp: Namespace, gradient: Array, value: Array, x: Array) -> tuple[Thunk]:
        return (lambda: -gradient,)


def namespace() -> Any:
    """The functions of nodes."""
    from miniflow_xp.ops.namespace import of_nodes  # here: importing this package stays quick

    return of_nodes()


Node.namespace = staticmethod(namespace)
