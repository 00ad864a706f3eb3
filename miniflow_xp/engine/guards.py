"""What is checked of fed values at every call: a captured step, which looks at no value, cannot check it itself."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from miniflow_xp.backend import Backend
from miniflow_xp.broadcasting import shape_of
from miniflow_xp.node import Input, Node, Parameter


class Guard(NamedTuple):
    """A limit that ``node`` sets to the values of leaves it reads: ``inputs`` are leaves, or shapes of the others."""

    node: Node
    inputs: list["Node | Shaped"]

    def check(self, backend: Backend, feed: Mapping[Any, Any]) -> None:
        """Let the node check the leaves, as they were fed; not those that lie on a device, which it would wait for."""
        if not all(isinstance(i, Shaped) or i in feed for i in self.inputs):
            return
        found = [i if isinstance(i, Shaped) else feed[i] for i in self.inputs]
        if any(backend.owns(f) for f in found) and not backend.device.startswith("cpu"):
            return
        import numpy as np  # on the host, where all integers can be compared: PyTorch cannot compare some of its own

        def on_host(value: Any) -> Any:
            return backend.to_numpy(value) if backend.owns(value) else np.asarray(value)

        self.node.check_values(np, *(f if isinstance(f, Shaped) else on_host(f) for f in found))


class Shaped(NamedTuple):
    """Stands for a value of which only the shape is known."""

    shape: tuple[int, ...]


def guards_of(node: Node, inputs: Sequence[Any]) -> list[Guard]:
    """The guard of a node that limits the values of leaves, if it does."""
    if type(node).check_values is Node.check_values:
        return []
    fed = [isinstance(n, Input) and not isinstance(n, Parameter) for n in node.inbound_nodes]
    if not any(fed):
        return []
    triples = zip(node.inbound_nodes, fed, inputs, strict=True)
    return [Guard(node, [n if is_fed else Shaped(shape_of(x)) for n, is_fed, x in triples])]
