"""Where NumPy asks a traced array what to do: with a ufunc, and with any other of its functions.

The tables are filled when it first asks: most code takes its functions from the namespace.
"""

from collections.abc import Callable
from functools import cache
from inspect import signature
from sys import maxsize
from typing import Any

from miniflow_xp.arrays.calls import apply
from miniflow_xp.arrays.methods import of_list
from miniflow_xp.arrays.protocols.arguments import in_kind
from miniflow_xp.arrays.protocols.tables import OPERATIONS, REFUSED, Entry
from miniflow_xp.arrays.refusals import no_masked_call, no_out, refused
from miniflow_xp.arrays.traced import Traced, constant

QUICK: dict[Any, str] = {}
"""Ufuncs, as objects, that are functions of the standard; entered when they are first met."""

SIMPLE = {Traced, int, float, complex, bool}
"""Types of arguments that need nothing done to them; NumPy's own are entered likewise."""

IGNORED = ("casting", "order", "subok")
"""Keywords that say how memory is laid out, or what is allowed; the values are the same."""


def array_ufunc(self: Traced, ufunc: Any, method: str, *inputs: Any, **keywords: Any) -> Any:
    """A ufunc of NumPy, as ours of this name; ``array + traced`` comes here, too, and has to be quick."""
    op = QUICK.get(ufunc)
    if op is not None and method == "__call__" and not keywords:
        for item in inputs:
            if type(item) not in SIMPLE:
                break
        else:
            return apply(op, self.xp, inputs)
    return any_ufunc(self, ufunc, method, inputs, keywords)


def any_ufunc(traced: Traced, ufunc: Any, method: str, inputs: Any, keywords: dict[str, Any]) -> Any:
    """A ufunc with arguments, and methods, of any kind; NotImplemented where another type of array should answer."""
    from miniflow_xp.arrays.protocols.entries import UFUNCS
    from miniflow_xp.arrays.protocols.methods_of_ufuncs import METHODS

    if not all(map(is_known, inputs)):
        return NotImplemented
    xp, name = traced.xp, ufunc.__name__
    out = result_wanted(f"np.{name}", keywords.pop("out", None))
    keywords = {key: value for key, value in keywords.items() if key not in IGNORED}
    if method != "__call__":
        if method == "at":
            return METHODS[method](xp, ufunc, *inputs, **keywords)
        return delivered(METHODS[method](xp, ufunc, *lifted(xp, inputs), **keywords), out)
    if keywords.pop("where", True) is not True:
        raise no_masked_call(name)
    if (dtype := keywords.pop("dtype", None)) is not None:
        inputs = [in_kind(xp, item, dtype) for item in inputs]
    inputs = lifted(xp, inputs)
    if name in OPERATIONS:
        QUICK[ufunc] = OPERATIONS[name]
        return delivered(apply(OPERATIONS[name], xp, inputs, keywords), out)
    if name in UFUNCS:
        return delivered(UFUNCS[name].call(xp, *inputs, **keywords), out)
    return delivered(on_constants(ufunc, name, inputs, keywords), out)


def is_known(item: Any) -> bool:
    """Is this an argument for us: a number, a list, an array of a library? Or does its type answer for itself?"""
    import numpy as np

    SIMPLE.update((np.ndarray, np.float64, np.float32, np.int64))
    if type(item) in SIMPLE or isinstance(item, (list, tuple, np.ndarray, np.generic)):
        return True
    return not hasattr(item, "__array_ufunc__") or hasattr(item, "__dlpack__")


def lifted(xp: Any, inputs: Any) -> list[Any]:
    """Arguments with lists of numbers as arrays."""
    return [of_list(xp, item) if isinstance(item, (list, tuple)) else item for item in inputs]


def array_function(self: Traced, function: Callable[..., Any], _: Any, args: Any, keywords: dict[str, Any]) -> Any:
    """A function of NumPy, as ours of this name; one that has none takes constants."""
    name, entry, place = known(function)
    if entry is None:
        return on_constants(function, name, args, keywords)
    return called(self.xp, name, entry, place, args, keywords)


