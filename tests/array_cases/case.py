"""A row of the table, and the arrays that rows are called with."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from draws import Draws

_draws = Draws()
normal, positive, inside, complexes, definite, hermitian_definite = (
    _draws.normal,
    _draws.positive,
    _draws.inside,
    _draws.complexes,
    _draws.definite,
    _draws.hermitian_definite,
)


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
