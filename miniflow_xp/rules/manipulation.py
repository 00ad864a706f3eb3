"""Manipulation: functions that move, repeat and join elements."""

from typing import Any

from miniflow_xp.arrays.calls import boxed
from miniflow_xp.arrays.tables import RULES, composed
from miniflow_xp.arrays.traced import Traced

RULES["reshape"] = lambda xp, g, y, x, shape, copy=None: (lambda: xp.reshape(g, tuple(x.shape)), None)
RULES["matrix_transpose"] = lambda xp, g, y, x: (lambda: xp.matrix_transpose(g),)
RULES["broadcast_to"] = lambda xp, g, y, x, shape: (lambda: g, None)
RULES["astype"] = lambda xp, g, y, x, dtype, copy=True, device=None: (lambda: g, None)


@composed("asarray")
def asarray(xp: Any, obj: Any, /, *, dtype: Any = None, device: Any = None, copy: bool | None = None) -> Any:
    """An array of numbers, arrays, or lists of them; a traced array as it is, but for another dtype or a copy."""
    if type(obj) is Traced:
        if dtype is not None and dtype != obj.dtype:
            return xp.astype(obj, dtype)
        return xp.positive(obj) if copy else obj
    if isinstance(obj, (list, tuple)) and holds_traced(obj):
        whole = xp.stack([asarray(xp, item) for item in obj])
        return whole if dtype is None else xp.astype(whole, dtype)
    return boxed(xp.library.asarray(obj, dtype=dtype, device=device, copy=copy), xp)


def holds_traced(items: Any) -> bool:
    """Is there a traced array in a list, or in the lists in it?"""
    return any(type(i) is Traced or (isinstance(i, (list, tuple)) and holds_traced(i)) for i in items)
