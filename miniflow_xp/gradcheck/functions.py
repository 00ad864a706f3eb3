"""A function of arrays as a graph of one node, so that its gradient is checked as that of a node is."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from miniflow_xp import dtypes
from miniflow_xp.arrays.namespace import constant, namespace_of
from miniflow_xp.backend import Array, Backend
from miniflow_xp.checks import whole
from miniflow_xp.errors import GradcheckError
from miniflow_xp.node import Input, Node
from miniflow_xp.ops.function import as_node
from miniflow_xp.switch import backend_of
from miniflow_xp.transforms.pullback import as_array
from miniflow_xp.transforms.trees import flatten


class FunctionGraph(NamedTuple):
    """The node, what is fed to its Inputs, these for each array that the function is given, and the arrays' backend."""

    node: Node
    feed: dict[Input, Array]
    inputs: list[list[Input]]
    backend: Backend

    def numbered(self, numbers: int | Sequence[int]) -> list[Input]:
        """The Inputs of the arguments with these numbers."""
        chosen = [numbers] if isinstance(numbers, int) else list(numbers)
        most = len(self.inputs) - 1
        return [node for number in chosen for node in self.inputs[whole(number, "gradcheck, symmetric", 0, most)]]


def graph_of(function: Callable[..., Any], args: Sequence[Any]) -> FunctionGraph:
    """``function(*args)`` as a node of its floats; complex numbers are two of these, the result is one real array."""
    leaves, build = flatten(tuple(args))
    arrays = [as_array(leaf) for leaf in leaves]
    feed: dict[Input, Array] = {}
    inputs = []
    for number, array in enumerate(arrays):
        parts = parts_of(array, f"argument {number}")
        feed |= parts
        inputs.append(list(parts))

    def of_parts(*given: Any) -> Any:
        parts = iter(given)
        whole = [joined(x, [next(parts) for _ in found]) for x, found in zip(arrays, inputs, strict=True)]
        return as_one(flatten(function(*build(iter(whole))))[0])

    name = str(getattr(function, "__name__", type(function).__name__))
    if not feed:
        raise GradcheckError(
            name, "no argument is an array of floats", "gradients are of floats", "Write gradcheck(f, x), with arrays"
        )
    return FunctionGraph(
        as_node(of_parts, "function" if name == "<lambda>" else name)(*feed), feed, inputs, backend_of(arrays)
    )


def parts_of(array: Array, name: str) -> dict[Input, Array]:
    """{Input: array of floats} for an argument: none of integers, two of complex numbers."""
    if not namespace_of(array).inexact(array.dtype):
        return {}
    if not dtypes.is_complex(array):
        return {Input(name): array}
    xp = namespace_of(array).library
    return {Input(f"{name}, real part"): xp.real(array), Input(f"{name}, imaginary part"): xp.imag(array)}


def joined(array: Array, parts: Sequence[Any]) -> Any:
    """An argument from its parts; integers, which have none, are constants."""
    if len(parts) < 2:
        return parts[0] if parts else constant(array)
    xp = parts[0].xp
    real, imaginary = (xp.astype(part, xp.complex128) for part in parts)
    return real + 1j * imaginary


def as_one(results: Sequence[Any]) -> Any:
    """The results of a function as one real array: as it is, where it is that, else one after the other."""
    found: list[Any] = []
    for result in map(constant, results):
        is_complex = dtypes.is_complex(result)
        found += [result.xp.real(result), result.xp.imag(result)] if is_complex else [result]
    if len(found) == 1:
        return found[0]
    xp = found[0].xp
    return xp.concat([xp.reshape(xp.astype(x, xp.float64), (-1,)) for x in found])
