"""Networks that the checks train, and a backend that captures nothing to compare with."""

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from miniflow_xp.backend import Backend
from miniflow_xp.backends.cupy.adapter import CupyBackend
from miniflow_xp.node import Input, Node, Parameter
from miniflow_xp.ops import MSE, Linear, Sigmoid


class Eager(CupyBackend):
    """CuPy with the plain loop."""

    capture = Backend.capture


class Network(NamedTuple):
    """A cost, its parameters and its Inputs."""

    cost: Node
    parameters: list[Parameter]
    X: Input
    y: Input

    def feed(self, rng: np.random.Generator, rows: int, dtype: str) -> dict[Input, Any]:
        """A batch of random numbers, as NumPy arrays."""
        inputs = self.parameters[0].value.shape[0]
        return {self.X: normal(rng, (rows, inputs), dtype), self.y: normal(rng, (rows, 1), dtype)}


def mlp(inputs: int, hidden: int, dtype: str, seed: int = 0) -> Network:
    """inputs → hidden → hidden → 1, Sigmoid between, MSE; the same numbers for the same seed."""
    rng = np.random.default_rng(seed)
    X, y = Input("X"), Input("y")
    layer: Node = X
    parameters: list[Parameter] = []
    for n, (before, after) in enumerate(pairwise([inputs, hidden, hidden, 1])):
        W = Parameter(normal(rng, (before, after), dtype) / np.asarray(before**0.5, dtype))
        b = Parameter(np.zeros(after, dtype))
        parameters += [W, b]
        layer = Linear(layer if n == 0 else Sigmoid(layer), W, b)
    return Network(MSE(y, layer), parameters, X, y)


def normal(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> Any:
    """Standard normal numbers."""
    return rng.standard_normal(shape, dtype="float32").astype(dtype)
