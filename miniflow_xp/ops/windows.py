"""Windows over the axes of space: what convolution and pooling have in common, and both of them."""

from collections.abc import Sequence
from itertools import product
from math import ceil
from typing import Any, NamedTuple, TypeAlias

from miniflow_xp.arrays.libraries import device_of
from miniflow_xp.backend import Array, Namespace
from miniflow_xp.broadcasting import shape_of
from miniflow_xp.checks import shown, whole
from miniflow_xp.dtypes import as_wide_as, wide
from miniflow_xp.errors import SettingError, ShapeError
from miniflow_xp.node import Node, Operand

Numbers: TypeAlias = int | Sequence[int]
"""One number for all axes of space, or one for each."""

Padding: TypeAlias = str | int | Sequence[int]
"""``"valid"``: none; ``"same"``: as many places as size / stride, rounded up; or how much on both sides."""


class Windows(NamedTuple):
    """How windows lie: their size, the steps between them, what is added around, the steps inside of them."""

    size: Numbers
    stride: Numbers = 1
    padding: Padding = "valid"
    dilation: Numbers = 1
    ndim: int | None = None
    """Of how many axes space is made, where it is not any."""

    @classmethod
    def of(
        cls, where: str, axes: int | None, size: Any, stride: Any = 1, padding: Any = "valid", dilation: Any = 1
    ) -> "Windows":
        """From a user's settings, for this many axes of space, or any; raises SettingError."""
        if axes is None and isinstance(size, tuple | list):
            axes = len(size)
        if not isinstance(padding, str):
            padding = numbers(padding, axes, f"{where}, padding", 0)
        elif padding not in ("valid", "same"):
            raise SettingError(
                f"{where}, padding", f"it is {shown(padding)}", "it is 'valid', 'same', or a number", "Write 'same'"
            )
        size, stride, dilation = (
            numbers(given, axes, f"{where}, {name}", 1)
            for name, given in (("size", size), ("stride", stride), ("dilation", dilation))
        )
        return cls(size, stride, padding, dilation, axes)

    def axes(self, space: Sequence[int]) -> list["AxisWindows"]:
        """How they lie on each axis of space."""
        columns = [each(n, len(space)) for n in (self.size, self.stride, self.dilation)]
        around = [self.padding] * len(space) if isinstance(self.padding, str) else each(self.padding, len(space))
        return [AxisWindows.of(*axis) for axis in zip(space, *columns, around, strict=True)]

    def check(self, node: Node, x: Array, channels: int | None = None) -> None:
        """Raise ShapeError unless windows lie in x, which has these channels."""
        shape = shape_of(x)
        axes = self.ndim or max(len(shape) - 2, 1)
        if len(shape) != 2 + axes or channels not in (None, shape[1]):
            raise ShapeError(
                str(node),
                f"x is {shape}",
                f"it is (n, {'channels' if channels is None else channels}, …), then {axes} of space",
                "Move the channels to the second axis: xp.moveaxis(x, -1, 1)",
            )
        if any(axis.number < 1 for axis in self.axes(shape[2:])):
            raise ShapeError(
                str(node),
                f"x is {shape}",
                f"a window of {self.size} lies in it",
                "Make windows smaller, or add padding",
            )

    def over(self, xp: Namespace, x: Array, fill: float = 0.0) -> Array:
        """(n, c, *space) to (n, c, windows' places, *windows): at each place what lies there in every window."""
        axes = self.axes(shape_of(x)[2:])
        for n, axis in enumerate(axes, 2):
            x = padded(xp, x, n, axis, fill)
        places = product(*[range(axis.size) for axis in axes])
        keys = [tuple([axis.at(n) for axis, n in zip(axes, place, strict=True)]) for place in places]
        return xp.stack([x[(..., *key)] for key in keys], axis=2)


