"""PyTorch on the CPU, or on any device that it knows: ``torch:cuda:0``, ``torch:mps``.

The gradients are this package's own rules; PyTorch's autograd is switched off while a pass runs.
"""

from collections.abc import Callable, Hashable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, ClassVar

import array_api_compat.torch as xp
import torch
from torch._C import _functorch as functorch

from miniflow_xp.arrays.refusals import followed
from miniflow_xp.backend import Array, Backend, Capture, Uploader
from miniflow_xp.backends.torch.capture import TorchCapture
from miniflow_xp.backends.torch.copies import TorchCopies
from miniflow_xp.errors import DeviceNumberError, DriverMissingError, NoDeviceError, PackageMissingError, SettingError
from miniflow_xp.recording.fallback import captured_or_plain

UNUSABLE = ("uint16", "uint32", "uint64")  # PyTorch has these dtypes, but hardly a function that takes them
is_wrapped = getattr(functorch, "is_functorch_wrapped_tensor", lambda _: False)  # by a transform of torch.func
MODES = ("default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs")


class TorchBackend(Backend):
    """torch.Tensor; device: anything that ``torch.device`` takes and the machine has."""

    name = "torch"
    array_type = torch.Tensor
    xp = xp

    options: ClassVar = {"compile": "True, or a mode of torch.compile: captured steps are compiled by it"}

    def __init__(self, device: str | None = None, compile: bool | str = False) -> None:  # noqa: A002  torch's own word
        self._device = usable_device(device or "cpu")
        self.device = str(self._device)
        self._mode = compile_mode(compile)

    @property
    def default_float(self) -> str:  # type: ignore[override]  # follows torch.set_default_dtype
        return str(torch.get_default_dtype()).removeprefix("torch.")

    def asarray(self, host: Array, dtype: str | None = None) -> Array:
        if not isinstance(host, torch.Tensor):
            host = tensor(host)
        return host.detach().to(device=self._device, dtype=getattr(torch, dtype) if dtype else None)

    def to_numpy(self, array: Array) -> Array:
        host = array.detach().cpu().resolve_conj().resolve_neg()  # what a view only notes, NumPy cannot read
        return (host.float() if host.dtype == torch.bfloat16 else host).numpy()  # NumPy has no bfloat16

    def fetch(self, arrays: Sequence[Array]) -> list[Array]:
        return list(self.to_numpy(torch.stack(list(arrays)))) if arrays else []

    def on_device(self, array: Array) -> bool:
        return bool(array.device == self._device)

    def follows(self, array: Array) -> bool:
        return bool(is_wrapped(array))

    def place(self, value: object) -> Hashable:
        if not isinstance(value, torch.Tensor):
            return None
        if self.follows(value):
            raise followed("torch")
        device: Hashable = value.device
        return device

    def storable(self, dtype: str) -> str:
        if dtype == "float64" and self._device.type == "mps":
            return "float32"
        return "int64" if dtype in UNUSABLE else dtype

    def synchronize(self) -> None:
        kind = self._device.type
        if kind == "mps":  # there is one, and its function takes no device
            torch.mps.synchronize()
        elif kind != "cpu":
            getattr(torch, kind).synchronize(self._device)

    def activate(self) -> AbstractContextManager[Any]:
        context: AbstractContextManager[Any] = torch.no_grad()
        return context

    def capture(self, function: Callable[..., Sequence[Array]], arrays: Sequence[Array], state: int) -> Capture:
        return captured_or_plain(partial(TorchCapture, mode=self._mode), self, function, arrays, state)

    def uploader(self, depth: int) -> Uploader | None:
        return TorchCopies(self, depth, self._device) if self._device.type == "cuda" else None

    def describe(self) -> str:
        gpu = torch.cuda.get_device_name(self._device) if self._device.type == "cuda" else self.device
        return f"PyTorch {torch.__version__} on {gpu if gpu != 'cpu' else 'the CPU'}"


def tensor(host: Array) -> torch.Tensor:
    """A copy of a NumPy array as a tensor on the CPU: PyTorch warns where it would share a read-only array."""
    return torch.tensor(host if min(host.strides, default=0) >= 0 else host.copy())  # it has no negative strides


def compile_mode(wanted: object) -> str | None:
    """The mode of ``torch.compile`` that is asked for, or None; raises SettingError where there is no such mode."""
    if wanted is False or wanted is None:
        return None
    if wanted is True:
        return "default"
    if wanted not in MODES:
        raise SettingError(
            "backend 'torch'",
            f"compile is {wanted!r}",
            f"it is True, False, or one of {', '.join(MODES)}",
            "Write compile=True",
        )
    return str(wanted)


def usable_device(text: str) -> torch.device:
    """The device that ``text`` names, with its number; raises the BackendError that fits where it cannot be used."""
    where = f"backend 'torch:{text}'"
    try:
        device = torch.device(text)
    except RuntimeError as error:
        raise DeviceNumberError(
            where, f"{text!r} is no device", str(error).splitlines()[0], "Write torch:cpu, torch:cuda:0 or torch:mps"
        ) from None
    if device.type == "cuda":
        device = torch.device("cuda", cuda_number(device.index, where))
    try:
        return torch.empty(0, device=device).device
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise NoDeviceError(
            where,
            "PyTorch cannot use this device",
            str(error).splitlines()[0],
            "Choose another: torch:cpu works anywhere",
        ) from None


def cuda_number(index: int | None, where: str) -> int:
    """The number of the CUDA device to use: 0 where none was given."""
    if torch.version.cuda is None and torch.version.hip is None:
        raise PackageMissingError(
            where,
            f"PyTorch {torch.__version__} is a build without CUDA",
            "a GPU needs a build for its CUDA version",
            "Install one as https://pytorch.org/get-started shows, or choose torch:cpu",
        )
    try:
        torch.cuda.init()
    except RuntimeError as error:
        kind = DriverMissingError if "driver" in str(error).lower() else NoDeviceError
        raise kind(
            where,
            str(error).splitlines()[0],
            "a GPU needs the NVIDIA driver and a visible device",
            "Check that nvidia-smi lists a GPU and CUDA_VISIBLE_DEVICES shows it, or choose torch:cpu",
        ) from None
    count = torch.cuda.device_count()
    if count == 0:
        raise NoDeviceError(
            where,
            "no GPU is visible",
            "one is needed",
            "Check nvidia-smi and CUDA_VISIBLE_DEVICES, or choose torch:cpu",
        )
    if (index or 0) >= count:
        raise DeviceNumberError(
            where, f"there is no GPU {index}", f"GPUs here: 0 to {count - 1}", "Choose one of these"
        )
    return index or 0
