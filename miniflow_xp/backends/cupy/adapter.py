"""CuPy on an NVIDIA GPU: ``cupy`` or ``cupy:1``."""

from collections.abc import Callable, Hashable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import array_api_compat.cupy as xp
import cupy

from miniflow_xp.backend import Array, Backend, Capture, Uploader
from miniflow_xp.backends.cupy.turns import undisturbed
from miniflow_xp.errors import DeviceNumberError, DriverMissingError, NoDeviceError
from miniflow_xp.recording.fallback import captured_or_plain


class CupyBackend(Backend):
    """cupy.ndarray; device: a GPU by number, 0 where none is given."""

    name = "cupy"
    array_type = cupy.ndarray
    xp = xp
    flat_state = True

    def __init__(self, device: str | None = None) -> None:
        self._device = cupy.cuda.Device(usable_number(device))
        self.device = f"cuda:{self._device.id}"

    def asarray(self, host: Array, dtype: str | None = None) -> Array:
        with self._device:
            return cupy.asarray(host, dtype=dtype)

    def to_numpy(self, array: Array) -> Array:
        return cupy.asnumpy(array)

    def fetch(self, arrays: Sequence[Array]) -> list[Array]:
        return list(self.to_numpy(cupy.stack(list(arrays)))) if arrays else []

    def on_device(self, array: Array) -> bool:
        return bool(array.device == self._device)

    def place(self, value: object) -> Hashable:
        return value.device.id if isinstance(value, cupy.ndarray) else None  # a Device of CuPy's has no hash

    def storable(self, dtype: str) -> str:
        return "float32" if dtype == "bfloat16" else dtype

    def synchronize(self) -> None:
        with undisturbed():
            self._device.synchronize()

    def activate(self) -> AbstractContextManager[Any]:
        context: AbstractContextManager[Any] = cupy.cuda.Device(self._device.id)  # the object remembers one caller only
        return context

    def capture(self, function: Callable[..., Sequence[Array]], arrays: Sequence[Array], state: int) -> Capture:
        from miniflow_xp.backends.cupy.capture import CupyCapture  # here: an eager pass needs none of it

        return captured_or_plain(CupyCapture, self, function, arrays, state)

    def uploader(self, depth: int) -> Uploader:
        from miniflow_xp.backends.cupy.copies import CupyCopies  # here, as above

        return CupyCopies(self, depth)

    def describe(self) -> str:
        name = cupy.cuda.runtime.getDeviceProperties(self._device.id)["name"].decode()
        return f"CuPy {cupy.__version__} on {name} ({self.device})"


def usable_number(device: str | None) -> int:
    """The number of the GPU that ``device`` names; raises the BackendError that fits where it cannot be used."""
    where = f"backend 'cupy:{device}'" if device else "backend 'cupy'"
    count = gpu_count(where)
    number = (device or "0").removeprefix("cuda:")
    if not number.isdecimal() or int(number) >= count:
        raise DeviceNumberError(
            where, f"there is no GPU {device!r}", f"GPUs here: 0 to {count - 1}", "Write cupy or cupy:0 and so on"
        )
    return int(number)


def gpu_count(where: str) -> int:
    """How many GPUs there are; raises DriverMissingError or NoDeviceError."""
    remedy = "Check that nvidia-smi lists a GPU that CUDA_VISIBLE_DEVICES shows; without one set MINIFLOW_BACKEND=numpy"
    no_gpu = "the machine shows no GPU"
    try:
        count = int(cupy.cuda.runtime.getDeviceCount())
    except cupy.cuda.runtime.CUDARuntimeError as error:
        if "cudaErrorNoDevice" in str(error):
            raise NoDeviceError(where, no_gpu, f"CUDA says {error}", remedy) from None
        got = "the NVIDIA driver is missing or too old"
        raise DriverMissingError(where, got, f"CUDA says {error}", remedy) from None
    if count == 0:
        raise NoDeviceError(where, no_gpu, "CUDA counts 0 devices", remedy)
    return count
