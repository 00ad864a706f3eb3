"""Conv1D, Conv2D: every output reads a window of the inputs, with the same weights everywhere."""

from collections.abc import Callable, Mapping
from typing import ClassVar

from miniflow_xp.checks import truth, whole
from miniflow_xp.layers.dense import chosen
from miniflow_xp.layers.initialisers import Initialiser, zeros
from miniflow_xp.layers.layer import Layer, Part
from miniflow_xp.node import Node
from miniflow_xp.ops.windows import Convolution, Numbers, Padding, Windows, each


class _Conv(Layer):
    """A convolution over ``axes`` axes of space."""

    axes: ClassVar[int]

    def __init__(
        self,
        inputs: int,
        units: int,
        size: Numbers,
        activation: Callable[[Node], Node] | None = None,
        *,
        stride: Numbers = 1,
        padding: Padding = "valid",
        dilation: Numbers = 1,
        initialiser: Initialiser | None = None,
        use_bias: bool = True,
        name: str | None = None,
        seed: int | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(name, seed=seed, dtype=dtype)
        self.inputs, self.units = whole(inputs, f"{self.kind}, inputs", 1), whole(units, f"{self.kind}, units", 1)
        self.windows = Windows.of(self.kind, self.axes, size, stride, padding, dilation)
        self.activation, self.initialiser = chosen(self.kind, activation, initialiser)
        self.use_bias = truth(use_bias, f"{self.kind}, use_bias")

    def parts(self) -> Mapping[str, Part]:
        weights = Part((self.inputs, *each(self.windows.size, self.axes), self.units), self.initialiser)
        return {"weights": weights, "biases": Part((self.units,), zeros)} if self.use_bias else {"weights": weights}

    def width(self, incoming: int | None) -> None:  # noqa: ARG002  of space, which is not known yet
        return None

    def build(self, x: Node, training: bool) -> Node:  # noqa: ARG002  the same for both
        node = Convolution(x, *self.own.values(), windows=self.windows, name=self.name)
        return node if self.activation is None else self.activation(node)


class Conv1D(_Conv):
    """activation(W ∗ X + b); X is (n, inputs, length), W (inputs, size, units), the result (n, units, places).

    ``stride``: the step from window to window. ``padding``: ``"valid"`` for none, ``"same"`` for as many places as
    length / stride, rounded up, or how many zeros on both sides. ``dilation``: the step inside of a window. All else is
    as in Dense.
    """

    axes = 1


class Conv2D(_Conv):
    """activation(W ∗ X + b); X is (n, inputs, height, width), the result (n, units, rows, columns).

    W is (inputs, *size, units). ``size``, ``stride``, ``padding`` and ``dilation`` are one number, or one for each
    axis; they mean what they do in Conv1D.
    """

    axes = 2
