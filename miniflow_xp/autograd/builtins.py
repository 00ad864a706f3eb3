"""``isinstance`` and ``type``, which see the array behind a traced one; containers are Python's own, and hold any."""

import builtins
from typing import Any

from miniflow_xp.arrays.traced import ground

dict, list, tuple = builtins.dict, builtins.list, builtins.tuple  # noqa: A001  their names in HIPS/autograd

__all__ = ["dict", "isinstance", "list", "tuple", "type"]


def isinstance(instance: Any, kinds: Any) -> bool:  # noqa: A001  its name in HIPS/autograd
    """Is the value, or the array behind a traced one, of this class?"""
    return builtins.isinstance(ground(instance), kinds)


def type(instance: Any) -> Any:  # noqa: A001  as above
    """The class of the value, or of the array behind a traced one."""
    return builtins.type(ground(instance))
