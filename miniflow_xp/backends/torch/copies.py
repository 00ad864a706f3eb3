"""Copies on a separate stream, by PyTorch. Not run on a GPU yet."""

from typing import Any

import torch

from miniflow_xp import dtypes
from miniflow_xp.backend import Array, Backend
from miniflow_xp.backends.copy_stream import CopyStream


class TorchCopies(CopyStream):
    """Streams, events and pinned memory of ``torch.cuda``."""

    def __init__(self, backend: Backend, depth: int, device: Any) -> None:
        super().__init__(backend, depth)
        self._device = device
        self.copies = torch.cuda.Stream(device)

    def current(self) -> Any:
        return torch.cuda.current_stream(self._device)

    def now(self, stream: Any) -> Any:
        event = torch.cuda.Event(blocking=True)
        event.record(stream)
        return event

    def pinned(self, array: Array, name: str) -> Any:
        host = torch.empty(array.shape, dtype=getattr(torch, name), device="cpu", pin_memory=True)
        if dtypes.name_of(array) == name:
            host.numpy()[...] = array
        else:  # PyTorch converts, as it does where a feed is not prefetched
            host.copy_(torch.tensor(array.copy(), device="cpu"))  # a copy has no negative strides
        return host

    def empty(self, host: Any) -> Array:
        return torch.empty(host.shape, dtype=host.dtype, device=self._device)

    def copy(self, host: Any, target: Array) -> None:
        with torch.cuda.stream(self.copies):
            target.copy_(host, non_blocking=True)
