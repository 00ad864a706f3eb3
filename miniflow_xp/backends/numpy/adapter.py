"""NumPy on the CPU: the default backend."""

from collections.abc import Callable, Sequence

import numpy as np

from miniflow_xp.backend import Array, Backend, Capture
from miniflow_xp.backends.numpy.capture import NumpyCapture
from miniflow_xp.backends.numpy.namespace import xp
from miniflow_xp.recording.fallback import captured_or_plain


class NumpyBackend(Backend):
    """NumPy arrays; device: the CPU."""

    name = "numpy"
    array_type = (np.ndarray, np.generic)
    xp = xp
    flat_state = True

    def asarray(self, host: Array, dtype: str | None = None) -> Array:
        return np.asarray(host, dtype=dtype)

    def to_numpy(self, array: Array) -> Array:
        return np.asarray(array)

    def storable(self, dtype: str) -> str:
        return "float32" if dtype == "bfloat16" else dtype

    def capture(self, function: Callable[..., Sequence[Array]], arrays: Sequence[Array], state: int) -> Capture:
        return captured_or_plain(NumpyCapture, self, function, arrays, state)

    def describe(self) -> str:
        return f"NumPy {np.__version__} on the CPU"
