"""The nodes that read a leaf: a list that keeps none of them alive, or those of a graph that is found from here."""

from collections.abc import Iterable, Iterator, MutableSequence
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar
from weakref import WeakValueDictionary

if TYPE_CHECKING:
    from miniflow_xp.node import Node


_changes = count(1)


class Readers(MutableSequence[Any]):
    """Nodes in the order in which they came, each once; those that nobody else holds any more are gone.

    ``keeps``: it keeps them until they are released. A copy of a leaf starts with none: the nodes that are copied with
    it enter themselves.
    """

    changes: ClassVar[int] = 0
    """Another number after each node that any of them has taken up."""

    def __init__(self, keeps: bool = False) -> None:
        self._alive: WeakValueDictionary[int, Node] = WeakValueDictionary()
        self._kept: dict[int, Node] = {}
        self._keeps = keeps
        self._keeps_all = keeps  # until one is released

    def nodes(self) -> "list[Node]":
        """Those that are alive now; it may be asked for while other threads build graphs."""
        if self._keeps_all:
            return list(self._kept.values())
        return [node for reference in self._alive.valuerefs() if (node := reference()) is not None]

    def append(self, node: "Node") -> None:
        self._alive[id(node)] = node  # an id comes back only after its node has gone
        if self._keeps:
            self._kept[id(node)] = node
        Readers.changes = next(_changes)

    def kept(self) -> "list[Node]":
        """Those that it keeps alive."""
        return list(self._kept.values())

    def release(self, node: "Node") -> None:
        """Keep this one no longer."""
        self._keeps_all = self._kept.pop(id(node), None) is None and self._keeps_all

    def __len__(self) -> int:
        return len(self.nodes())

    def __iter__(self) -> Iterator[Any]:
        return iter([*self._kept.values()] if self._keeps_all else self.nodes())  # a pass asks each leaf

    def __getitem__(self, index: Any) -> Any:
        return self.nodes()[index]

    def __setitem__(self, index: Any, node: Any) -> None:
        nodes = self.nodes()
        nodes[index] = node
        self._become(nodes)

    def __delitem__(self, index: Any) -> None:
        nodes = self.nodes()
        del nodes[index]
        self._become(nodes)

    def insert(self, index: int, node: "Node") -> None:
        nodes = self.nodes()
        nodes.insert(index, node)
        self._become(nodes)

    def _become(self, nodes: "Iterable[Node]") -> None:
        self.clear()
        self.extend(nodes)

    def clear(self) -> None:
        self._alive.clear()
        self._kept.clear()
        self._keeps_all = self._keeps

    def __contains__(self, node: object) -> bool:
        return any(reader is node for reader in self.nodes())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, list | Readers) and self.nodes() == list(other)

    __hash__ = None  # type: ignore[assignment]  # as a list

    def __repr__(self) -> str:
        return repr(self.nodes())

    def __reduce__(self) -> tuple[type["Readers"], tuple[bool]]:
        return Readers, (self._keeps,)
