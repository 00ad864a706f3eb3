"""Copies to a GPU on a stream of their own, beside what it computes: the same steps for CuPy and PyTorch.

Three things may go wrong, and each has one guard.

The device reads a batch before it is there: where the batch is handed out, the stream that computes waits for its copy.

A copy overwrites what is still read: device memory comes from the pool of the stream that computes, so it may have held
an old batch, and the copy waits for all that was asked of that stream until now. It runs beside the steps to come.

Pinned memory is overwritten while it is read: it is held until its copy is done. There is room for ``depth + 1``
batches; then the host waits for the oldest, which also keeps it from running far ahead of the device.

Not seen on a GPU yet, only on devices that are played.
"""

from abc import abstractmethod
from collections import deque
from collections.abc import Sequence
from typing import Any

from miniflow_xp.backend import Array, Backend, Uploader


class CopyStream(Uploader):
    """Pinned host memory, copied on the stream ``copies``; a subclass knows how its library spells this."""

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
        """Wait for the copies that are under way: pinned and device memory may then be used by anybody."""
        with self.backend.activate():
            self.copies.synchronize()
        self._flying.clear()

    @abstractmethod
    def current(self) -> Any:
        """The stream that computes."""

    @abstractmethod
    def now(self, stream: Any) -> Any:
        """A new event: the end of all that was asked of a stream until now."""

    @abstractmethod
    def pinned(self, array: Array, name: str) -> Any:
        """A NumPy array's contents in new pinned memory, in the dtype of this name, rows end to end."""

    @abstractmethod
    def empty(self, host: Any) -> Array:
        """An array on the device with shape and dtype of a pinned one, from the memory of the stream that computes."""

    @abstractmethod
    def copy(self, host: Any, target: Array) -> None:
        """Ask the stream ``copies`` for a copy, without waiting."""
