"""The namespace that traced arrays carry: the Array API's, whose functions are differentiated or recorded."""

import functools
import inspect
from contextlib import suppress
from types import ModuleType
from typing import Any

from miniflow_xp.arrays.calls import apply, boxed, grounded
from miniflow_xp.arrays.libraries import in_own_form, library_of, name_of_library
from miniflow_xp.arrays.methods import Traced
from miniflow_xp.arrays.operators import BINARY, COMPARISONS, function_of
from miniflow_xp.arrays.protocols.dispatch import define_protocols
from miniflow_xp.arrays.protocols.torch_dispatch import define_torch_protocol
from miniflow_xp.arrays.tables import COMPOSED, LOOKS_ONLY, NATIVE
from miniflow_xp.dtypes import spelled
from miniflow_xp.system.allocation import keep_freed_memory

define_protocols()
define_torch_protocol()

SAME = {  # other names of a function that has a rule
    "linalg.matmul": "matmul",
    "linalg.tensordot": "tensordot",
    "linalg.vecdot": "vecdot",
    "linalg.matrix_transpose": "matrix_transpose",
}
MISSING = object()
"""What a library has under a name that it does not know: None is a value, as ``newaxis`` has it."""


class Namespace(ModuleType):
    """The namespace of an array library with every function in a form that takes traced arrays, and gives them.

    ``library``: its Array API namespace. ``tape``: what records the calls, while a function is recorded. Functions
    that the library lacks are there too (``einsum``, ``special``). It is a module, as some look for.
    ``native(op)`` is what computes a function on the library's arrays; ``inexact(dtype)``: can arrays of it have a
    gradient, as floats and complex numbers have?
    """

    def __init__(self, library: Any, tape: Any = None) -> None:
        super().__init__(f"miniflow_xp.arrays[{name_of_library(library)}]", "Array API functions with gradients.")
        self.library = library
        self.tape = tape
        self.immutable = name_of_library(library) == "jax"
        self.native = functools.cache(lambda op: function_of(op, library))
        self.inexact = functools.cache(lambda dtype: any(kind in spelled(dtype) for kind in ("float", "complex")))

    def __getattr__(self, name: str) -> Any:
        if name in ("linalg", "fft") or any(op.startswith(f"{name}.") for op in (*NATIVE, *COMPOSED)):
            found = Extension(self, name)
        else:
            found = member(self, name, getattr(self.library, name, MISSING), name)
        setattr(self, name, found)
        return found

    def __dir__(self) -> list[str]:
        ours = {op.partition(".")[0] for op in (*NATIVE, *COMPOSED)}
        return sorted({*dir(self.library), *ours})

    def function(self, op: str, of_library: Any) -> Any:
        """What is called by a function's name; ``of_library`` is the library's own."""
        if op in COMPOSED:
            return functools.partial(COMPOSED[op], self)
        if op in LOOKS_ONLY:
            return lambda *args, **keywords: of_library(*grounded(args), **keywords)
        if name_of_library(self.library) == "torch" and (op in BINARY or op in COMPARISONS):
            return lambda *args, **keywords: apply(op, self, promoted(self, args), keywords)
        return lambda *args, **keywords: apply(op, self, args, keywords)

    def __reduce__(self) -> Any:
        return namespace_of_library, (self.library,)


class Extension(ModuleType):
    """An extension of the namespace, such as ``linalg``."""

    def __init__(self, xp: Namespace, name: str) -> None:
        super().__init__(f"{xp.__name__}.{name}")
        self._xp = xp
        self._prefix = name

    def __getattr__(self, name: str) -> Any:
        library = getattr(self._xp.library, self._prefix, None)
        op = f"{self._prefix}.{name}"
        found = member(self._xp, SAME.get(op, op), getattr(library, name, MISSING), op)
        setattr(self, name, found)
        return found

    def __dir__(self) -> list[str]:
        ours = {op.partition(".")[2] for op in (*NATIVE, *COMPOSED) if op.startswith(f"{self._prefix}.")}
        return sorted({*dir(getattr(self._xp.library, self._prefix, None)), *ours})


def member(xp: Namespace, op: str, of_library: Any, name: str) -> Any:
    """What the namespace shows under a name: a function in our form, else what the library has."""
    made = COMPOSED.get(op) or NATIVE.get(op)
    if made is None and of_library is MISSING:
        raise AttributeError(f"{xp.__name__} has no {name!r}")
    if made is None and (not callable(of_library) or isinstance(of_library, type) or name.startswith("__")):
        return of_library  # a dtype, a number such as pi, or what it says of itself
    return dressed(xp.function(op, of_library), made or of_library, skip=1 if made else 0)


def promoted(xp: Namespace, args: Any) -> Any:
    """The operands of a function in the dtype that they have together: PyTorch's operators leave out one without axes.

    Its functions in the Array API's form promote it (section "Type Promotion Rules"); the operators stay PyTorch's.
    """
    dtypes = [getattr(arg, "dtype", None) for arg in args]
    if len(args) != 2 or None in dtypes or dtypes[0] == dtypes[1] or () not in [tuple(arg.shape) for arg in args]:
        return args
    wanted = xp.library.result_type(*grounded(args))
    return [arg if dtype == wanted else xp.astype(arg, wanted) for arg, dtype in zip(args, dtypes, strict=True)]


def dressed(function: Any, model: Any, skip: int = 0) -> Any:
    """``function`` with the name, docstring and signature of ``model``, less its first ``skip`` parameters."""
    functools.update_wrapper(function, model)
    with suppress(ValueError, TypeError):
        signature = inspect.signature(model)
        function.__signature__ = signature.replace(parameters=list(signature.parameters.values())[skip:])
    return function


_namespaces: dict[Any, Namespace] = {}


def namespace_of_library(library: Any) -> Namespace:
    """The namespace of a library's arrays while they are differentiated; the same object for the same library."""
    found = _namespaces.get(library)
    if found is None:
        own = in_own_form(library)
        made = Namespace(library) if own is library else namespace_of_library(own)
        found = _namespaces.setdefault(library, made)
        keep_freed_memory()
    return found


def namespace_of(array: Any) -> Namespace:
    """The namespace of an array, traced or not."""
    found: Namespace = array.xp if type(array) is Traced else namespace_of_library(library_of(array))
    return found


def functions_of(array: Any) -> Any:
    """The functions for an array as it is: ours for a traced one, its library's own for another."""
    return array.xp if type(array) is Traced else namespace_of(array).library


def constant(array: Any) -> Any:
    """An array as a constant of its namespace, so that functions on it are ours; a traced one as it is."""
    return array if type(array) is Traced else boxed(array, namespace_of(array))
