"""A function of NumPy's for arrays of every library: the way that its arguments and results take."""

from collections.abc import Callable, Sequence
from functools import wraps
from types import ModuleType
from typing import Any

import numpy as np
from array_api_compat import is_array_api_obj

from miniflow_xp.arrays.calls import grounded
from miniflow_xp.arrays.libraries import name_of_library
from miniflow_xp.arrays.namespace import Namespace, constant
from miniflow_xp.arrays.traced import Traced
from miniflow_xp.switch import get_backend
from miniflow_xp.transforms.trees import tree_map

Function = Callable[..., Any]

PLAIN = {bool, int, float, complex, str, type(None)}
"""Classes of what no array is in: long lists of numbers are gone through at once."""

OF_SEQUENCES = {
    "block",
    "broadcast_arrays",
    "choose",
    "column_stack",
    "concat",
    "concatenate",
    "dstack",
    "einsum",
    "hstack",
    "lexsort",
    "meshgrid",
    "multi_dot",
    "piecewise",
    "select",
    "stack",
    "vstack",
}
"""Functions that take sequences of arrays: these stay lists, and each item is an array."""


def opened(member: Any) -> Any:
    """A member of NumPy's namespace for arrays of every library; classes, modules and numbers are NumPy's own."""
    if isinstance(member, (type, ModuleType)) or not callable(member):
        return member
    return through(member)


def through(function: Function, ours: Function | None = None) -> Function:
    """A function of NumPy's: its own for NumPy's arrays; for others ``ours``, or by their ``__array_function__``."""
    of_sequences = function.__name__ in OF_SEQUENCES

    @wraps(function)
    def found(*args: Any, **keywords: Any) -> Any:
        arrays = arrays_in([*args, *keywords.values()])
        if all(isinstance(a, (np.ndarray, np.generic)) for a in arrays):
            value = function(*args, **keywords)
            return value if arrays else placed(value)
        if ours is not None:
            value = ours(*args, **keywords)
        else:
            named = {name: as_known(item, of_sequences) for name, item in keywords.items()}
            value = function(*[as_known(a, of_sequences) for a in args], **named)
        return like_given(value, arrays)

    return found


def like_given(value: Any, arrays: Sequence[Any]) -> Any:
    """A result as it is where an argument was traced; else with the libraries' own arrays."""
    return value if any(type(a) is Traced for a in arrays) else tree_map(grounded, value)


def arrays_in(items: Sequence[Any]) -> list[Any]:
    """The arrays among these, also in lists and tuples."""
    if PLAIN.issuperset(map(type, items)):
        return []
    found = []
    for item in items:
        if isinstance(item, (list, tuple)):
            found += arrays_in(item)
        elif is_array(item):
            found.append(item)
    return found


def is_array(item: Any) -> bool:
    """Is this an array of any library, or a traced one? Others, such as xarray's, answer NumPy themselves."""
    if type(item) is Traced or isinstance(item, (np.ndarray, np.generic)):
        return True
    return is_array_api_obj(item) and not isinstance(item, type)


def as_known(item: Any, of_sequences: bool) -> Any:
    """An argument that NumPy hands on to us: other libraries' arrays as constants, lists of arrays as arrays."""
    if is_array(item):
        return item if isinstance(item, (np.ndarray, np.generic)) else constant(item)
    if not isinstance(item, (list, tuple)) or not arrays_in(item):
        return item
    if of_sequences:
        return type(item)([as_known(part, False) for part in item])
    return as_one(item)


def as_one(items: Any) -> Any:
    """An array, or nested lists of arrays and numbers, as one array."""
    xp = namespace_among([items])

    def part(x: Any) -> Any:
        if isinstance(x, np.generic):  # it mixes with arrays of any library, as Python's numbers do
            return x.item() if name_of_library(xp.library) != "numpy" else constant(x)
        return constant(x) if is_array(x) else x

    return xp.asarray(tree_map(part, items))


def namespace_among(items: Any) -> Namespace:
    """The namespace of the traced arrays, or of those of other libraries, among these."""
    arrays = arrays_in(items)
    others = [a for a in arrays if not isinstance(a, (np.ndarray, np.generic))]
    traced = [constant(a) for a in others or arrays]
    found: Namespace = max(traced, key=lambda a: a.level).xp
    return found


def placed(value: Any) -> Any:
    """What a function made of no arrays, as an array of the backend in use."""
    backend = get_backend()
    if backend.name == "numpy" or not isinstance(value, np.ndarray):
        return value
    return backend.asarray(value)