class AxisWindows(NamedTuple):
    """Windows on one axis: their size and steps; what is added before and after it; how many there are."""

    size: int
    stride: int
    dilation: int
    before: int
    after: int
    number: int

    @classmethod
    def of(cls, length: int, size: int, stride: int, dilation: int, around: Any) -> "AxisWindows":
        """On an axis of this length."""
        span = (size - 1) * dilation + 1
        missing = max((ceil(length / stride) - 1) * stride + span - length, 0) if around == "same" else 0
        before = missing // 2 if isinstance(around, str) else around
        after = missing - before if isinstance(around, str) else around
        return cls(size, stride, dilation, before, after, (before + length + after - span) // stride + 1)

    def at(self, place: int) -> slice:
        """What lies at a place in every window."""
        first = place * self.dilation
        return slice(first, first + (self.number - 1) * self.stride + 1, self.stride)


class Convolution(Node):
    """Σ x · W over windows, + b; x is (n, c, *space), W (c, *size, k), b (k,), the result (n, k, *windows).

    The kernel is not turned around, as everywhere in the field: it is a correlation.
    """

    takes_numbers = False

    def __init__(self, x: Operand, W: Operand, *b: Operand, windows: Windows, name: str | None = None) -> None:
        super().__init__([x, W, *b], name)
        self.windows = windows

    def check(self, x: Array, W: Array, *b: Array) -> None:
        self.windows.check(self, x, shape_of(W)[0])

    def compute(self, xp: Namespace, x: Array, W: Array, *b: Array) -> Array:
        kernel = xp.reshape(W, (shape_of(W)[0], -1, shape_of(W)[-1]))
        result = xp.tensordot(self.windows.over(xp, x), kernel, axes=((1, 2), (0, 1)))
        return xp.moveaxis(result + b[0] if b else result, -1, 1)


class MaxPooling(Node):
    """The largest element of each window; x is (n, c, *space), the result (n, c, *windows).

    Where several are largest, each has an equal share of the gradient.
    """

    takes_numbers = False

    def __init__(self, x: Operand, windows: Windows, name: str | None = None) -> None:
        super().__init__([x], name)
        self.windows = windows

    def check(self, x: Array) -> None:
        self.windows.check(self, x)

    def compute(self, xp: Namespace, x: Array) -> Array:
        return xp.max(self.windows.over(xp, x, float("-inf")), axis=2)


class MeanPooling(MaxPooling):
    """The mean of each window, of what is in x alone; x is (n, c, *space), the result (n, c, *windows)."""

    def compute(self, xp: Namespace, x: Array) -> Array:
        inside = wide(xp, x)
        count = xp.sum(self.windows.over(xp, xp.ones_like(inside[:1, :1, ...])), axis=2)
        return as_wide_as(xp, xp.sum(self.windows.over(xp, inside), axis=2) / count, x)


def padded(xp: Namespace, x: Array, axis: int, lie: AxisWindows, fill: float) -> Array:
    """x with as many elements before and after an axis as the windows need."""
    if not lie.before and not lie.after:
        return x

    def border(size: int) -> Array:
        shape = (*shape_of(x)[:axis], size, *shape_of(x)[axis + 1 :])
        return xp.full(shape, fill, dtype=x.dtype, device=device_of(x))

    return xp.concat([border(lie.before), x, border(lie.after)], axis=axis)


def numbers(given: Any, axes: int | None, where: str, least: int) -> Numbers:
    """A whole number, or one for each axis; raises SettingError."""
    if not isinstance(given, tuple | list):
        return whole(given, where, least)
    if len(given) != axes or not given:
        wanted = "one number, as the size is" if axes is None else f"one number, or {axes}: one for each axis"
        raise SettingError(where, f"it is {shown(given)}", f"it is {wanted}", "Give one number")
    return tuple([whole(n, where, least) for n in given])


def each(given: Numbers, axes: int) -> Sequence[int]:
    """A number for each axis."""
    return [given] * axes if isinstance(given, int) else given
