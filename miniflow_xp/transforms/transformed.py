"""What a transformation makes of a function: called in its place, bound to an object as a method, pickled, copied."""

import sys
from collections.abc import Callable
from functools import reduce, wraps
from numbers import Integral
from types import MethodType
from typing import Any


class Transformed:
    """A function made of another one, whose name, docstring and signature it shows.

    ``settings``: what it was made with besides. It is pickled by these and the function, which pickle finds by name; by
    that name alone where it has taken it, as a decorator does.
    """

    def __init__(self, function: Callable[..., Any], *settings: Any) -> None:
        wraps(function)(self)
        self.function = function
        self.settings = settings

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        raise NotImplementedError

    def __get__(self, instance: Any, _: Any = None) -> Any:
        """Itself as a method of the object it is asked for, as any function in a class."""
        return self if instance is None else MethodType(self, instance)

    def __reduce__(self) -> str | tuple[Any, ...]:
        name = getattr(self, "__qualname__", "")
        return name if self is found_by_name(self.__module__, name) else (type(self), (self.function, *self.settings))


def found_by_name(module: str, name: str) -> Any:
    """What a module has under a name, such as ``Class.method``; None where it has nothing there."""
    return reduce(lambda found, part: getattr(found, part, None), name.split("."), sys.modules.get(module))


def as_numbers(argnums: Any) -> Any:
    """Positions as Python's integers, which NumPy's are not."""
    if isinstance(argnums, Integral):
        return argnums if isinstance(argnums, bool) else int(argnums)
    return tuple(map(as_numbers, argnums)) if isinstance(argnums, (list, tuple, range)) else argnums
