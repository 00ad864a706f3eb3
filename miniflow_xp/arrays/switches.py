"""Libraries that take arrays of any namespace once they are told to: how, for the error of who has not told them."""

import sys
from collections.abc import Callable
from pathlib import PurePath
from typing import Any, NamedTuple


class Switch(NamedTuple):
    """``module``: the one that knows whether it is on, ``is_on(module)``; ``remedy``: how it is turned on.

    Of a part of a library: what it is that can be done, which is never done already where an array gets there.
    """

    module: str
    is_on: Callable[[Any], bool]
    remedy: str


SWITCHES = {
    "sklearn": Switch(
        "sklearn",
        lambda sklearn: bool(sklearn.get_config().get("array_api_dispatch")),
        "Call it inside of `with sklearn.config_context(array_api_dispatch=True)`, with SCIPY_ARRAY_API=1 set as well",
    ),
    "scipy/sparse": Switch(
        "scipy.sparse",
        lambda _: False,
        "Products, sparse @ x and x @ sparse, and spsolve have a gradient inside of "
        '`with miniflow_xp.scipy.rules("sparse")`; for all else give an array: sparse.toarray()',
    ),
    "scipy": Switch(
        "scipy._lib._array_api",
        lambda module: bool(getattr(module, "SCIPY_ARRAY_API", False)),
        "Set SCIPY_ARRAY_API=1 in the environment before SciPy is first imported; else it takes NumPy's arrays alone",
    ),
}


def remedy_within(file: str) -> str | None:
    """How the library that a file belongs to is told to take traced arrays; None where it is, or where none is."""
    folders = PurePath(file).parent.as_posix() + "/"
    for package, switch in SWITCHES.items():
        module = sys.modules.get(switch.module)
        if f"/{package}/" in folders and module is not None and not switch.is_on(module):
            return switch.remedy
    return None
