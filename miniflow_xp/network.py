"""A network with one hidden layer, built from a graph's nodes."""

from typing import NamedTuple

import numpy as np

from miniflow_xp.node import Elementwise, Input, Node, Parameter
from miniflow_xp.ops import MSE, CrossEntropy, Linear


class Network(NamedTuple):
    """Where rows and targets go in, where predictions and the cost come out, and what is trained."""

    X: Input
    y: Input
    output: Node
    cost: Node
    parameters: tuple[Parameter, ...]


def classifier(
    inputs: int, hidden: int, classes: int, activation: type[Elementwise], rng: np.random.Generator, dtype: str
) -> Network:
    """Linear, activation, Linear, CrossEntropy: from rows (n, inputs) to logits (n, classes); y is (n,) integers."""
    X, y = Input("features"), Input("labels", dtype=int)
    logits, parameters = layers(X, inputs, hidden, classes, activation, rng, dtype)
    return Network(X, y, logits, CrossEntropy(y, logits, name="cost"), parameters)


def regressor(inputs: int, hidden: int, activation: type[Elementwise], rng: np.random.Generator, dtype: str) -> Network:
    """Linear, activation, Linear, MSE: from rows (n, inputs) to predictions (n, 1); y is (n,) numbers."""
    X, y = Input("features"), Input("target")
    prediction, parameters = layers(X, inputs, hidden, 1, activation, rng, dtype)
    return Network(X, y, prediction, MSE(y, prediction, name="cost"), parameters)


def layers(
    X: Input,
    inputs: int,
    hidden: int,
    outputs: int,
    activation: type[Elementwise],
    rng: np.random.Generator,
    dtype: str,
) -> tuple[Node, tuple[Parameter, ...]]:
    """Two Linear layers with an activation between them, and their weights and biases."""
    first, second = layer("hidden", inputs, hidden, rng, dtype), layer("output", hidden, outputs, rng, dtype)
    activated = activation(Linear(X, *first, name="hidden"), name="activation")  # type: ignore[arg-type]  # an activation takes a node
    return Linear(activated, *second, name="output"), (*first, *second)


def layer(name: str, inputs: int, outputs: int, rng: np.random.Generator, dtype: str) -> tuple[Parameter, Parameter]:
    """Weights (inputs, outputs), drawn so that sums keep the size of what comes in, and biases (outputs,) of 0."""
    weights = rng.standard_normal((inputs, outputs)) / np.sqrt(inputs)
    return (
        Parameter(weights.astype(dtype), name=f"{name} weights"),
        Parameter(np.zeros(outputs, dtype), name=f"{name} biases"),
    )
