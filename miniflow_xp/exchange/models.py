"""A model of layers as a function of arrays: the input, then all that it holds."""

from collections.abc import Sequence
from typing import Any

from miniflow_xp.arrays.namespace import namespace_of
from miniflow_xp.engine.frozen import FrozenGraph
from miniflow_xp.engine.guards import Guard
from miniflow_xp.layers import Layer
from miniflow_xp.node import Input, Node, Parameter
from miniflow_xp.ops.batch_normalisation import Running, moves_of
from miniflow_xp.ops.dropout import Counter
from miniflow_xp.transforms.custom import custom_vjp


class ModelFunction:
    """``call(*arrays)``: the result of a model, then the next values of its running averages; for training or not.

    ``leaves``: the node that each array is for. ``moved``: the Parameters that these next values are for. Gradients are
    those of the nodes' own rules, and can be differentiated again.
    """

    def __init__(self, model: Layer, training: bool, integers: bool) -> None:
        self.x = Input("x", dtype="int" if integers else None)
        output = model(self.x, training)
        moves = moves_of(output) if training else {}
        self.moved: list[Parameter] = list(moves)
        self._forward = FrozenGraph([output], aside=list(moves.values()))
        self.leaves = self._forward.leaves
        wrt = [leaf for leaf in self.leaves if takes_gradient(leaf)]
        self._backward, self._output = FrozenGraph([output], wrt), output
        self.guards: list[Guard] = []
        self.call = custom_vjp(self._values)
        self.call.defvjp(lambda *arrays: (self._values(*arrays), arrays), self._gradients)

    def _values(self, *arrays: Any) -> list[Any]:
        run = self._forward.run(namespace_of(arrays[0]), arrays, checks=True)
        self.guards = run.guards
        return run.outputs

    def _gradients(self, arrays: Sequence[Any], gradients: Sequence[Any]) -> tuple[Any, ...]:
        given: dict[Node, Any] = dict(zip(self.leaves, arrays, strict=True))
        leaves = self._backward.leaves
        xp = gradients[0].xp if hasattr(gradients[0], "xp") else namespace_of(arrays[0]).library
        run = self._backward.run(xp, [given[leaf] for leaf in leaves], {self._output: gradients[0]})
        found = dict(zip(self._backward.wrt, run.gradients, strict=True))
        return tuple([found.get(leaf) for leaf in self.leaves])


def takes_gradient(leaf: Node) -> bool:
    """Does a leaf of a model have a gradient: the input, unless it is of integers, and what is trained?"""
    if isinstance(leaf, Running | Counter):
        return False
    return not isinstance(leaf, Input) or leaf.dtype not in ("int", "int32")
