"""The namespace of nodes: the functions of the Array API, each of which builds a node where it is given one."""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any

from miniflow_xp.arrays.calls import positional
from miniflow_xp.arrays.namespace import Namespace
from miniflow_xp.arrays.tables import COMPOSED, LOOKS_ONLY, NATIVE, RULES, WITHOUT_GRADIENT
from miniflow_xp.arrays.updates import call
from miniflow_xp.backend import Array
from miniflow_xp.errors import GraphError, UnknownFormError
from miniflow_xp.node import Elementwise, Node, Operand
from miniflow_xp.ops.function import DTYPES, Dtype, Function, filled
from miniflow_xp.switch import get_backend

RESULTS = {
    "linalg.eigh": ("eigenvalues", "eigenvectors"),
    "linalg.eig": ("eigenvalues", "eigenvectors"),
    "linalg.svd": ("U", "S", "Vh"),
    "linalg.qr": ("Q", "R"),
    "linalg.slogdet": ("sign", "logabsdet"),
    "linalg.lstsq": ("solution", "residuals", "rank", "singular_values"),
    "unique_all": ("values", "indices", "inverse_indices", "counts"),
    "unique_counts": ("values", "counts"),
    "unique_inverse": ("values", "inverse_indices"),
}
"""Functions with several results, and the names of these; each result is a node."""

COUNTS: dict[str, Callable[..., int | None]] = {
    "broadcast_arrays": lambda *arrays: len(arrays),
    "meshgrid": lambda *arrays, indexing="xy": len(arrays),
    "atleast_1d": lambda *arrays: len(arrays) if len(arrays) > 1 else None,
    "atleast_2d": lambda *arrays: len(arrays) if len(arrays) > 1 else None,
    "atleast_3d": lambda *arrays: len(arrays) if len(arrays) > 1 else None,
    "split": lambda x, cuts, axis=0: cuts if isinstance(cuts, int) else len(cuts) + 1,
    "array_split": lambda x, cuts, axis=0: cuts if isinstance(cuts, int) else len(cuts) + 1,
    "unstack": lambda x, axis=0: x.shape[axis],
    "nonzero": lambda x: x.ndim,
    "average": lambda *_, returned=False, **__: 2 if returned else None,
    "gradient": lambda x, *_, axis=None, **__: several(tuple(range(x.ndim)) if axis is None else axis),
}
"""Functions whose number of results depends on what they are given; None for one that is no tuple."""


def several(axes: int | tuple[int, ...]) -> int | None:
    """The number of results where there is one for each of these axes."""
    count = len(axes) if isinstance(axes, tuple) else 1
    return count if count > 1 else None


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
        return BESIDE[name] if name in BESIDE else super().__getattr__(name)

    def function(self, op: str, of_library: Any) -> Any:
        if op in LOOKS_ONLY:
            return lambda *args, **keywords: looked_at(op, args, keywords)
        if not any(op in table for table in (RULES, NATIVE, COMPOSED, WITHOUT_GRADIENT)):
            raise AttributeError(f"{self.__name__} has no {op!r}")
        return lambda *args, **keywords: built(op, self.library, args, keywords)

    def getitem(self, x: Any, key: Any) -> Any:
        """x[key]; a list of numbers in it is an array."""
        parts = [self.places(k) if isinstance(k, list) else k for k in (key if isinstance(key, tuple) else (key,))]
        return built("getitem", self.library, (x, tuple(parts) if isinstance(key, tuple) else parts[0]), {})

    def places(self, numbers: list[Any]) -> Array:
        """A list in an index as an array; an empty one is of integers."""
        return self.library.asarray(numbers, dtype=None if numbers else self.library.int64)

    def __reduce__(self) -> Any:
        return of_nodes, ()


@cache
def of_nodes() -> NodeNamespace:
    """The one namespace of all nodes."""
    return NodeNamespace()


class StopGradient(Elementwise):
    """x as a constant: no gradient goes through it."""

    has_gradient = False

    def __init__(self, x: Operand, name: str | None = None) -> None:
        super().__init__([x], name)

    def compute(self, xp: Any, x: Array) -> Array:
        return x

    def vjp(self, xp: Any, gradient: Array, value: Array, x: Array) -> tuple[None]:
        return (None,)


BESIDE = {"stop_gradient": StopGradient}
"""Functions of nodes that are none of the standard."""


def built(op: str, library: Any, args: Sequence[Any], keywords: dict[str, Any]) -> Any:
    """The node of a call, or a node for each of its results; without a node in it, what NumPy computes."""
    args, keywords = positional(op, args, keywords)
    by_name = list(nodes_in(list(keywords.values())))
    if by_name and op not in COMPOSED:
        raise GraphError(op, "a node is given by keyword", "arrays are given by position", "Leave out the keyword")
    if not by_name and not list(nodes_in(args)):
        return call(library, op, *filled(args, library, ()), **filled(keywords, library, ()))
    if op == "put_along_axis":
        raise GraphError(
            op,
            "it writes into a node",
            "the value of a node is what its function gives, once in a pass",
            "Write in a function of arrays: as_node(lambda x, v: ...)",
        )
    if op in RESULTS:
        from collections import namedtuple

        parts: list[Any] = [Function(op, args, keywords, part) for part in range(len(RESULTS[op]))]
        return namedtuple(op.rpartition(".")[2], RESULTS[op])(*parts)  # noqa: PYI024  names are data here
    if op == "astype" and list(args[1:2]) == [None]:
        raise UnknownFormError(
            op,
            "the dtype is None",
            "the dtype of a leaf is the one that was declared, if any",
            "Name it: xp.float64; or write a function of arrays, as_node(lambda x: ...), which knows dtypes",
        )
    count = COUNTS[op](*args, **keywords) if op in COUNTS else None
    if count is not None:
        return tuple(Function(op, args, keywords, part) for part in range(count))
    return Function(op, args, keywords)


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
