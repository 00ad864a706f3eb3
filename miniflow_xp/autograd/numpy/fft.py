"""``numpy.fft`` for arrays of every library."""

from typing import Any

import numpy as _np

from miniflow_xp.autograd.numpy.dispatch import opened


def __getattr__(name: str) -> Any:
    """NumPy's member of this name, through the door; it is kept for the next time."""
    globals()[name] = member = opened(getattr(_np.fft, name))
    return member


def __dir__() -> list[str]:
    return sorted({*globals(), *dir(_np.fft)})
