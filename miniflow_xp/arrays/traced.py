"""Traced arrays: what a function is handed in place of arrays, while it is differentiated or recorded."""

import operator
from collections.abc import Callable, Iterator
from typing import Any

from miniflow_xp.arrays.equations import CONSTANT, RECORDED, STALE, open_levels
from miniflow_xp.arrays.refusals import contents_wanted, gradient_lost, leaves_namespace, stale


class Traced:
    """An array that remembers what computed it.

    ``array`` is what stands for it one level below: an array of the library, or another traced one. ``level`` is the
    number of the differentiation, or of the recording, that it takes part in; 0 for a constant. ``equation`` is the
    call that made it, ``place`` which of its results it is. ``xp`` is its namespace.

    ``source`` says which array's memory it shows, and how it was made; ``views`` are those that show its own;
    ``memory`` is the library's array in that memory, where it has either.
    """

    __slots__ = ("__weakref__", "array", "equation", "level", "memory", "place", "source", "views", "xp")
    __array_ufunc__ = None  # NumPy's arrays leave `array + traced` to us

    def __init__(self, array: Any, level: int, equation: Any, place: Any, xp: Any) -> None:
        self.array = array
        self.level = level
        self.equation = equation
        self.place = place
        self.xp = xp
        self.source: Any = None
        self.views: dict[int, Any] | None = None
        self.memory: Any = None

    def __array_namespace__(self, *, api_version: str | None = None) -> Any:
        return self.xp

    # -- what may always be looked at

    @property
    def shape(self) -> tuple[int, ...]:
        array = self.array
        return tuple((ground(array) if type(array) is Traced else array).shape)

    @property
    def ndim(self) -> int:
        return len(ground(self).shape)

    @property
    def dtype(self) -> Any:
        array = self.array
        return (ground(array) if type(array) is Traced else array).dtype

    @property
    def size(self) -> int:
        from array_api_compat import size

        found: int = size(ground(self))
        return found

    @property
    def nbytes(self) -> int:
        found: int = ground(self).nbytes
        return found

    @property
    def device(self) -> Any:
        from array_api_compat import device, is_array_api_obj

        array = ground(self)
        return device(array) if is_array_api_obj(array) else None  # where a shape alone stands for it, as JAX records

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of an array without axes")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        if not self.shape:
            raise TypeError("iteration over an array without axes")
        rows: Any = self
        return iter([rows[n, ...] for n in range(self.shape[0])])

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        if self.level == RECORDED:
            return f"<recorded {self.shape} {self.dtype}>"
        return f"<traced {ground(self)!r}>"

    def __format__(self, how: str) -> str:
        """For people: a number in this form, where there is one and it is known."""
        return format(contents(self), how) if how else str(self)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return constant(self, "pickle").__reduce_ex__(protocol)

    # -- contents: may be looked at while Python runs the function, but for what is recorded

    def __bool__(self) -> bool:
        return bool(contents(self))

    def __index__(self) -> int:
        return operator.index(contents(self))

    def __float__(self) -> float:
        return float(number(self, "float()"))

    def __int__(self) -> int:
        return int(number(self, "int()"))

    def __complex__(self) -> complex:
        return complex(number(self, "complex()"))

    def item(self) -> Any:
        return number(self, "item()").item()

    def tolist(self) -> Any:
        return number(self, "tolist()").tolist()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        import numpy as np

        return np.asarray(constant(self, "numpy.asarray() or a function of numpy"), dtype=dtype)

    def __array_function__(self, function: Callable[..., Any], _: Any, args: Any, keywords: Any) -> Any:
        """A function of NumPy's own: it may look at the shape; else it takes constants."""
        name = function.__name__
        if name in ("shape", "ndim", "size") and len(args) == 1 and not keywords:
            return getattr(self, name)
        return function(*[constant(a, f"numpy.{name}") if type(a) is Traced else a for a in args], **keywords)

    def __dlpack__(
        self,
        *,
        stream: Any = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[Any, int] | None = None,
        copy: bool | None = None,
    ) -> Any:
        given = {"stream": stream, "max_version": max_version, "dl_device": dl_device, "copy": copy}
        asked = {name: value for name, value in given.items() if value is not None}  # the rest as the library has it
        return constant(self, "another array library").__dlpack__(**asked)

    def __dlpack_device__(self) -> Any:
        return ground(self).__dlpack_device__()


def ground(item: Any) -> Any:
    """The library's array at the bottom, to look at its shape and dtype; what is not traced as it is."""
    while type(item) is Traced:
        item = item.array
    return item


def contents(item: Any) -> Any:
    """The library's array at the bottom, to look at its contents; what is not traced as it is.

    Raises TraceError where it is recorded.
    """
    array = item
    while type(array) is Traced:
        if array.level == RECORDED:
            raise contents_wanted(f"of a {item.shape} array")
        if array.level == STALE:
            raise stale(array.place)
        array = array.array
    return array


def number(traced: Traced, asked: str) -> Any:
    """The library's array at the bottom, to make Python numbers of it; raises where that loses a gradient."""
    contents(traced)
    return constant(traced, asked)


def constant(traced: Traced, asked: str) -> Any:
    """The library's array at the bottom, for what keeps no gradient; raises where it is being differentiated."""
    array: Any = traced
    while type(array) is Traced:
        if array.level == RECORDED:
            raise leaves_namespace(traced.shape, asked)
        if array.level != CONSTANT and array.level in open_levels:
            raise stale(array.place) if array.level == STALE else gradient_lost(traced.shape, asked)
        array = array.array
    return array


def without_closed_levels(item: Any) -> Any:
    """An array without the levels of differentiations that are over, whose function has left it behind."""
    while type(item) is Traced and item.level not in open_levels:
        item = item.array
    return item
