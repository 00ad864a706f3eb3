"""MultiHeadAttention: what a sequence is told by another one, or by itself."""

from collections.abc import Mapping

from miniflow_xp.checks import of_kind, truth, whole
from miniflow_xp.errors import SettingError
from miniflow_xp.layers.initialisers import glorot, zeros
from miniflow_xp.layers.layer import Layer, Part
from miniflow_xp.node import Node
from miniflow_xp.ops.attention import Attention
from miniflow_xp.ops.linear import Linear

STEPS = ("query", "key", "value", "output")


class MultiHeadAttention(Layer):
    """softmax(Q Kᵀ / √d) V for each head, of linear maps Q of x, K and V of ``context``; then a linear map.

    x is (n, t, units), the result too. ``layer(x, context=other, mask=mask)``: ``context`` is (n, s, units), without it
    x itself; ``mask`` a node that broadcasts to (n, heads, t, s), not 0 where a place of x may look at one of the
    context. ``causal``: each place looks at itself and those before. Weights are ``glorot``, biases start at 0. Vaswani
    et al., arXiv:1706.03762 (2017), section 3.2.2.
    """

    def __init__(
        self,
        units: int,
        heads: int,
        *,
        causal: bool = False,
        name: str | None = None,
        seed: int | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(name, seed=seed, dtype=dtype)
        where = "MultiHeadAttention"
        self.units, self.heads = whole(units, f"{where}, units", 1), whole(heads, f"{where}, heads", 1)
        self.causal = truth(causal, f"{where}, causal")
        if units % heads:
            raise SettingError(f"{where}, heads", f"{heads} for {units} units", "heads divide units", "Choose another")

    def parts(self) -> Mapping[str, Part]:
        found = {}
        for step in STEPS:
            found[f"{step} weights"] = Part((self.units, self.units), glorot)
            found[f"{step} biases"] = Part((self.units,), zeros)
        return found

    def width(self, incoming: int | None) -> int:
        if incoming not in (None, self.units):
            remedy = f"Write MultiHeadAttention({incoming}, heads), or change the layer before it"
            raise self.misfit(incoming, self.units, remedy)
        return self.units

    def __call__(
        self, x: Node, training: bool = True, *, context: Node | None = None, mask: Node | None = None
    ) -> Node:
        """The node of this layer on x, for training or for prediction, which are the same."""
        if context is mask is None:
            return super().__call__(x, training)
        return self.marked(lambda: self.mixed(x, context, mask))

    def build(self, x: Node, training: bool) -> Node:  # noqa: ARG002  the same for both
        return self.mixed(x, None, None)

    def mixed(self, x: Node, context: Node | None, mask: Node | None) -> Node:
        """The node on x and a context."""
        rule = "it is a node, as x is"
        other = (
            x
            if context is None
            else of_kind(context, Node, f"{self.said}, context", rule, "Make an Input, and feed it")
        )
        q, k, v = (self.mapped(step, node) for step, node in zip(STEPS, (x, other, other), strict=False))
        mixed = Attention(q, k, v, mask, heads=self.heads, causal=self.causal, name=f"{self.name} heads")
        return self.mapped("output", mixed, self.name)

    def mapped(self, step: str, x: Node, name: str | None = None) -> Node:
        """A linear map of the layer."""
        weights, biases = self.own[f"{step} weights"], self.own[f"{step} biases"]
        return Linear(x, weights, biases, name=name or f"{self.name} {step}")
