"""What is called in place of SciPy's functions where arrays are traced: the table, and how a call gets there."""

import inspect
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from types import FunctionType, MethodType
from typing import Any, NamedTuple, TypeVar

import numpy as np

from miniflow_xp.arrays.calls import leaves
from miniflow_xp.arrays.traced import Traced, ground
from miniflow_xp.checks import shown
from miniflow_xp.errors import DifferentiationError
from miniflow_xp.system.callers import calling_line
from miniflow_xp.transforms.pullback import deepest

Found = TypeVar("Found", bound=Callable[..., Any])

HARMLESS = ("check_finite", "driver", "lapack_driver", "lwork", "copy", "solver", "solver_args", "vectorized")
"""Arguments that say how a result is computed, and not which; beside those that begin with ``overwrite``."""


class Substitute(NamedTuple):
    """``function(xp, …)`` has SciPy's signature after ``xp``, less what is refused where it is given.

    ``arrays``: the arguments that are brought to arrays of floats. ``held``: attributes of the object, of a method,
    that may be traced. ``calls``: is the first argument a function, whose results may be? Then it is given a traced
    array after ``xp``, as the model of dtype and device.
    """

    function: Callable[..., Any]
    arrays: tuple[str, ...]
    held: tuple[str, ...]
    calls: bool


SUBSTITUTES: dict[str, Substitute] = {}
"""By SciPy's names: ``scipy.linalg.solve``, ``scipy.interpolate.PPoly.__call__``."""


def substitute(*names: str, arrays: str = "", held: str = "", calls: bool = False) -> Callable[[Found], Found]:
    """Decorator: what is called in place of these functions of SciPy where an array among the arguments is traced."""

    def enter(function: Found) -> Found:
        for name in names:
            SUBSTITUTES[name] = Substitute(function, tuple(arrays.split()), tuple(held.split()), calls)
        return function

    return enter


