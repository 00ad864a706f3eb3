"""Dropout: a layer that is there in training only."""

from miniflow_xp.checks import fraction
from miniflow_xp.layers.layer import Layer
from miniflow_xp.node import Node
from miniflow_xp.ops.arithmetic import Mul
from miniflow_xp.ops.dropout import Mask


class Dropout(Layer):
    """Sets each element to 0 with the chance ``rate`` and divides the others by 1 - rate; x itself in prediction.

    The mask depends on the seed, the place in the model, the number of the pass (``counter``) and, where the layer is
    called several times, on which call it was. It is the same on every backend. Raises SettingError.
    """

    def __init__(self, rate: float, *, name: str | None = None, seed: int | None = None) -> None:
        super().__init__(name, seed=seed)
        self.rate = fraction(rate, "Dropout, rate")
        self._calls = 0

    def build(self, x: Node, training: bool) -> Node:
        if not training or self.rate == 0:
            return x
        key = self.source().at(self._calls).key()
        self._calls += 1
        return Mul(x, Mask(x, self.counter, self.rate, key, name=f"{self.name} mask"), name=self.name)
