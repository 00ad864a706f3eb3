"""``numpy.random``: random arrays are constants, and those of the backend in use."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as _np

from miniflow_xp.autograd.numpy.dispatch import placed


def __getattr__(name: str) -> Any:
    """NumPy's member of this name; what a function of it gives belongs to the backend in use."""
    member = getattr(_np.random, name)
    found = drawn(member) if callable(member) and not isinstance(member, type) else member
    globals()[name] = found
    return found


def drawn(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose arrays go to the backend in use."""

    @wraps(function)
    def found(*args: Any, **keywords: Any) -> Any:
        return placed(function(*args, **keywords))

    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *dir(_np.random)})
