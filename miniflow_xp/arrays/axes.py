"""Axes as functions are given them, from the front or from the back."""

import operator
from typing import Any

from miniflow_xp.errors import ShapeError
from miniflow_xp.system.callers import calling_line


def counted(axis: Any, ndim: int) -> int:
    """An axis of so many, counted from 0; raises ShapeError where there is no such axis."""
    n = operator.index(axis)
    if -ndim <= n < ndim:
        return n % ndim
    raise ShapeError(
        f"an axis, at {calling_line()}",
        f"it is {n}",
        f"the array has {ndim} axes: {-ndim} to {ndim - 1}" if ndim else "the array has no axes",
        "Choose one that is there",
    )
