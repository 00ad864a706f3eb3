"""The network that all peers train: n × d → h → h → 1, sigmoid, mean squared error, SGD."""

from typing import NamedTuple

import numpy as np

from miniflow_xp.programs.bench.networks import first_values, normal

RATE = 0.01


class Problem(NamedTuple):
    """Data and first parameters on the host: X is (n, d), y (n, 1), weights and biases three each."""

    X: np.ndarray
    y: np.ndarray
    weights: list[np.ndarray]
    biases: list[np.ndarray]

    @classmethod
    def of(cls, n: int, d: int, h: int, dtype: str = "float32") -> "Problem":
        """The problem of this size; the same numbers every time."""
        rng = np.random.default_rng(0)
        values = first_values((d, h, h, 1), rng, dtype)
        return cls(normal(rng, dtype, n, d), normal(rng, dtype, n, 1), [W for W, _ in values], [b for _, b in values])


def step_flops(n: int, d: int, h: int) -> float:
    """Of the eight matrix products: three forward, three gradients of weights, two of inputs."""
    return 2.0 * n * (2 * d * h + 3 * h * h + 3 * h)
