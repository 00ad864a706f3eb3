"""SciPy's special functions, which several threads share where that is quicker."""

from typing import Any

import numpy as np
import scipy.special

from miniflow_xp.backends.numpy.shares import shared


def __getattr__(name: str) -> Any:
    found = getattr(scipy.special, name)
    return shared(found) if isinstance(found, np.ufunc) and found.nout == 1 else found
