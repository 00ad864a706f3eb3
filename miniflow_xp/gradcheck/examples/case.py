"""A row of the table, and the arrays that rows are called with."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from miniflow_xp.gradcheck.examples.draws import Draws

_draws = Draws()
normal, positive, inside, complexes, definite, hermitian_definite = (
    _draws.normal,
    _draws.positive,
    _draws.inside,
    _draws.complexes,
    _draws.definite,
    _draws.hermitian_definite,
)


Keywords: TypeAlias = dict[str, Any]
"""Of a row: reasons that several share."""


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

    def alone(self) -> Callable[..., Any]:
        """The call as a function of its arrays alone, whose namespace it takes."""

        def function(*arrays: Any) -> Any:
            return self.call(arrays[0].__array_namespace__(), *arrays)

        function.__name__ = str(self)
        return function


def case(op: str, call: Callable[..., Any], *arrays: np.ndarray, detail: str = "", **more: Any) -> Case:
    """A row."""
    return Case(op, call, arrays, detail, **more)
