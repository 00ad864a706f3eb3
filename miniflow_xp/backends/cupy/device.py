"""What a plan needs of an array library, and where a plan's results are written."""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, NamedTuple, Protocol

from miniflow_xp.backend import Array
from miniflow_xp.backends.cupy.sources import Source


class Device(Protocol):
    """What a plan needs of a library."""

    xp: Any

    def empty(self, shape: tuple[int, ...], dtype: Any) -> Array: ...
    def kept(self, array: Array) -> Array: ...
    def launch(self, source: Source, inputs: Sequence[Array], outputs: Sequence[Array]) -> None: ...
    def matmul(self, a: Array, b: Array, out: Array) -> None: ...
    def column_sums(self, x: Array, out: Array) -> None: ...
    def sum(self, x: Array, out: Array, *, axis: Any = None, keepdims: bool = False) -> None: ...
    def copy(self, array: Array, out: Array) -> None: ...
    def call(self, function: Callable[..., Array], inputs: Sequence[Any], keywords: dict[str, Any]) -> Array: ...


class Target(NamedTuple):
    """A result: its place in memory, its shape and dtype; where ``over`` is given it is part of the array there.

    ``start``: its first element in that array, which has ``length`` elements; None: it is the whole array.
    """

    place: int
    shape: tuple[int, ...]
    dtype: Any
    over: int | None = None
    start: int | None = None
    length: int = 0

    def array(self, memory: list[Any], device: Device) -> Array:
        """The array to write into."""
        if self.over is None:
            return device.empty(self.shape, self.dtype)
        if memory[self.over] is None:
            memory[self.over] = device.empty((self.length,), self.dtype)
        if self.start is None:
            return memory[self.over]
        return memory[self.over][self.start : self.start + prod(self.shape)].reshape(self.shape)
