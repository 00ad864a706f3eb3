"""Initial values of parameters: functions of a random generator and a shape, which return float64 NumPy arrays.

They are drawn on the host, so that every backend starts with the same numbers. Weights are (inputs, outputs). A
function of your own with these two arguments is an initialiser, too.
"""

from collections.abc import Callable
from math import prod, sqrt
from typing import TypeAlias

import numpy as np

Shape: TypeAlias = tuple[int, ...]
Initialiser: TypeAlias = Callable[[np.random.Generator, Shape], np.ndarray]


def glorot(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    """Uniform in ±√(6 / (inputs + outputs)): for tanh, sigmoid, softmax and layers without activation.

    Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", AISTATS 2010,
    equation 16.
    """
    inputs, outputs = fans(shape)
    limit = sqrt(6 / (inputs + outputs))
    return rng.uniform(-limit, limit, shape)


def he(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    """Normal with mean 0 and variance 2 / inputs: for layers that a ReLU follows.

    He, Zhang, Ren and Sun, "Delving deep into rectifiers", ICCV 2015, equation 10.
    """
    inputs, _ = fans(shape)
    return sqrt(2 / inputs) * rng.standard_normal(shape)


def normal(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    """Normal with mean 0 and variance 1: for tables of embeddings."""
    return rng.standard_normal(shape)


def zeros(rng: np.random.Generator, shape: Shape) -> np.ndarray:  # noqa: ARG001  nothing is drawn
    """All 0: for biases and shifts."""
    return np.zeros(shape)


def ones(rng: np.random.Generator, shape: Shape) -> np.ndarray:  # noqa: ARG001  nothing is drawn
    """All 1: for scales."""
    return np.ones(shape)


def fans(shape: Shape) -> tuple[int, int]:
    """Inputs and outputs of weights: what each output sums over, and how many outputs there are."""
    return prod(shape[:-1]), shape[-1]
