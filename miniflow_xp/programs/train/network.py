"""A network with one hidden layer, built from a graph's nodes."""

from typing import NamedTuple, TypeAlias

import numpy as np

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


def classifier(
    inputs: int, hidden: int, classes: int, activation: type[Elementwise], rng: np.random.Generator, dtype: str
) -> Network:
    """Linear, activation, Linear, CrossEntropy: from rows (n, inputs) to logits (n, classes); y is (n,) integers."""
    first, second = layer("hidden", inputs, hidden, rng, dtype), layer("output", hidden, classes, rng, dtype)
    return network_of(first, second, activation, "classification")


def regressor(inputs: int, hidden: int, activation: type[Elementwise], rng: np.random.Generator, dtype: str) -> Network:
    """Linear, activation, Linear, MSE: from rows (n, inputs) to predictions (n, 1); y is (n,) numbers."""
    first, second = layer("hidden", inputs, hidden, rng, dtype), layer("output", hidden, 1, rng, dtype)
    return network_of(first, second, activation, "regression")


def network_of(first: Pair, second: Pair, activation: type[Elementwise], task: str) -> Network:
    """The network of two layers' weights and biases; ``task``: ``classification`` or ``regression``."""
    X = Input("features")
    activated = activation(Linear(X, *first, name="hidden"), name="activation")  # type: ignore[arg-type]  # an activation takes a node
    output = Linear(activated, *second, name="output")
    if task == "classification":
        y = Input("labels", dtype=int)
        return Network(X, y, output, CrossEntropy(y, output, name="cost"), (*first, *second))
    y = Input("target")
    return Network(X, y, output, MSE(y, output, name="cost"), (*first, *second))


def layer(name: str, inputs: int, outputs: int, rng: np.random.Generator, dtype: str) -> Pair:
    """Weights (inputs, outputs), drawn so that sums keep the size of what comes in, and biases (outputs,) of 0."""
    weights = rng.standard_normal((inputs, outputs)) / np.sqrt(inputs)
    return (
        Parameter(weights.astype(dtype), name=f"{name} weights"),
        Parameter(np.zeros(outputs, dtype), name=f"{name} biases"),
    )
