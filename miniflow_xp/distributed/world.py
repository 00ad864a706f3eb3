"""What an engine must provide so that processes can train together: a small contract.

Third parties register theirs under the entry-point group ``miniflow_xp.worlds``.
"""

from abc import ABC, abstractmethod
from typing import Any, Self

from miniflow_xp.backend import Array
from miniflow_xp.switch import get_backend


class World(ABC):
    """``size`` processes that do the same at the same time; this one has the number ``rank``, from 0 on.

    Every method but ``abort`` is called by all of them, in the same order.
    """

    rank: int
    size: int

    @abstractmethod
    def sum(self, array: Array) -> Array:
        """The sum over all processes of a 1-D array of the backend in use: the same bits in each of them."""

    @abstractmethod
    def gather(self, data: bytes) -> list[bytes]:
        """What all processes brought, by rank, in each of them."""

    def share(self, data: bytes) -> bytes:
        """What the process of rank 0 brought, in each of them."""
        return self.gather(data if self.rank == 0 else b"")[0]

    @abstractmethod
    def abort(self, code: int = 1) -> None:
        """End all processes at once, with this exit code; others may be waiting for this one."""

    def __deepcopy__(self, _: Any) -> Self:
        return self  # there is but one

    def __repr__(self) -> str:
        return f"<rank {self.rank} of {self.size}, {type(self).__name__}>"


class HostWorld(World):
    """A world that adds arrays of the host; those of a device travel by way of it."""

    def sum(self, array: Array) -> Array:
        backend = get_backend()
        return backend.asarray(self.sum_on_host(backend.to_numpy(array)))

    @abstractmethod
    def sum_on_host(self, array: Array) -> Array:
        """``sum`` of NumPy arrays; ``array`` stays as it is."""


class Alone(World):
    """A world of one."""

    rank, size = 0, 1

    def sum(self, array: Array) -> Array:
        return array

    def gather(self, data: bytes) -> list[bytes]:
        return [data]

    def abort(self, code: int = 1) -> None:
        raise SystemExit(code)
