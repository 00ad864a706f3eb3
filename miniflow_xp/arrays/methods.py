"""Operators, indexing and methods of traced arrays; more of NumPy's are in ``protocols``."""

import operator
from collections.abc import Callable, Sequence
from functools import cache
from numbers import Integral
from typing import Any

from miniflow_xp.arrays.calls import apply, leaves
from miniflow_xp.arrays.libraries import lies_row_by_row
from miniflow_xp.arrays.memory import memory_of
from miniflow_xp.arrays.operators import BINARY, COMPARISONS, UNARY
from miniflow_xp.arrays.refusals import other_bits
from miniflow_xp.arrays.traced import Traced, ground
from miniflow_xp.arrays.writes import is_shown_at, write
from miniflow_xp.dtypes import is_complex
from miniflow_xp.errors import ShapeError
from miniflow_xp.given import SPARSE, wrong_with

Method = Callable[..., Any]


def unary(op: str) -> Method:
    def method(self: Traced) -> Any:
        return apply(op, self.xp, (self,))

    return method


def binary(op: str) -> Method:
    is_known = is_factor if op == "matmul" else is_operand

    def method(self: Traced, other: Any) -> Any:
        if type(other) is not Traced and not is_known(other):
            if type(other) not in (list, tuple):
                return NotImplemented
            other = of_list(self.xp, other)
        return apply(op, self.xp, (self, other))

    return method


def swapped(op: str) -> Method:
    def method(self: Traced, other: Any) -> Any:
        if not is_operand(other):
            if type(other) not in (list, tuple):
                return NotImplemented
            other = of_list(self.xp, other)
        return apply(op, self.xp, (other, self))

    return method


def in_place(op: str) -> Method:
    def method(self: Traced, other: Any) -> Any:
        """As the library does it: its arrays are written to, or the name gets a new array where they never change."""
        new = apply(op, self.xp, (self, other))
        if self.xp.immutable:
            return new
        if new.shape != self.shape:
            raise ShapeError(
                f"{op} in place",
                f"the result is {new.shape}",
                f"the array that is written to is {self.shape}",
                "Write x = x + y, which makes a new array",
            )
        write(self, new if new.dtype == self.dtype else self.xp.astype(new, self.dtype))
        return self

    return method


def is_operand(other: Any) -> bool:
    """Can this be computed with: an array, or a Python number?"""
    kind: Any = type(other)
    return isinstance(other, (int, float, complex)) or (hasattr(other, "dtype") and not answers_itself(kind))


def is_factor(other: Any) -> bool:
    """Can this be multiplied with as a matrix? A sparse one of SciPy's answers itself, as it does on the left."""
    kind: Any = type(other)
    return is_operand(other) and wrong_with(kind) is not SPARSE


@cache
def answers_itself(kind: Any) -> bool:
    """Is this a class that holds arrays, as xarray's do, and computes with traced ones by its own operators?"""
    is_array = hasattr(kind, "__dlpack__") or str(kind.__module__).partition(".")[0] == "numpy"
    return not is_array and getattr(kind, "__array_ufunc__", None) is not None


def of_list(xp: Any, items: Any) -> Any:
    """A list of numbers as an array, in the dtype that it has in NumPy; one of traced arrays as one."""
    import numpy as np

    return xp.asarray(items if leaves(items) else np.asarray(items))


def getitem(self: Traced, key: Any) -> Any:
    return apply("getitem", self.xp, (self, plain_key(self.xp, key)))


def setitem(self: Traced, key: Any, value: Any) -> None:
    """A functional update: this object stands for a new array from now on; what was made from it does not change."""
    key = plain_key(self.xp, key)
    if isinstance(value, (list, tuple)):
        value = self.xp.asarray(value)
    if not is_shown_at(value, self, key):
        write(self, apply("setitem", self.xp, (self, key, value)))


