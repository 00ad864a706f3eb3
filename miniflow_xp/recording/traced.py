"""Traced arrays: what a rule is handed while it is recorded, in place of arrays."""

import operator
from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from miniflow_xp.recording.equations import Value, flat
from miniflow_xp.recording.operators import BINARY, COMPARISONS, UNARY
from miniflow_xp.recording.refusals import TraceError, contents_wanted, wrong_index

Apply = Callable[[str, tuple[Any, ...], dict[str, Any]], Any]
"""``apply(op, arguments, keywords)``: compute a call and write it down."""


class Traced:
    """What a rule sees while it is recorded: it has a shape and a dtype, but no contents to look at."""

    __slots__ = ("__weakref__", "_apply", "_array", "_value")
    __array_ufunc__ = None  # NumPy's own functions are not recorded

    def __init__(self, apply: Apply, value: Value, array: Any) -> None:
        self._apply = apply
        self._value = value
        self._array = array

    @property
    def shape(self) -> tuple[int, ...]:
        return self._value.shape

    @property
    def ndim(self) -> int:
        return len(self._value.shape)

    @property
    def dtype(self) -> Any:
        return self._value.dtype

    @property
    def size(self) -> int:
        return prod(self._value.shape)

    @property
    def device(self) -> Any:
        from array_api_compat import device

        return device(self._array)

    def __len__(self) -> int:
        return self._value.shape[0]

    def __bool__(self) -> bool:
        raise contents_wanted(f"of a {self.shape} array")

    __float__ = __int__ = __index__ = __bool__  # none has contents

    def __iter__(self) -> Any:
        raise TraceError(
            "a recorded rule",
            f"it goes through the rows of a {self.shape} array",
            "an array is computed with as a whole",
            "Work along an axis, or take a row by x[0, ...]",
        )

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TraceError(
            "a recorded rule",
            f"it gives a {self.shape} array to a function outside of xp",
            "only functions of xp, and operators, are recorded",
            "Take the function from xp",
        )

    __array_function__ = __array__  # np.sum and others

    def __getitem__(self, key: Any) -> Any:
        keys = key if isinstance(key, tuple) else (key,)
        if any(isinstance(k, Traced) or (hasattr(k, "dtype") and k.dtype != bool) for k in keys):
            if len(keys) == 1 and not (isinstance(key, Traced) and "bool" in str(key.dtype)):
                return self._apply("getitem", (self, key), {})
            raise wrong_index(keys)
        return self._apply("getitem", (self, key), {})

    def __hash__(self) -> int:
        return id(self._value)


def _dunder(function: Callable[..., Any]) -> str:
    return function.__name__.rstrip("_")


def _unary(name: str) -> Callable[[Traced], Any]:
    return lambda self: self._apply(name, (self,), {})


def _binary(name: str, swapped: bool = False) -> Callable[[Traced, Any], Any]:
    def method(self: Traced, other: Any) -> Any:
        pair = (other, self) if swapped else (self, other)
        return self._apply(name, pair, {})

    return method


for _name, _function in {**BINARY, "matmul": operator.matmul}.items():
    setattr(Traced, f"__{_dunder(_function)}__", _binary(_name))
    setattr(Traced, f"__r{_dunder(_function)}__", _binary(_name, swapped=True))
for _name, _function in COMPARISONS.items():
    setattr(Traced, f"__{_dunder(_function)}__", _binary(_name))
for _name, _function in UNARY.items():
    setattr(Traced, f"__{_dunder(_function)}__", _unary(_name))


def holds_traced(item: Any) -> bool:
    """Is this a list with traced arrays in it?"""
    return isinstance(item, (list, tuple)) and any(isinstance(i, Traced) for i in item)


def traced(args: Sequence[Any]) -> list[Traced]:
    """The traced arrays among the arguments of a call, including those in lists."""
    return flat(args, Traced)


def array_of(item: Any) -> Any:
    """An argument of a call, as the library's function takes it."""
    if isinstance(item, Traced):
        return item._array  # noqa: SLF001  Traced shows a rule no contents, us it does
    return [array_of(i) for i in item] if holds_traced(item) else item