class Asked:
    """What a redirected function asks: whether a call is ours."""

    def __init__(self, name: str, entry: Substitute, signature: inspect.Signature) -> None:
        self.name = name
        self.entry = entry
        self.signature = signature
        self.first = next(iter(signature.parameters))
        theirs = list(signature.parameters.values())
        ours = list(inspect.signature(self.entry.function).parameters.values())[2 if self.entry.calls else 1 :]
        self.as_given = takes_any(theirs) and takes_any(ours)
        self.rest = next((p.name for p in theirs if p.kind is p.VAR_KEYWORD), "")
        others = list(signature.parameters) if any(p.kind is p.VAR_KEYWORD for p in ours) else []
        self.known = (*[p.name for p in ours], *others)

    def __call__(self, args: tuple[Any, ...], keywords: dict[str, Any]) -> Callable[[Any], Any] | None:
        """What is called instead, or None where nothing is traced."""
        found = self._traced(args, keywords)
        function = args[0] if args else keywords.get(self.first)
        if not found and self.entry.calls and is_python(function):
            found = kept_by(function)
            if not found:
                return lambda own: self._watched(own, args, keywords)
        return (lambda _: self._run(found, args, keywords)) if found else None

    def _traced(self, args: tuple[Any, ...], keywords: dict[str, Any]) -> list[Traced]:
        items = [*args, *keywords.values()]
        if self.entry.held:
            items += [getattr(args[0], name, None) for name in self.entry.held]
        return leaves(items)

    def _watched(self, own: Any, args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """SciPy's own call, given up as soon as the function that it was given returns a traced array."""
        function = args[0] if args else keywords[self.first]

        def watched(*inner: Any, **named: Any) -> Any:
            value = function(*inner, **named)
            traced = leaves([value])
            if traced:
                raise TracedValue(traced)
            return value

        others = keywords if args else {**keywords, self.first: watched}
        try:
            return own(*([watched, *args[1:]] if args else ()), **others)
        except TracedValue as met:
            traced = met.traced
        return self._run(traced, args, keywords)

    def _run(self, traced: Sequence[Traced], args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        xp, like = deepest(traced), reference(traced)
        first = (xp, like) if self.entry.calls else (xp,)
        if self.as_given:
            return self.entry.function(*first, *args, **keywords)
        given = self.signature.bind(*args, **keywords).arguments
        given |= given.pop(self.rest, {})
        chosen = {}
        for name, value in given.items():
            if name in self.entry.arrays and value is not None:
                chosen[name] = as_array(xp, value, like)
            elif name in self.known:
                chosen[name] = value
            elif not self._means_nothing(name, value):
                raise refused(
                    self.name, f"{name}={shown(value)}", f"it knows {', '.join(self.known)}", f"Leave out {name}"
                )
        return self.entry.function(*first, **chosen)

    def _means_nothing(self, name: str, value: Any) -> bool:
        known = self.signature.parameters.get(name)
        return is_harmless(name) or (known is not None and (value is known.default or is_equal(value, known.default)))


def takes_any(parameters: Sequence[inspect.Parameter]) -> bool:
    """Are there ``*args``, or ``**keywords``, among these?"""
    return any(p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters)


def is_harmless(name: str) -> bool:
    """Does an argument of SciPy's say how a result is computed, and not which?"""
    return name in HARMLESS or name.startswith("overwrite")


def is_python(function: Any) -> bool:
    """Is this a function in Python? Compiled ones know no traced arrays, and SciPy may call them by their address."""
    own = isinstance(function, (FunctionType, MethodType, partial))
    return own or isinstance(getattr(type(function), "__call__", None), FunctionType)  # noqa: B004  of its class


def kept_by(function: Any, depth: int = 3) -> list[Traced]:
    """Traced arrays that a function closes over, or has as defaults; also by way of other functions."""
    kept: list[Any] = []
    if isinstance(function, partial):
        kept = [function.func, *function.args, *function.keywords.values()]
    elif isinstance(function, MethodType):
        kept = [function.__func__, *getattr(function.__self__, "__dict__", {}).values()]
    elif isinstance(function, FunctionType):
        kept = [*cells_of(function), *(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    inner = [t for item in kept if depth for t in kept_by(item, depth - 1)]
    return leaves([*kept, *[v for item in kept if isinstance(item, dict) for v in item.values()]]) + inner


def cells_of(function: FunctionType) -> list[Any]:
    """What a function closes over, as far as it has been assigned yet."""
    found = []
    for cell in function.__closure__ or ():
        with suppress(ValueError):
            found.append(cell.cell_contents)
    return found


class TracedValue(BaseException):
    """A function that SciPy was given returned a traced array; no ``except Exception`` of SciPy's is to stop this."""

    def __init__(self, traced: list[Traced]) -> None:
        super().__init__()
        self.traced = traced


def is_equal(a: Any, b: Any) -> bool:
    """Are two settings the same? Arrays are never."""
    return type(a) is type(b) and not hasattr(a, "dtype") and bool(a == b)


def reference(traced: Sequence[Traced]) -> Traced:
    """The array whose dtype and device others take: the first that is differentiated, else of floats, else any."""
    floats = [t for t in traced if t.xp.inexact(t.dtype)]
    return max(floats, key=lambda t: t.level > 0) if floats else traced[0]


def as_array(xp: Any, x: Any, like: Traced) -> Any:
    """An argument as an array of floats of the library of ``like``; in its dtype, where it comes from elsewhere."""
    if leaves([x]) or type(x).__module__.partition(".")[0] == type(ground(like)).__module__.partition(".")[0]:
        found = xp.asarray(x)
    else:
        host = np.asarray(x)
        dtype = like.dtype if xp.inexact(like.dtype) and host.dtype.kind in "fiub" else None
        found = xp.asarray(host, dtype=dtype, device=like.device)
    if xp.inexact(found.dtype):
        return found
    return xp.astype(found, like.dtype if xp.inexact(like.dtype) else xp.float64)


def as_arrays(xp: Any, *items: Any) -> list[Any]:
    """Arguments, of which one at least is traced, as arrays of floats of its library."""
    like = reference(leaves(items))
    return [as_array(xp, item, like) for item in items]


def column(xp: Any, x: Any, rows: Any) -> Any:
    """One number for each row, in a shape to multiply it with."""
    return xp.reshape(x, (-1, *[1] * (len(rows.shape) - 1)))


def picked(xp: Any, x: Any, places: Any, axis: int = 0) -> Any:
    """x at places that are known here, numbers or NumPy's, along an axis."""
    return xp.take(x, xp.asarray(np.asarray(places), dtype=xp.int64, device=x.device), axis=axis)


def refused(name: str, got: str, expected: str, remedy: str) -> DifferentiationError:
    """The error for a call whose gradient is not known."""
    return DifferentiationError(f"{name}, at {calling_line()}", got, expected, remedy)


def signature_of(member: Any) -> inspect.Signature:
    """The signature of a function; of a method of a class, with the object."""
    return inspect.signature(getattr(member, "__func__", member))
