"""What becomes of each of NumPy's functions on an array that is differentiated: a table, and its counts.

``python -m miniflow_xp.arrays.protocols`` prints it.
"""

from collections import Counter
from typing import Any, NamedTuple

from miniflow_xp.arrays.protocols.entries import FUNCTIONS, OPERATIONS, REFUSED, UFUNCS
from miniflow_xp.arrays.tables import WITHOUT_GRADIENT

PLACES = ("numpy", "numpy.linalg", "numpy.fft")
GRADIENT, CONSTANT, REFUSED_HERE, UNKNOWN = "gradient", "no gradient", "refused", "unknown"


class Verdict(NamedTuple):
    """A function of NumPy, whether it is a ufunc, and what becomes of it; ``why`` it is refused."""

    name: str
    is_ufunc: bool
    what: str
    why: str = ""


def verdicts() -> list[Verdict]:
    """All ufuncs, under all of their names, and all functions that NumPy asks other arrays about."""
    return [verdict_of(name, function) for name, function in asked_about()]


def asked_about() -> list[tuple[str, Any]]:
    """The names, without ``numpy.``, and the functions."""
    import importlib

    import numpy as np

    found = []
    for place in PLACES:
        module = importlib.import_module(place)
        for name in sorted(dir(module)):
            function = getattr(module, name)
            if isinstance(function, np.ufunc) or type(function).__name__ == "_ArrayFunctionDispatcher":
                found.append((f"{place}.{name}".removeprefix("numpy."), function))
    return found


def verdict_of(name: str, function: Any) -> Verdict:
    """What becomes of one of them."""
    import numpy as np

    is_ufunc = isinstance(function, np.ufunc)
    own = function.__name__ if is_ufunc else f"{function.__module__}.{function.__name__}".removeprefix("numpy.")
    if own in REFUSED:
        return Verdict(name, is_ufunc, REFUSED_HERE, REFUSED[own].why)
    if is_ufunc and own in OPERATIONS:
        return Verdict(name, is_ufunc, CONSTANT if OPERATIONS[own] in WITHOUT_GRADIENT else GRADIENT)
    entry = (UFUNCS if is_ufunc else FUNCTIONS).get(own)
    if entry is None:
        return Verdict(name, is_ufunc, UNKNOWN)
    return Verdict(name, is_ufunc, GRADIENT if entry.has_gradient else CONSTANT)


def counts() -> list[str]:
    """A line for ufuncs, and one for functions: how many have a gradient, have none, are refused."""
    import numpy as np

    lines = [f"NumPy {np.__version__}"]
    for is_ufunc, title in ((True, "ufuncs"), (False, "functions")):
        number = Counter(v.what for v in verdicts() if v.is_ufunc is is_ufunc)
        parts = [f"{number[what]} {what}" for what in (GRADIENT, CONSTANT, REFUSED_HERE, UNKNOWN) if number[what]]
        lines.append(f"{sum(number.values())} {title}: {', '.join(parts)}")
    return lines


def function_of(name: str) -> Any:
    """NumPy's function of a name in the tables."""
    import numpy as np

    found: Any = np
    for part in name.split("."):
        found = getattr(found, part)
    return found
