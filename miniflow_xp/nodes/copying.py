"""What ``copy.deepcopy`` and ``pickle`` take of a node: its state and the nodes that belong to it, without recursion.

A node's state names its inbound nodes. Followed from one to the next, a chain of some hundred nodes would be deeper
than Python recurses. So the state of the first node that is copied begins with a list of all others, each after its
inbound nodes: then these are known, and only named, wherever they are met again. To tell what is known by then, each
state has a token, which lives as long as the copying remembers what it met.
"""

from threading import local
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from miniflow_xp import dtypes
from miniflow_xp.backend import Array
from miniflow_xp.given import of_another_library
from miniflow_xp.nodes.readers import Readers
from miniflow_xp.switch import get_backend, to_numpy

if TYPE_CHECKING:
    from miniflow_xp.node import Node


class Token:
    """Lives while a copying goes on."""


class CopyMemo(local):
    """{serial of a node that a copying has met: its token}; each thread has its own."""

    def __init__(self) -> None:
        self.tokens: WeakValueDictionary[int, Token] = WeakValueDictionary()


_memo = CopyMemo()


def meet(node: "Node") -> "tuple[list[Node], Token]":
    """The nodes that are to be copied before ``node``, and the token for its state."""
    token = _memo.tokens[node.serial] = Token()
    met: list[Node] = []
    todo = belonging(node)
    while todo:
        other = todo.pop()
        if other.serial not in _memo.tokens:
            _memo.tokens[other.serial] = token
            met.append(other)
            todo += belonging(other)
    return sorted(met, key=lambda n: n.serial), token


def belonging(node: "Node") -> "list[Node]":
    """The nodes that are copied because ``node`` is: those that it keeps alive, what it reads and what reads it."""
    readers = node.outbound_nodes
    return [*node.inbound_nodes, *(readers.kept() if isinstance(readers, Readers) else readers)]


class PortableArray:
    """An array of a library other than NumPy, copied as NumPy's; the copy is an array of the backend in use."""

    def __init__(self, array: Array) -> None:
        self.array = array

    def __reduce__(self) -> tuple[Any, ...]:
        return arrived, (to_numpy(self.array), dtypes.name_of(self.array))


def carried(value: Any) -> Any:
    """``value``; as a PortableArray where it is an array of another library than NumPy."""
    return PortableArray(value) if hasattr(value, "dtype") and of_another_library(value) else value


def arrived(host: Array, dtype: str) -> Array:
    """An array of the backend in use; NumPy's where that would store another dtype."""
    backend = get_backend()
    return backend.asarray(host, dtype) if backend.storable(dtype) == dtype else host
