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
    """A function for each input that gives its gradient; None for integers, numbers and constants.

    The first that is called runs ``compute`` once more, on traced arrays, and differentiates it for all. Where one of
    the inputs has a gradient that cannot be computed, each is differentiated by itself: that one may not be wanted.
    """
    pairs = enumerate(zip(node.inbound_nodes, inputs, strict=True))
    floats = [n for n, (inbound, x) in pairs if can_have_gradient(x) and not is_constant(inbound)]

    @cache
    def products() -> dict[int, Array]:
        try:
            return products_of(node, gradient, inputs, floats)
        except DifferentiationError:
            return {}

    def product(place: int) -> Array:
        found = products()
        if place not in found:
            found = products_of(node, gradient, inputs, [place])
        return found[place]

    return [partial(product, n) if n in floats else None for n in range(len(inputs))]


def products_of(node: "Node", gradient: Array, inputs: Sequence[Any], places: Sequence[int]) -> dict[int, Array]:
    """{place: gradient of the input there}; raises DifferentiationError with the node's name."""
    try:
        _, pullback = vjp(partial(computed, node, inputs, places), *[inputs[n] for n in places])
        return dict(zip(places, pullback(gradient), strict=True))
    except DifferentiationError as error:
        raise type(error)(f"{node}, {error.where}", error.got, error.expected, error.remedy) from error


def can_have_gradient(x: Any) -> bool:
    """Is this an array of floats, or of complex numbers?"""
    return hasattr(x, "dtype") and namespace_of(x).inexact(x.dtype)


def is_constant(node: "Node") -> bool:
    """Is this a number or an array that stands in the graph itself?"""
    return not node.has_gradient and not node.inbound_nodes


def computed(node: "Node", inputs: Sequence[Any], floats: Sequence[int], *traced: Any) -> Array:
    """The value of a node from traced arrays in the place of its floats; what else it reads is a constant."""
    given = [constant(x) if hasattr(x, "dtype") else x for x in inputs]
    for n, x in zip(floats, traced, strict=True):
        given[n] = x
    return node.compute(traced[0].xp, *given)
