"""Networks with one hidden layer and the weights that they start from."""

import numpy as np

from miniflow_xp.node import Elementwise, Parameter
from miniflow_xp.programs.network import Network, Pair, multilayer


def classifier(
    inputs: int, hidden: int, classes: int, activation: type[Elementwise], rng: np.random.Generator, dtype: str
) -> Network:
    """Linear, activation, Linear, CrossEntropy: from rows (n, inputs) to logits (n, classes); y is (n,) integers."""
    layers = layer("hidden", inputs, hidden, rng, dtype), layer("output", hidden, classes, rng, dtype)
    return multilayer(layers, activation, "classification")


def regressor(inputs: int, hidden: int, activation: type[Elementwise], rng: np.random.Generator, dtype: str) -> Network:
    """Linear, activation, Linear, MSE: from rows (n, inputs) to predictions (n, 1); y is (n,) numbers."""
    layers = layer("hidden", inputs, hidden, rng, dtype), layer("output", hidden, 1, rng, dtype)
    return multilayer(layers, activation, "regression")


def layer(name: str, inputs: int, outputs: int, rng: np.random.Generator, dtype: str) -> Pair:
    """Weights (inputs, outputs), drawn so that sums keep the size of what comes in, and biases (outputs,) of 0."""
    weights = rng.standard_normal((inputs, outputs)) / np.sqrt(inputs)
    return (
        Parameter(weights.astype(dtype), name=f"{name} weights"),
        Parameter(np.zeros(outputs, dtype), name=f"{name} biases"),
    )
