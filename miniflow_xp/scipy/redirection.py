"""A function of another package that asks ours first: its code is exchanged, and put back. The object stays the same.

So everybody is reached who holds the function, also by a name that was imported before, or as a bound method.
"""

import inspect
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType
from typing import Any

Ask = Callable[[tuple[Any, ...], dict[str, Any]], Callable[[Callable[..., Any]], Any] | None]
"""``ask(args, keywords)``: None, where the function runs as ever, or what is called instead, with the function."""


class Redirection:
    """After ``begin`` a call of ``function`` asks ``ask`` first, until ``end`` puts everything back."""

    def __init__(self, function: FunctionType, ask: Ask) -> None:
        self.function = function
        self.ask = ask
        self._signature = None if has_signature(function) else inspect.signature(function)
        self._code = function.__code__
        self._asking = asking(self._code, ask, copy_of(function))

    def begin(self) -> None:
        if self.function.__code__ is not self._code:  # somebody else has exchanged it since
            self._code = self.function.__code__
            self._asking = asking(self._code, self.ask, copy_of(self.function))
        if self._signature is not None:
            self.function.__signature__ = self._signature  # type: ignore[attr-defined]
        self.function.__code__ = self._asking

    def end(self) -> None:
        self.function.__code__ = self._code
        if self._signature is not None:
            del self.function.__signature__  # type: ignore[attr-defined]


def has_signature(function: FunctionType) -> bool:
    """Does the function say its signature in another way than by its code?"""
    return "__signature__" in vars(function) or hasattr(function, "__wrapped__")


def copy_of(function: FunctionType) -> FunctionType:
    """Another function with the same code, defaults and closure."""
    copied = FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    copied.__kwdefaults__ = function.__kwdefaults__
    return copied


def asking(code: CodeType, ask: Ask, own: FunctionType) -> CodeType:
    """The code of a function that asks; it stands for ``code``, whose name and number of free variables it has."""
    made = FREE[len(code.co_freevars)] if len(code.co_freevars) in FREE else with_free(len(code.co_freevars))
    given: dict[Any, Any] = {"ask": ask, "own": own}
    constants = tuple([given.get(c, c) if isinstance(c, str) else c for c in made.co_consts])
    return made.replace(
        co_consts=constants,
        co_name=code.co_name,
        co_qualname=code.co_qualname,
        co_filename=code.co_filename,
        co_firstlineno=code.co_firstlineno,
    )


FREE: dict[int, CodeType] = {}


def with_free(count: int) -> CodeType:
    """The code of a function that asks, with so many free variables, as Python wants of a code that is exchanged."""
    names = ", ".join(f"free{n}" for n in range(count))
    source = f"""
def outer({names}):
    def call(*args, **keywords):
        ask = "ask"
        own = "own"
        found = ask(args, keywords)
        return own(*args, **keywords) if found is None else found(own)
        {names}
    return call
"""
    made: dict[str, Any] = {}
    exec(source, made)
    FREE[count] = made["outer"](*range(count)).__code__
    return FREE[count]


def functions_of(member: Any) -> Iterator[FunctionType]:
    """The functions in Python that a member of a module or class is made of: what it wraps, too."""
    member = inspect.unwrap(member, stop=lambda f: isinstance(f, FunctionType))
    function = getattr(member, "__func__", member)
    while isinstance(function, FunctionType):
        yield function
        function = getattr(function, "__wrapped__", None)
