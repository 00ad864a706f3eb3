"""Activation: a node class, or a function of a node, as a layer."""

from collections.abc import Callable

from miniflow_xp.errors import SettingError
from miniflow_xp.layers.layer import Layer
from miniflow_xp.node import Elementwise, Node
from miniflow_xp.ops.activations import LogSoftmax, Softmax

KEEP_SHAPE = (Elementwise, Softmax, LogSoftmax)


class Activation(Layer):
    """``function(x)``: a node class such as ReLU, or a function of a node. In a Sequential, write the class itself."""

    def __init__(self, function: Callable[[Node], Node], name: str | None = None) -> None:
        if not callable(function) or isinstance(function, Node):
            raise SettingError(
                "Activation",
                f"it is a {type(function).__name__}",
                "it is a node class, or a function of a node",
                "Write ReLU, or lambda x: Softmax(x, axis=0)",
            )
        self.function = function
        super().__init__(name)

    @property
    def kind(self) -> str:
        name = getattr(self.function, "__name__", "function")
        return "function" if name == "<lambda>" else str(name)

    def width(self, incoming: int | None) -> int | None:
        keeps = isinstance(self.function, type) and issubclass(self.function, KEEP_SHAPE)
        return incoming if keeps else None

    def build(self, x: Node, training: bool) -> Node:  # noqa: ARG002  the same for both
        return self.function(x)
