"""The network that all peers train: n × d → h → h → 1, sigmoid, mean squared error, SGD, float32."""

from typing import NamedTuple

import numpy as np

RATE = 0.01


class Problem(NamedTuple):
    """Data and first parameters on the host: X is (n, d), y (n, 1), weights and biases three each."""

    X: np.ndarray
    y: np.ndarray
    weights: list[np.ndarray]
    biases: list[np.ndarray]

    @classmethod
    def of(cls, n: int, d: int, h: int) -> "Problem":
        """The problem of this size; the same numbers every time."""
        random = np.random.default_rng(0)

        def draw(*shape: int) -> np.ndarray:
            return random.standard_normal(shape, dtype=np.float32)

        shapes = [(d, h), (h, h), (h, 1)]
        weights = [draw(*shape) / np.float32(np.sqrt(shape[0])) for shape in shapes]
        return cls(draw(n, d), draw(n, 1), weights, [np.zeros(shape[1], np.float32) for shape in shapes])


def step_flops(n: int, d: int, h: int) -> float:
    """Of the eight matrix products: three forward, three gradients of weights, two of inputs."""
    return 2.0 * n * (2 * d * h + 3 * h * h + 3 * h)
