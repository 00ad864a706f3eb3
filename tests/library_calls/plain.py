"""Plain values beside traced arrays, as a user writes them."""

from typing import Any

import numpy as np
from array_api_compat import array_namespace


def np_like(x: Any, values: Any) -> Any:
    """Plain values in the library of an array; numbers with a point in float64, as these arrays are."""
    xp = array_namespace(x)
    return xp.asarray(values, dtype=xp.float64) if np.asarray(values).dtype.kind == "f" else xp.asarray(values)
