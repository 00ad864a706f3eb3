"""MaxPool, MeanPool: one number for each window; Flatten: one row for each example."""

from math import prod
from typing import Any, ClassVar

from array_api_compat import array_namespace

from miniflow_xp.layers.layer import Layer
from miniflow_xp.node import Node
from miniflow_xp.ops.function import as_node
from miniflow_xp.ops.windows import MaxPooling, MeanPooling, Numbers, Padding, Windows


class MaxPool(Layer):
    """The largest element of each window of ``size``; (n, channels, *space) to (n, channels, *windows).

    Space has one axis or more. ``size``, ``stride`` (without it the size, so that windows do not overlap) and
    ``padding`` are one number, or one for each axis, as in Conv1D; what is added around is never the largest.
    """

    pooling: ClassVar[type[MaxPooling]] = MaxPooling

    def __init__(
        self, size: Numbers, stride: Numbers | None = None, *, padding: Padding = "valid", name: str | None = None
    ) -> None:
        super().__init__(name)
        self.windows = Windows.of(self.kind, None, size, size if stride is None else stride, padding)

    def width(self, incoming: int | None) -> None:  # noqa: ARG002  of space, which is not known yet
        return None

    def build(self, x: Node, training: bool) -> Node:  # noqa: ARG002  the same for both
        return self.pooling(x, self.windows, name=self.name)


class MeanPool(MaxPool):
    """The mean of each window of ``size``, as MaxPool; what is added around does not count."""

    pooling = MeanPooling


class Flatten(Layer):
    """(n, …) to (n, the number of all others): from channels and space to what Dense takes."""

    def width(self, incoming: int | None) -> None:  # noqa: ARG002  of all axes, which are not known yet
        return None

    def build(self, x: Node, training: bool) -> Node:  # noqa: ARG002  the same for both
        return flattened(x, name=self.name)


@as_node
def flattened(x: Any) -> Any:
    """One row for each example."""
    return array_namespace(x).reshape(x, (-1, prod(x.shape[1:])))
