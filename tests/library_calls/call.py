"""A row of the table, and the arrays that rows are called with."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Call(NamedTuple):
    """One call of another library's function, on float64 arrays where it is smooth.

    ``name``: what the table shows. ``function(*arrays)``: the call, written as a user of that library writes it; it
    returns an array, or a tuple or list of arrays.
    """

    library: str
    name: str
    function: Callable[..., Any]
    arrays: tuple[np.ndarray, ...]

    def __str__(self) -> str:
        return f"{self.library}: {self.name}"


class Rows:
    """The rows of a library, in the order in which they are written."""

    def __init__(self, library: str) -> None:
        self.library = library
        self.calls: list[Call] = []

    def __call__(self, name: str, function: Callable[..., Any], *arrays: np.ndarray) -> None:
        self.calls.append(Call(self.library, name, function, arrays))


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    """Numbers of either sign."""
    return np.random.default_rng(seed).normal(size=shape)


def positive(*shape: int, seed: int = 0) -> np.ndarray:
    """Numbers between ½ and 2."""
    return np.random.default_rng(seed).uniform(0.5, 2, size=shape)


def unit(*shape: int, seed: int = 0) -> np.ndarray:
    """Numbers between 0.1 and 0.9."""
    return np.random.default_rng(seed).uniform(0.1, 0.9, size=shape)


def definite(n: int, seed: int = 0) -> np.ndarray:
    """A symmetric positive definite matrix."""
    a = normal(n, n, seed=seed)
    return a @ a.T + n * np.eye(n)
