"""array-api-strict: a namespace that holds the standard and nothing else; it finds what is not portable."""

import array_api_strict as xp
import numpy as np

from miniflow_xp.backend import Array, Backend

CPU = xp.Device("CPU_DEVICE")


class StrictBackend(Backend):
    """array-api-strict arrays, which wrap NumPy's; device: the CPU. Slow by design: for tests."""

    name = "strict"
    array_type = type(xp.asarray(0.0))
    xp = xp

    def asarray(self, host: Array, dtype: str | None = None) -> Array:
        return xp.asarray(host, dtype=getattr(xp, dtype) if dtype else None)

    def to_numpy(self, array: Array) -> Array:
        return np.from_dlpack(array.to_device(CPU)).copy()

    def on_device(self, array: Array) -> bool:
        """Not those that it pretends to have."""
        return bool(array.device == CPU)

    def storable(self, dtype: str) -> str:
        return "float32" if dtype in ("float16", "bfloat16") else dtype

    def describe(self) -> str:
        return f"array-api-strict {xp.__version__} on the CPU"
