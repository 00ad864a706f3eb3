"""The network that programs train: layers one after the other and a cost, built from a graph's nodes."""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from miniflow_xp.node import Elementwise, Input, Node, Parameter
from miniflow_xp.ops import MSE, CrossEntropy, Linear

Pair: TypeAlias = tuple[Parameter, Parameter]
"""Weights (inputs, outputs) and biases (outputs,) of a layer."""


class Network(NamedTuple):
    """Where rows and targets go in, where predictions and the cost come out, and what is trained."""

    X: Input
    y: Input
    output: Node
    cost: Node
    parameters: tuple[Parameter, ...]


def multilayer(layers: Sequence[Pair], activation: type[Elementwise], task: str = "regression") -> Network:
    """Linear, activation, …, Linear and a cost; X is (n, inputs), the output (n, outputs).

    ``task``: ``classification`` is CrossEntropy, y (n,) integers; ``regression`` is MSE, y as the output.
    """
    X = Input("features")
    *hidden, last = layers
    x: Node = X
    for pair in hidden:
        x = activation(Linear(x, *pair, name="hidden"), name="activation")  # type: ignore[arg-type]  # an activation takes a node
    output = Linear(x, *last, name="output")
    parameters = tuple(parameter for pair in layers for parameter in pair)
    if task == "classification":
        y = Input("labels", dtype=int)
        return Network(X, y, output, CrossEntropy(y, output, name="cost"), parameters)
    y = Input("target")
    return Network(X, y, output, MSE(y, output, name="cost"), parameters)
