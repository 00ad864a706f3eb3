"""Sequential: layers one after the other."""

from collections.abc import Callable, Iterator, Sequence
from typing import overload

from miniflow_xp.checks import each
from miniflow_xp.errors import SettingError
from miniflow_xp.layers.activation import Activation
from miniflow_xp.layers.layer import Layer
from miniflow_xp.node import Node
from miniflow_xp.system.notebooks import ShownAsText


class Sequential(ShownAsText, Layer):
    """Each layer called on what the one before it gives.

    ``layers``: Layers, node classes such as ReLU, or functions of a node. ``len``, iteration and ``model[n]`` give the
    layers, ``model[1:]`` a Sequential of some, which shares them. ``print(model)`` shows them as a table. Raises
    SettingError where something else is listed, ShapeError where a layer does not fit the one before it.
    """

    def __init__(
        self,
        layers: Sequence[Layer | Callable[[Node], Node]],
        *,
        name: str | None = None,
        seed: int | None = None,
        dtype: str | None = None,
    ) -> None:
        rule = "it is made of layers, node classes such as ReLU, and functions of a node"
        given = each(layers, lambda layer: layer is not None, "Sequential", rule, "Write Sequential([Dense(4, 2)])")
        listed = [layer if isinstance(layer, Layer) else Activation(layer) for layer in given]
        if not listed:
            raise SettingError(
                "Sequential", "it has no layers", "it needs at least one", "Write Sequential([Dense(4, 2)])"
            )
        super().__init__(name, children=listed, seed=seed, dtype=dtype)
        self.width(None)

    def width(self, incoming: int | None) -> int | None:
        for layer in self.children:
            incoming = layer.width(incoming)
        return incoming

    def build(self, x: Node, training: bool) -> Node:
        for layer in self.children:
            x = layer(x, training)
        return x

    def __len__(self) -> int:
        return len(self.children)

    def __iter__(self) -> Iterator[Layer]:
        return iter(self.children)

    @overload
    def __getitem__(self, index: int) -> Layer: ...
    @overload
    def __getitem__(self, index: slice) -> "Sequential": ...
    def __getitem__(self, index: int | slice) -> "Layer | Sequential":
        return Sequential(self.children[index]) if isinstance(index, slice) else self.children[index]

    def __str__(self) -> str:
        return table(self)


def table(model: Sequential) -> str:
    """Name, kind, shape of the result and number of trained numbers of each layer; what is shared counts once."""
    lines = [("layer", "kind", "output", "parameters"), *rows(model, None), ("total", "", "", counted(model))]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join([*map(str.ljust, line[:3], widths), line[3].rjust(widths[3])]) for line in lines)


def rows(model: Sequential, width: int | None) -> Iterator[tuple[str, str, str, str]]:
    """One line a layer, those of inner models too; (…, 10) are any axes and one of 10."""
    for layer in model:
        if isinstance(layer, Sequential):
            yield from rows(layer, width)
        width = layer.width(width)
        if not isinstance(layer, Sequential):
            yield layer.name, layer.kind, "?" if width is None else f"(…, {width})", counted(layer)


def counted(layer: Layer) -> str:
    """How many numbers a layer trains, as far as its size is known."""
    try:
        return f"{layer.count:,}"
    except SettingError:
        return "?"
