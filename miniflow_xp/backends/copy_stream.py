"""Copies to a GPU on a separate stream, overlapping with what it computes: the same steps for CuPy and PyTorch.

Three things can go wrong, and each has one guard.

The device reads a batch before it is there: where the batch is handed out, the stream that computes waits for its copy.

A copy overwrites what is still read: device memory comes from the pool of the stream that computes, so it may have held
an old batch, and the copy waits for all work submitted to that stream so far. It overlaps with later steps.

Pinned memory is overwritten while it is read: it is held until its copy is done. There is room for ``depth + 1``
batches; then the host waits for the oldest, which also keeps it from running far ahead of the device.

Not run on a GPU yet, only on simulated devices.
"""

from abc import abstractmethod
from collections import deque
from collections.abc import Sequence
from typing import Any

from miniflow_xp.backend import Array, Backend, Uploader


class CopyStream(Uploader):
    """Pinned host memory, copied on the stream ``copies``; a subclass makes the calls of its library."""

    copies: Any
    """A stream that does not wait for the default stream, with ``wait_event`` and ``synchronize``."""

    def __init__(self, backend: Backend, depth: int) -> None:
        super().__init__(backend)
        self._most = depth + 1
        self._flying: deque[tuple[Any, list[Any]]] = deque()

    def start(self, arrays: Sequence[Array], names: Sequence[str]) -> tuple[list[Array], Any]:
        with self.backend.activate():
            if len(self._flying) == self._most:
                self._flying[0][0].synchronize()
                self._flying.popleft()  # only now: the memory may be used again at once
            hosts = [self.pinned(array, name) for array, name in zip(arrays, names, strict=True)]
            targets = [self.empty(host) for host in hosts]
            self.copies.wait_event(self.now(self.current()))
            for host, target in zip(hosts, targets, strict=True):
                self.copy(host, target)
            done = self.now(self.copies)
            self._flying.append((done, hosts))
            return targets, done

    def finish(self, started: tuple[list[Array], Any]) -> list[Array]:
        targets, done = started
        with self.backend.activate():
            self.current().wait_event(done)
        return targets

    def close(self) -> None:
        """Wait for the copies under way, after which pinned and device memory may be reused."""
        with self.backend.activate():
            self.copies.synchronize()
        self._flying.clear()

    @abstractmethod
    def current(self) -> Any:
        """The stream that computes."""

    @abstractmethod
    def now(self, stream: Any) -> Any:
        """A new event: the end of all work submitted to a stream so far."""

    @abstractmethod
    def pinned(self, array: Array, name: str) -> Any:
        """The contents of a NumPy array in new pinned memory, in the dtype of this name, in C order."""

    @abstractmethod
    def empty(self, host: Any) -> Array:
        """A device array with the shape and dtype of a pinned one, from the memory pool of the stream that computes."""

    @abstractmethod
    def copy(self, host: Any, target: Array) -> None:
        """Submit a copy to the stream ``copies``, without waiting."""