def plain_key(xp: Any, key: Any) -> Any:
    """An index whose slices hold Python integers, and lists of numbers are arrays."""
    if type(key) is tuple:
        return tuple([part if type(part) is int else plain_key(xp, part) for part in key])
    if type(key) is list:
        return xp.asarray(key) if key else xp.asarray(key, dtype=xp.int64)
    if type(key) is slice and Traced in (type(key.start), type(key.stop), type(key.step)):
        return slice(*[part if part is None else operator.index(part) for part in (key.start, key.stop, key.step)])
    return key


def reshape(self: Traced, *shape: Any, **keywords: Any) -> Any:
    first: Any = shape[0] if len(shape) == 1 and isinstance(shape[0], Sequence) else shape
    if keywords:  # order, copy
        import numpy as np

        return np.reshape(self, tuple(first), **keywords)  # which asks us in turn
    return self.xp.reshape(self, tuple(first))


def transpose(self: Traced, *axes: Any) -> Any:
    order: Any = axes[0] if len(axes) == 1 and isinstance(axes[0], Sequence) else axes
    return self.xp.permute_dims(self, tuple(order) or tuple(range(self.ndim))[::-1])


def squeeze(self: Traced, axis: Any = None) -> Any:
    axes = tuple(n for n, size in enumerate(self.shape) if size == 1) if axis is None else axis
    return self.xp.squeeze(self, axis=axes)


def copy(self: Traced) -> Any:
    """The array in memory of its own, where it lies row by row, as NumPy's method has it."""
    rows = self if lies_row_by_row(memory_of(self)) else self.xp.reshape(self.xp.reshape(self, (-1,)), self.shape)
    return self.xp.asarray(rows, copy=True)


def view(self: Traced, *asked: Any, dtype: Any = None) -> Any:
    """The same memory: in another shape, as PyTorch asks for it, or in the dtype that it is in, as NumPy does."""
    if asked and isinstance(asked[0], (Integral, tuple, list)):
        return reshape(self, *asked)
    wanted = asked[0] if asked else dtype
    if wanted is not None and self.dtype != wanted:
        raise other_bits(str(self.dtype), str(wanted))
    return self.xp.astype(self, self.dtype, copy=False)


def real(self: Traced) -> Any:
    return self.xp.real(self) if is_complex(self) else self


def imag(self: Traced) -> Any:
    return self.xp.imag(self) if is_complex(self) else self.xp.zeros_like(self)


def define_methods() -> None:
    """Give ``Traced`` the operators of the standard, and the methods that arrays of most libraries share."""

    def dunder(function: Callable[..., Any]) -> str:
        return function.__name__.rstrip("_")

    for op, function in {**BINARY, "matmul": operator.matmul}.items():
        setattr(Traced, f"__{dunder(function)}__", binary(op))
        setattr(Traced, f"__r{dunder(function)}__", swapped(op))
        setattr(Traced, f"__i{dunder(function)}__", in_place(op))
    for op, function in COMPARISONS.items():
        setattr(Traced, f"__{dunder(function)}__", binary(op))
    for op, function in UNARY.items():
        setattr(Traced, f"__{dunder(function)}__", unary(op))
    members: dict[str, Any] = {
        "__getitem__": getitem,
        "__setitem__": setitem,
        "__hash__": lambda self: id(self),
        "__divmod__": lambda self, other: (self // other, self % other),
        "__rdivmod__": lambda self, other: (other // self, other % self),
        "T": property(lambda self: self.xp.permute_dims(self, tuple(range(self.ndim))[::-1])),
        "mT": property(lambda self: self.xp.matrix_transpose(self)),
        "astype": lambda self, dtype, **keywords: self.xp.astype(self, dtype, **keywords),
        "conj": lambda self: self.xp.conj(self) if is_complex(self) else self,
        "real": property(real),
        "imag": property(imag),
        "reshape": reshape,
        "transpose": transpose,
        "squeeze": squeeze,
        "view": view,
        "copy": copy,
        "__copy__": lambda self: self.xp.asarray(self, copy=True),
        "__deepcopy__": lambda self, _: self.xp.asarray(self, copy=True),
        "to_device": lambda self, device, *, stream=None: self.xp.to_device(self, device, stream=stream),
    }
    for name, member in members.items():
        setattr(Traced, name, member)


define_methods()

__all__ = ["Traced", "ground"]
