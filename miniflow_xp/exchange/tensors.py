"""PyTorch's tensors as arrays of another library, and back, without a copy where the memory can be shared."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from miniflow_xp.arrays.libraries import share_memory
from miniflow_xp.backend import Backend
from miniflow_xp.errors import DtypeError
from miniflow_xp.switch import to_numpy


def over(tensor: torch.Tensor, backend: Backend | None) -> Any:
    """A tensor as an array of the backend, to be read; as it is where there is none."""
    tensor = tensor.detach().resolve_conj().resolve_neg()
    if backend is None or backend.name == "torch":
        return tensor
    name = str(tensor.dtype).removeprefix("torch.")
    if name == "bfloat16" or backend.storable(name) != name:
        raise DtypeError(
            f"a tensor for {backend.name}",
            f"it is {name}",
            f"{backend.name} would take it as {backend.storable(name)}",
            "Convert the tensor, or leave backend out: the function runs on PyTorch",
        )
    if backend.name == "cupy" and tensor.is_cuda:
        return backend.xp.from_dlpack(tensor)
    return backend.asarray(tensor.cpu().numpy())


def tensors_of(arrays: Sequence[Any], devices: Sequence[torch.device], others: Sequence[Any]) -> list[torch.Tensor]:
    """Arrays as tensors on devices, each with memory of its own: who writes to one changes none of ``others``."""
    found = []
    for n, array in enumerate(arrays):
        known = [x for x in (*arrays[:n], *others) if type(x) is type(array)]
        found.append(tensor_of(array, devices[n], any(share_memory(array, x) for x in known)))
    return found


def tensor_of(array: Any, device: torch.device, copy: bool) -> torch.Tensor:
    """An array of any library as a tensor on a device; ``copy``: in memory of its own in any case."""
    if isinstance(array, torch.Tensor):
        return array.clone() if copy else array
    if type(array).__module__.startswith("cupy") and device.type == "cuda":
        shared = torch.from_dlpack(array)
        return shared.clone() if copy else shared
    return host_tensor(to_numpy(array), copy).to(device)


def host_tensor(host: Any, copy: bool = False) -> torch.Tensor:
    """A NumPy array as a tensor, on its memory unless it is a copy, or has a form that PyTorch does not know."""
    host = np.asarray(host)
    known = host.flags.writeable and host.flags.forc and host.dtype.isnative  # it heeds no mark that says: read only
    return torch.from_numpy(host if known and not copy else host.astype(host.dtype.newbyteorder("="), order="C"))
