"""NumPy on the CPU: the default backend."""

import array_api_compat.numpy as xp
import numpy as np

from miniflow_xp.backend import Array, Backend


class NumpyBackend(Backend):
    """NumPy arrays; device: the CPU."""

    name = "numpy"
    install = "pip install numpy"
    array_type = (np.ndarray, np.generic)
    xp = xp

    def asarray(self, host: Array, dtype: str | None = None) -> Array:
        return np.asarray(host, dtype=dtype)

    def to_numpy(self, array: Array) -> Array:
        return np.asarray(array)

    def storable(self, dtype: str) -> str:
        return "float32" if dtype == "bfloat16" else dtype

    def describe(self) -> str:
        return f"NumPy {np.__version__} on the CPU"