def called(xp: Any, name: str, entry: Entry, place: int, args: Any, keywords: dict[str, Any]) -> Any:
    """The result of an entry; written to ``out`` where that is given."""
    out = None
    if len(args) > place:
        out, args = args[place], (*args[:place], None, *args[place + 1 :])
    elif "out" in keywords:
        keywords = dict(keywords)
        out = keywords.pop("out")
    out = result_wanted(f"np.{name}", out)
    return delivered(entry.call(xp, *args, **keywords), out)


@cache
def known(function: Callable[..., Any]) -> tuple[str, Entry | None, int]:
    """A function's name, its entry, and the place of ``out`` among its arguments."""
    name = f"{function.__module__}.{function.__name__}".removeprefix("numpy.")
    entry, place = found(name)
    return name, entry, place


@cache
def found(name: str) -> tuple[Entry | None, int]:
    """The entry of a name, and the place of ``out`` among its arguments."""
    from miniflow_xp.arrays.protocols.entries import FUNCTIONS

    entry = FUNCTIONS.get(name)
    return entry, maxsize if entry is None else place_of_out(entry)


def place_of_out(entry: Entry) -> int:
    """The place of ``out`` among the positional arguments; one that no argument has, where it is none of them."""
    parameters = list(signature(entry.call).parameters.values())[1:]
    places = [n for n, p in enumerate(parameters) if p.name == "out" and p.kind is p.POSITIONAL_OR_KEYWORD]
    return places[0] if places else maxsize


def result_wanted(function: str, out: Any) -> Any:
    """The traced array that a result is to be written to, if any; raises where it is one of NumPy's."""
    found = out[0] if isinstance(out, tuple) and len(out) == 1 else out
    if found is None or type(found) is Traced:
        return found
    raise no_out(function)


def delivered(value: Any, out: Any) -> Any:
    """The value; written to ``out`` where that is given."""
    if out is None or value is NotImplemented:
        return value
    out[...] = value
    return out


def on_constants(function: Callable[..., Any], name: str, args: Any, keywords: dict[str, Any]) -> Any:
    """NumPy's own result, of constants; raises where an array is differentiated, or recorded."""
    reason = REFUSED.get(name)

    def plain(item: Any) -> Any:
        if type(item) is Traced:
            if reason is not None and item.level > 0:
                raise refused(f"np.{name}", item.shape, *reason)
            return constant(item, f"np.{name}")
        return type(item)(map(plain, item)) if type(item) in (list, tuple) else item

    return function(*map(plain, args), **{key: plain(item) for key, item in keywords.items()})


def method_of(name: str, at: int = 0) -> Callable[..., Any]:
    """NumPy's function of this name as a method of its first argument, or of that ``at`` this place."""

    def method(self: Traced, *args: Any, **keywords: Any) -> Any:
        entry, place = found(name)
        assert entry is not None
        return called(self.xp, name, entry, place, (*args[:at], self, *args[at:]), keywords)

    return method


def in_place(name: str) -> Callable[..., Any]:
    """NumPy's function of this name as a method that writes its result into the array."""
    result = method_of(name)

    def method(self: Any, *args: Any, **keywords: Any) -> None:
        self[...] = result(self, *args, **keywords)

    return method


def flatten(self: Any, order: str = "C") -> Any:
    """A copy in one row: where a write to it is not seen by the array."""
    return self.xp.asarray(method_of("ravel")(self, order), copy=True)


def fill(self: Any, value: Any) -> None:
    """Write one value everywhere."""
    self[...] = value


METHODS_OF_ARRAYS = """
    all any argmax argmin argsort choose clip cumprod cumsum diagonal dot max mean min nonzero prod put repeat
    round searchsorted std sum swapaxes take trace var
"""


def define_protocols() -> None:
    """Give ``Traced`` what NumPy asks for, and the methods of its arrays."""
    members: dict[str, Any] = {
        "__array_ufunc__": array_ufunc,
        "__array_function__": array_function,
        "compress": method_of("compress", at=1),
        "conjugate": lambda self: self.conj(),
        "fill": fill,
        "flat": property(lambda self: iter(self.flatten())),
        "flatten": flatten,
        "itemsize": property(lambda self: self.dtype.itemsize),
        "partition": in_place("partition"),
        "ravel": method_of("ravel"),
        "sort": in_place("sort"),
        **{name: method_of(name) for name in METHODS_OF_ARRAYS.split()},
    }
    for name, member in members.items():
        setattr(Traced, name, member)
