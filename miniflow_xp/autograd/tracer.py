"""What stands behind a traced array: ``getval``, ``isbox``."""

from typing import Any

from miniflow_xp.arrays.traced import Traced, contents
from miniflow_xp.autograd.extend import notrace_primitive, primitive

__all__ = ["getval", "isbox", "notrace_primitive", "primitive"]


def getval(x: Any) -> Any:
    """The plain array behind a traced one, without its gradient; anything else as it is."""
    return contents(x)


def isbox(x: Any) -> bool:
    """Is this a traced array?"""
    return type(x) is Traced
