"""The gradients that a node hands on: as a pass leaves them; or, of a ``backward`` by hand, computed when looked at."""

from collections.abc import Iterator, MutableMapping
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from miniflow_xp.backend import Array
from miniflow_xp.errors import NoGradientError

if TYPE_CHECKING:
    from miniflow_xp.node import Node


class LazyGradient(partial[Array]):
    """A gradient that is computed when it is called."""


class Gradients(dict["Node", Array]):
    """{inbound node: gradient}; one that is not there is a NoGradientError.

    ``owner``: the node that hands them on. It is set afterwards, as a pass makes one for each node, and an ``__init__``
    of Python's takes longer than all else about it.
    """

    __slots__ = ("owner",)

    owner: "Node"

    @classmethod
    def of(cls, owner: "Node") -> Self:
        """Those of a node, none so far."""
        found = cls()
        found.owner = owner
        return found

    def __missing__(self, node: "Node") -> Array:
        raise no_gradient(node, self.owner)

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)


class LazyGradients(MutableMapping["Node", Array]):
    """The same, where each is computed when somebody looks at it, in whatever way, and then kept.

    Which nodes are in it is known without computing; what nobody reads never is.
    """

    __slots__ = ("_entries", "_owner")

    def __init__(self, owner: "Node", entries: "dict[Node, Array | LazyGradient]") -> None:
        self._owner = owner
        self._entries = entries

    def __getitem__(self, node: "Node") -> Array:
        try:
            entry = self._entries[node]
        except KeyError:
            raise no_gradient(node, self._owner) from None
        if isinstance(entry, LazyGradient):
            entry = self._entries[node] = entry()
        return entry

    def __setitem__(self, node: "Node", gradient: Array) -> None:
        self._entries[node] = gradient

    def __delitem__(self, node: "Node") -> None:
        del self._entries[node]

    def __contains__(self, node: object) -> bool:
        return node in self._entries

    def __iter__(self) -> Iterator["Node"]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return repr(dict(self))

    def copy(self) -> "dict[Node, Array]":
        """A plain dictionary of them."""
        return dict(self)

    def computed(self) -> "dict[Node, Array]":
        """Those that somebody has looked at."""
        return {node: entry for node, entry in self._entries.items() if not isinstance(entry, LazyGradient)}

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)  # what is not computed yet cannot be copied


def no_gradient(node: "Node", owner: "Node") -> NoGradientError:
    """The error for a gradient that is not there."""
    return NoGradientError(
        str(node),
        "it has no gradient" if owner is node else f"{owner} has no gradient of it",
        "a pass computes the gradients that lead from the cost to the nodes in wrt",
        "Use a node that the cost depends on, and name it in forward_and_backward(graph, wrt=[...])",
    )
