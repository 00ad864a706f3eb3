"""The network that all contestants train: n × d → h → h → 1, sigmoid, mean squared error, SGD, float32."""

from typing import NamedTuple

import numpy as np

RATE = 0.01
SIZES = (
    (8, 4, 4),
    (32, 8, 16),
    (64, 64, 64),
    (128, 128, 128),
    (64, 784, 256),
    (256, 256, 256),
    (512, 512, 512),
    (1024, 512, 512),
    (16384, 128, 128),
    (4096, 784, 1024),
)


class Problem(NamedTuple):
    """Data and first parameters: X is (n, d), y (n, 1), weights and biases three each."""

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
