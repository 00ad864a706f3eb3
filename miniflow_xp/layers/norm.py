"""LayerNorm: every example brought to mean 0 and variance 1, then to a scale and shift that are trained."""

from collections.abc import Mapping

from miniflow_xp.checks import not_negative, whole
from miniflow_xp.errors import SettingError
from miniflow_xp.layers.initialisers import ones, zeros
from miniflow_xp.layers.layer import Layer, Part
from miniflow_xp.node import Node
from miniflow_xp.ops.arithmetic import Add, Mul
from miniflow_xp.ops.normalisation import Standardise


class LayerNorm(Layer):
    """scale · (x - mean) / √(variance + ε) + shift over the last axis; the result has the shape of x, (…, units).

    ``units``: size of this axis; in a Sequential it may be left out after a layer that says it. Scales start at 1,
    shifts at 0. Ba, Kiros and Hinton, "Layer normalization", arXiv:1607.06450 (2016).
    """

    def __init__(
        self,
        units: int | None = None,
        *,
        epsilon: float = 1e-5,
        name: str | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(name, dtype=dtype)
        self.units = None if units is None else whole(units, "LayerNorm, units", 1)
        self.epsilon = not_negative(epsilon, "LayerNorm, epsilon")

    def parts(self) -> Mapping[str, Part]:
        if self.units is None:
            raise SettingError(
                self.said,
                "nothing says how wide the last axis is",
                "it has a scale and a shift for each of its elements",
                "Give the size: LayerNorm(256)",
            )
        return {"scale": Part((self.units,), ones), "shift": Part((self.units,), zeros)}

    def width(self, incoming: int | None) -> int | None:
        self.units = self.units or incoming
        if incoming not in (None, self.units):
            raise self.misfit(incoming, self.units, f"Write LayerNorm({incoming}), or leave the size out")
        return self.units

    def build(self, x: Node, training: bool) -> Node:  # noqa: ARG002  the same for both
        scale, shift = self.own.values()
        return Add(Mul(Standardise(x, self.epsilon, name=self.name), scale), shift)
