"""Dense: every output reads every input."""

from collections.abc import Callable, Mapping

from miniflow_xp.checks import function, truth, whole
from miniflow_xp.layers.initialisers import Initialiser, glorot, he, zeros
from miniflow_xp.layers.layer import Layer, Part
from miniflow_xp.node import Node
from miniflow_xp.ops import Linear, MatMul, ReLU


class Dense(Layer):
    """activation(X W + b); X is (…, inputs), W (inputs, units), b (units,), the result (…, units).

    ``activation``: a node class such as ReLU, or any function of a node. ``initialiser`` of the weights: without one,
    ``he`` where the activation is ReLU and ``glorot`` elsewhere; biases start at 0. ``use_bias=False`` leaves b out.
    Raises SettingError where a size is no whole number above 0.
    """

    def __init__(
        self,
        inputs: int,
        units: int,
        activation: Callable[[Node], Node] | None = None,
        *,
        initialiser: Initialiser | None = None,
        use_bias: bool = True,
        name: str | None = None,
        seed: int | None = None,
        dtype: str | None = None,
    ) -> None:
        super().__init__(name, seed=seed, dtype=dtype)
        self.inputs, self.units = whole(inputs, "Dense, inputs", 1), whole(units, "Dense, units", 1)
        self.activation, self.initialiser = chosen("Dense", activation, initialiser)
        self.use_bias = truth(use_bias, "Dense, use_bias")

    def parts(self) -> Mapping[str, Part]:
        weights = Part((self.inputs, self.units), self.initialiser)
        return {"weights": weights, "biases": Part((self.units,), zeros)} if self.use_bias else {"weights": weights}

    def width(self, incoming: int | None) -> int:
        if incoming not in (None, self.inputs):
            remedy = f"Write Dense({incoming}, {self.units}), or change the layer before it"
            raise self.misfit(incoming, self.inputs, remedy)
        return self.units

    def build(self, x: Node, training: bool) -> Node:  # noqa: ARG002  the same for both
        weights, *biases = self.own.values()
        node: Node = Linear(x, weights, biases[0], name=self.name) if biases else MatMul(x, weights, name=self.name)
        return node if self.activation is None else self.activation(node)


def chosen(
    kind: str, activation: Callable[[Node], Node] | None, initialiser: Initialiser | None
) -> tuple[Callable[[Node], Node] | None, Initialiser]:
    """Activation and initialiser of a layer, from a user's settings; raises SettingError."""
    if activation is not None:
        function(activation, f"{kind}, activation", "it is a node class, or a function of a node", "Write ReLU")
    if initialiser is None:
        initialiser = he if activation is ReLU else glorot
    rule = "it is a function of a generator and a shape"
    return activation, function(initialiser, f"{kind}, initialiser", rule, "Leave it out")
