"""Reductions: sum, mean."""

from typing import Any

from miniflow_xp.arrays.tables import rule
from miniflow_xp.rules.algebra import count, kept


@rule("sum")
def _sum(xp: Any, g: Any, y: Any, x: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Any:
    return (lambda: xp.broadcast_to(kept(xp, g, x, axis), x.shape),)


@rule("mean")
def _mean(xp: Any, g: Any, y: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return (lambda: xp.broadcast_to(kept(xp, g / max(count(x, axis), 1), x, axis), x.shape),)
