"""The namespace of nodes: the functions of the Array API, each of which builds a node where it is given one."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from miniflow_xp.arrays.calls import positional
from miniflow_xp.arrays.namespace import Namespace
from miniflow_xp.arrays.tables import COMPOSED, LOOKS_ONLY, NATIVE, RULES, WITHOUT_GRADIENT
from miniflow_xp.errors import GraphError
from miniflow_xp.node import Node
from miniflow_xp.ops.function import DTYPES, Dtype, Function, as_node, called, filled
from miniflow_xp.switch import get_backend

RESULTS = {
    "linalg.eigh": ("eigenvalues", "eigenvectors"),
    "linalg.svd": ("U", "S", "Vh"),
    "linalg.qr": ("Q", "R"),
    "linalg.slogdet": ("sign", "logabsdet"),
    "unique_all": ("values", "indices", "inverse_indices", "counts"),
    "unique_counts": ("values", "counts"),
    "unique_inverse": ("values", "inverse_indices"),
}
"""Functions with several results, and the names of these; each result is a node."""


class NodeNamespace(Namespace):
    """The functions of the Array API for nodes, with its names and signatures, and those of this package.

    A call without a node among its arguments is computed at once, by NumPy: ``xp.arange(3)`` is a constant. Dtypes are
    names, as a graph is of no library.
    """

    def __init__(self) -> None:
        import array_api_compat.numpy as library  # here: importing this package imports no array library

        super().__init__(library)
        self.__name__ = "miniflow_xp.nodes"

    def __getattr__(self, name: str) -> Any:
        if name in DTYPES:
            return Dtype(name)
        return transposed if name == "transpose" else super().__getattr__(name)

    def function(self, op: str, of_library: Any) -> Any:
        if op in LOOKS_ONLY:
            return lambda *args, **keywords: looked_at(op, args, keywords)
        if not any(op in table for table in (RULES, NATIVE, COMPOSED, WITHOUT_GRADIENT)):
            raise AttributeError(f"{self.__name__} has no {op!r}")
        return lambda *args, **keywords: built(op, self.library, args, keywords)

    def getitem(self, x: Any, key: Any) -> Any:
        """x[key]."""
        return built("getitem", self.library, (x, key), {})

    def __reduce__(self) -> Any:
        return of_nodes, ()


@cache
def of_nodes() -> NodeNamespace:
    """The one namespace of all nodes."""
    return NodeNamespace()


@as_node
def transposed(x: Any) -> Any:
    """The axes of x in reverse order; how many there are is not known before a pass."""
    return x.T


def built(op: str, library: Any, args: Sequence[Any], keywords: dict[str, Any]) -> Any:
    """The node of a call, or a node for each of its results; without a node in it, what NumPy computes."""
    args, keywords = positional(op, args, keywords)
    if any(nodes_in(list(keywords.values()))):
        raise GraphError(op, "a node is given by keyword", "arrays are given by position", "Leave out the keyword")
    nodes = list(nodes_in(args))
    if not nodes:
        return called(library, op, filled(args, library, ()), filled(keywords, library, ()))
    if op in RESULTS:
        from collections import namedtuple

        parts: list[Any] = [Function(op, args, keywords, part) for part in range(len(RESULTS[op]))]
        return namedtuple(op.rpartition(".")[2], RESULTS[op])(*parts)  # noqa: PYI024  names are data here
    count = how_many(op, args, nodes[0])
    if count is not None:
        return tuple(Function(op, args, keywords, part) for part in range(count))
    return Function(op, args, keywords)


def how_many(op: str, args: Sequence[Any], node: Node) -> int | None:
    """How many results a function gives, of those where it depends on what it is given; None for one."""
    if op in ("broadcast_arrays", "meshgrid"):
        return len(args)
    if op == "nonzero":
        return int(node.ndim)
    return None


def looked_at(op: str, args: Sequence[Any], keywords: dict[str, Any]) -> Any:
    """What a function says of shapes and dtypes: those of nodes are known after a pass."""
    xp = get_backend().xp
    found = [Dtype(arg.dtype) if isinstance(arg, Node) and isinstance(arg.dtype, str) else arg for arg in args]
    found = [arg.value if isinstance(arg, Node) and arg.dtype is not None else arg for arg in found]
    return getattr(xp, op)(*filled(found, xp, ()), **keywords)


def nodes_in(items: Sequence[Any]) -> Iterator[Node]:
    """The nodes among these, also in lists, tuples and slices."""
    for item in items:
        if isinstance(item, Node):
            yield item
        elif isinstance(item, (list, tuple)):
            yield from nodes_in(item)
