"""NumPy's namespace for arrays of every library: ``import miniflow_xp.autograd.numpy as np``.

A function of plain NumPy arrays is NumPy's own. Given arrays of another library, or traced ones, it computes with that
library, and keeps the gradient. One without arrays among its arguments (``np.zeros(3)``) makes those of the backend in
use, which is NumPy unless another was chosen.
"""

from typing import Any

import numpy as _np

from miniflow_xp.autograd.numpy import fft as fft
from miniflow_xp.autograd.numpy import linalg as linalg
from miniflow_xp.autograd.numpy import random as random
from miniflow_xp.autograd.numpy.dispatch import opened
from miniflow_xp.autograd.numpy.making import MAKING

__all__ = [*dict.fromkeys([*_np.__all__, *MAKING, "fft", "linalg", "random"])]


def __getattr__(name: str) -> Any:
    """NumPy's member of this name, through the door; it is kept for the next time."""
    member = MAKING[name] if name in MAKING else opened(getattr(_np, name))
    globals()[name] = member
    return member


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
