"""A call of a plan, and memory that calls next to each other use for what lies between them."""

from collections.abc import Callable, Hashable, MutableMapping
from math import prod
from typing import Any

import numpy as np

Call = tuple[Callable[..., Any], tuple[Any, ...]]
Scratch = MutableMapping[Hashable, np.ndarray]


def taken(scratch: Scratch, dtype: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    """Memory of this dtype, shared by all calls of a thread; the longest chunk comes first."""
    size = prod(shape)
    found = scratch.get(("scratch", dtype))
    if found is None or found.size < size:
        found = scratch["scratch", dtype] = np.zeros(size, dtype)
    return found[:size].reshape(shape)
