"""The tables: what computes each known function of NumPy and PyTorch on traced arrays, or why nothing does."""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar


class Entry(NamedTuple):
    """``call(xp, ...)``: the function, in NumPy's own signature; ``has_gradient``: or is it constant, or no array?"""

    call: Callable[..., Any]
    has_gradient: bool


class Refusal(NamedTuple):
    """Why a function takes no array that is differentiated, and what to write instead."""

    why: str
    remedy: str


FUNCTIONS: dict[str, Entry] = {}
"""Functions that NumPy hands to ``__array_function__``, by their names without ``numpy.``: ``sum``, ``linalg.norm``."""

OPERATIONS: dict[str, str] = {}
"""Ufuncs that are a function of the standard: {the name of the one: that of the other}."""

UFUNCS: dict[str, Entry] = {}
"""The other ufuncs, by their names."""

REFUSED: dict[str, Refusal] = {}
"""Functions, and ufuncs, that are refused; on constants they run as they are."""

TORCH: dict[str, Callable[..., Any]] = {}
"""Functions that PyTorch hands to ``__torch_function__``, by their names: ``exp``, ``linalg.inv``."""

Found = TypeVar("Found", bound=Callable[..., Any])


def numpy(*names: str, gradient: bool = True) -> Callable[[Found], Found]:
    """Decorator: NumPy's functions of these names are this one."""
    return entered(FUNCTIONS, names, gradient)


def ufunc(*names: str, gradient: bool = True) -> Callable[[Found], Found]:
    """Decorator: NumPy's ufuncs of these names are this one."""
    return entered(UFUNCS, names, gradient)


def torch(*names: str) -> Callable[[Found], Found]:
    """Decorator: PyTorch's functions, and methods of tensors, of these names are this one."""

    def enter(function: Found) -> Found:
        TORCH.update(dict.fromkeys(names, function))
        return function

    return enter


def entered(table: dict[str, Entry], names: tuple[str, ...], gradient: bool) -> Callable[[Found], Found]:
    """Decorator: enter a function in a table under these names."""

    def enter(function: Found) -> Found:
        for name in names:
            table[name] = Entry(function, gradient)
        return function

    return enter
