"""What a capture depends on of its arguments, and Python numbers among them as arrays."""

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import miniflow_xp.dtypes as dtypes
from miniflow_xp.arrays.traced import Traced
from miniflow_xp.backend import Backend
from miniflow_xp.given import check_kind
from miniflow_xp.switch import backend_of, get_backend, library_name, load
from miniflow_xp.transforms.pullback import as_array

READERS: dict[type, Callable[[Any], Hashable]] = {}
"""{class of arrays: what a capture depends on of one of them}: filled when the first one is met."""

KNOWN: set[type] = set()
"""The classes of READERS."""

REAL = {"complex64": "float32", "complex128": "float64"}
COMPLEX = {real: name for name, real in REAL.items()}


def known(arrays: Sequence[Any]) -> bool:
    """Are these arrays, of classes whose signature can be read?"""
    return KNOWN.issuperset(map(type, arrays))


def know(arrays: Sequence[Any]) -> None:
    """Enter the classes of these arrays among those whose signature can be read."""
    for array in arrays:
        if type(array) not in READERS:
            check_kind("an argument", array)
            READERS[type(array)] = reader(type(array), library_name(array))
    KNOWN.update(READERS)


def reader(kind: type, library: str) -> Callable[[Any], Hashable]:
    """What reads the signature of arrays of this class; where they may lie at several places, that belongs to it."""
    if library in ("numpy", "strict"):
        return lambda array: (kind, array.shape, array.dtype)
    place = load(library).place
    return lambda array: (kind, array.shape, array.dtype, place(array))


def is_array(leaf: Any) -> bool:
    """Is this an array, rather than something else that a function takes or gives?"""
    return type(leaf) is Traced or (hasattr(leaf, "dtype") and hasattr(leaf, "shape"))


def is_followed(leaf: Any) -> bool:
    """Does this stand for others in a transform of another library's own?"""
    return is_array(leaf) and load(library_name(leaf)).follows(leaf)


def as_arrays(leaves: Sequence[Any]) -> Sequence[Any]:
    """The leaves with Python numbers as arrays: of the library, and as wide as the floats, that they come with.

    So that a float narrows or widens nothing, as in plain code; a whole number stays one.
    """
    arrays = [leaf for leaf in leaves if is_array(leaf)]
    if len(arrays) == len(leaves):
        return leaves
    backend = backend_of(arrays) if arrays else get_backend()
    names = {dtypes.name_of(array) for array in arrays}
    real = dtypes.widest({REAL.get(name, name) for name in names} & set(dtypes.FLOATS)) or backend.default_float
    return [leaf if is_array(leaf) else number_as_array(leaf, backend, real) for leaf in leaves]


def number_as_array(number: Any, backend: Backend, real: str) -> Any:
    """A Python number as an array; raises DifferentiationError for anything else."""
    import numpy as np

    if isinstance(number, float):
        return backend.asarray(np.asarray(number), real)
    if isinstance(number, complex):
        return backend.asarray(np.asarray(number), COMPLEX.get(real))
    if isinstance(number, int):
        return backend.asarray(np.asarray(number), None)
    return as_array(number, "Name its position in static_argnums, or close over it: jit(lambda x: f(x, it))")
