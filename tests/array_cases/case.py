"""A row of the table, and the arrays that rows are called with."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

_random = np.random.default_rng(0)


class Case(NamedTuple):
    """One way of calling a function, on arrays where it is smooth.

    ``op``: the function's name in the table of rules (``exp``, ``linalg.solve``). ``call(xp, *arrays)``: the call.
    ``arrays``: float64 or complex128. ``twice``: is the second derivative to be checked? ``skip``: {library: reason},
    of what a library cannot do itself; ``no_oracle``: {torch or jax: reason}, where its own autodiff is no judge.
    ``shaped``: is its shape known without its contents? Otherwise it cannot be captured.
    """

    op: str
    call: Callable[..., Any]
    arrays: tuple[np.ndarray, ...]
    detail: str = ""
    twice: bool = True
    skip: Mapping[str, str] = {}
    no_oracle: Mapping[str, str] = {}
    shaped: bool = True

    def __str__(self) -> str:
        return f"{self.op} {self.detail}".strip()


def case(op: str, call: Callable[..., Any], *arrays: np.ndarray, detail: str = "", **more: Any) -> Case:
    """A row."""
    return Case(op, call, arrays, detail, **more)


def normal(*shape: int) -> np.ndarray:
    """Of either sign."""
    return _random.normal(size=shape)


def positive(*shape: int) -> np.ndarray:
    """Between 0.3 and 2."""
    return _random.uniform(0.3, 2, size=shape)


def inside(*shape: int) -> np.ndarray:
    """Between -0.8 and 0.8."""
    return _random.uniform(-0.8, 0.8, size=shape)


def complexes(*shape: int) -> np.ndarray:
    """Complex numbers."""
    return _random.normal(size=shape) + 1j * _random.normal(size=shape)


def definite(n: int) -> np.ndarray:
    """A symmetric positive definite matrix."""
    a = normal(n, n)
    return a @ a.T + n * np.eye(n)


def hermitian_definite(n: int) -> np.ndarray:
    """A Hermitian positive definite matrix."""
    a = complexes(n, n)
    return a @ a.conj().T + n * np.eye(n)
