"""Networks of random numbers, and random rows for them: what bench and verify-gpu train. The same for the same seed."""

from collections.abc import Sequence
from itertools import pairwise
from typing import TypeAlias

import numpy as np

from miniflow_xp.node import Input, Parameter
from miniflow_xp.ops import Sigmoid
from miniflow_xp.programs.network import Network, multilayer

Arrays: TypeAlias = tuple[np.ndarray, np.ndarray]


def normal(rng: np.random.Generator, dtype: str, *shape: int) -> np.ndarray:
    """Standard normal numbers, drawn in float32 on the host."""
    return rng.standard_normal(shape, dtype="float32").astype(dtype)


def first_values(sizes: Sequence[int], rng: np.random.Generator, dtype: str) -> list[Arrays]:
    """Weights (before, after) and biases (after,) of each layer; sums keep the size of what comes in."""
    return [
        (normal(rng, dtype, before, after) / np.sqrt(before).astype(dtype), np.zeros(after, dtype))
        for before, after in pairwise(sizes)
    ]


def sigmoids(values: Sequence[Arrays]) -> Network:
    """Layers of these weights and biases with a sigmoid between two, and the mean squared error."""
    return multilayer([(Parameter(W), Parameter(b)) for W, b in values], Sigmoid)


def random_batch(network: Network, rng: np.random.Generator, rows: int, dtype: str) -> dict[Input, np.ndarray]:
    """So many rows and targets for a network of ``sigmoids``, on the host."""
    inputs, outputs = network.parameters[0].value.shape[0], network.parameters[-1].value.shape[0]
    return {network.X: normal(rng, dtype, rows, inputs), network.y: normal(rng, dtype, rows, outputs)}
