"""Examples of every array function: a row for each way of calling one, a family a file.

``gradcheck`` of a function's name, ``miniflow-xp verify-gpu`` and the tests are made from them.
"""

from difflib import get_close_matches

from miniflow_xp.errors import DifferentiationError
from miniflow_xp.gradcheck.examples import (
    beyond,
    complexes,
    elementwise,
    fourier,
    indexing,
    linalg,
    manipulation,
    products,
    reductions,
    sorting,
    special,
)
from miniflow_xp.gradcheck.examples.case import Case

CASES = [
    *beyond.CASES,
    *complexes.CASES,
    *elementwise.CASES,
    *fourier.CASES,
    *indexing.CASES,
    *linalg.CASES,
    *manipulation.CASES,
    *products.CASES,
    *reductions.CASES,
    *sorting.CASES,
    *special.CASES,
]

FUNCTIONS = tuple(dict.fromkeys(case.op for case in CASES))
"""The names of all functions."""


def examples_of(name: str) -> list[Case]:
    """The rows of a function; raises DifferentiationError where none has this name."""
    found = [case for case in CASES if case.op == name]
    if not found:
        near = ", ".join(get_close_matches(name, FUNCTIONS)) or "exp, sum, linalg.solve, special.erf …"
        raise DifferentiationError(
            f"gradcheck of {name!r}", "no function has this name", f"there are {near}", "Give one of these names"
        )
    return found
