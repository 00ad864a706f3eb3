"""What einops asks of an array library, for traced arrays. It finds this class by itself, as a subclass of its own."""

from collections.abc import Sequence
from typing import Any

from einops._backends import AbstractBackend

from miniflow_xp.arrays.methods import Traced


class TracedBackend(AbstractBackend):  # type: ignore[misc,unused-ignore]  # it has no types where it is not installed
    """Traced arrays of any library, in functions of their namespace."""

    framework_name = "miniflow_xp"

    def is_appropriate_type(self, tensor: Any) -> bool:
        return type(tensor) is Traced

    def reshape(self, x: Any, shape: Sequence[int]) -> Any:
        return x.xp.reshape(x, tuple(shape))

    def transpose(self, x: Any, axes: Sequence[int]) -> Any:
        return x.xp.permute_dims(x, tuple(axes))

    def reduce(self, x: Any, operation: str, axes: Sequence[int]) -> Any:
        return getattr(x.xp, operation)(x, axis=tuple(axes))

    def stack_on_zeroth_dimension(self, tensors: Sequence[Any]) -> Any:
        return tensors[0].xp.stack(tensors)

    def tile(self, x: Any, repeats: Sequence[int]) -> Any:
        return x.xp.tile(x, tuple(repeats))

    def concat(self, tensors: Sequence[Any], axis: int) -> Any:
        return tensors[0].xp.concat(tensors, axis=axis)

    def add_axis(self, x: Any, new_position: int) -> Any:
        return x.xp.expand_dims(x, axis=new_position)

    def is_float_type(self, x: Any) -> bool:
        return bool(x.xp.inexact(x.dtype))

    def einsum(self, pattern: str, *x: Any) -> Any:
        return x[0].xp.einsum(pattern, *x)
