"""SciPy's special functions, which several threads share where that is quicker."""

from typing import Any

import numpy as np
import scipy.special

from miniflow_xp.backends.numpy.shares import shared


def is_silent() -> bool:
    """Are SciPy's errors ignored, as at first, but for lack of memory? Threads do not see how another one sets them."""
    return {how for error, how in scipy.special.geterr().items() if error != "memory"} == {"ignore"}


def __getattr__(name: str) -> Any:
    found = getattr(scipy.special, name)
    return shared(found, is_silent) if isinstance(found, np.ufunc) and found.nout == 1 else found
