"""The gradient of a node that defines only ``compute``: that of the functions that ``compute`` calls."""

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from miniflow_xp.arrays.namespace import constant, namespace_of
from miniflow_xp.backend import Array
from miniflow_xp.errors import DifferentiationError
from miniflow_xp.transforms.pullback import vjp

if TYPE_CHECKING:
    from miniflow_xp.node import Node


def derived(node: "Node", gradient: Array, inputs: Sequence[Any]) -> list[Callable[[], Array] | None]:
    """A function for each input that gives its gradient; None for integers and numbers.

    The first that is called runs ``compute`` once more, on traced arrays, and differentiates it for all.
    """
    floats = [n for n, x in enumerate(inputs) if hasattr(x, "dtype") and namespace_of(x).inexact(x.dtype)]

    @cache
    def products() -> dict[int, Array]:
        _, pullback = vjp(partial(computed, node, inputs, floats), *[inputs[n] for n in floats])
        return dict(zip(floats, pullback(gradient), strict=True))

    def product(place: int) -> Array:
        try:
            return products()[place]
        except DifferentiationError as error:
            raise type(error)(f"{node}, {error.where}", error.got, error.expected, error.remedy) from error

    return [partial(product, n) if n in floats else None for n in range(len(inputs))]


def computed(node: "Node", inputs: Sequence[Any], floats: Sequence[int], *traced: Any) -> Array:
    """The value of a node from traced arrays in the place of its floats; what else it reads is a constant."""
    given = [constant(x) if hasattr(x, "dtype") else x for x in inputs]
    for n, x in zip(floats, traced, strict=True):
        given[n] = x
    return node.compute(traced[0].xp, *given)
