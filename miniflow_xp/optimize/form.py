"""Parameters as one vector: a tree of arrays, raveled, on the device and, as float64, on the host."""

from collections.abc import Iterator
from math import prod
from typing import Any

import miniflow_xp.dtypes as dtypes
from miniflow_xp.arrays.calls import leaves
from miniflow_xp.arrays.equations import RECORDED
from miniflow_xp.arrays.libraries import library_of
from miniflow_xp.arrays.namespace import functions_of
from miniflow_xp.arrays.traced import Traced, contents
from miniflow_xp.checks import shown
from miniflow_xp.errors import DifferentiationError, DtypeError, MixedBackendsError, SettingError, ShapeError
from miniflow_xp.switch import backend_of, get_backend, library_name
from miniflow_xp.transforms.pullback import as_array
from miniflow_xp.transforms.trees import flatten, form_of, tree_map


class Form:
    """The form of a tree of parameters, and where its leaves lie in one vector.

    ``start``: the tree, of arrays with floats. ``dtype``: that of the vector on the device, which holds all leaves.
    """

    def __init__(self, x0: Any, where: str) -> None:
        self.where = where
        found, self._build = flatten(as_one_array(x0))
        if not found:
            raise no_parameters(where, x0)
        arrays = [as_array(contents(leaf)) for leaf in found]
        self.backend = backend_of(arrays)
        self.xp = library_of(arrays[0])
        if any(library_of(array) is not self.xp for array in arrays):
            raise several_libraries(where, arrays)
        floats = [self._as_floats(array) for array in arrays]
        self.start = self._build(iter(floats))
        self._form = form_of(self.start)
        self._shapes = [tuple(array.shape) for array in floats]
        self._dtypes = [array.dtype for array in floats]
        self.size = sum(map(prod, self._shapes))
        if 0 in map(prod, self._shapes):
            raise no_parameters(where, x0)
        self.dtype_name = dtypes.wider(dtypes.widest({dtypes.name_of(array) for array in floats}) or "float64")
        self.dtype = getattr(self.xp, self.dtype_name)

    def _as_floats(self, array: Any) -> Any:
        if dtypes.is_complex(array):
            raise DtypeError(
                self.where,
                f"x0 has {array.dtype} parameters",
                "what is minimised or solved for is real",
                "Give real and imaginary parts apart",
            )
        if dtypes.name_of(array) in dtypes.FLOATS:
            return array
        return self.xp.astype(array, getattr(self.xp, self.backend.default_float))

    def ravel(self, tree: Any) -> Any:
        """The leaves of a tree of this form as one vector; traced where one of them is."""
        if form_of(tree) != self._form:
            raise self._other(shown(tree), "it has the form of x0")
        found = [as_array(leaf) for leaf in flatten(tree)[0]]
        for array, shape in zip(found, self._shapes, strict=True):
            if tuple(array.shape) != shape:
                raise self._other(f"an array of shape {tuple(array.shape)}", f"that of x0 has shape {shape}")
        return joined(found, self.dtype)

    def unravel(self, vector: Any) -> Any:
        """The tree that such a vector holds, each leaf in its shape and dtype."""
        return self._build(self._parts(vector))

    def _parts(self, vector: Any) -> Iterator[Any]:
        xp, first = functions_of(vector), 0
        for shape, dtype in zip(self._shapes, self._dtypes, strict=True):
            last = first + prod(shape)
            part = vector if len(self._shapes) == 1 else vector[first:last]
            part = part if shape == tuple(part.shape) else xp.reshape(part, shape)
            yield part if dtype == self.dtype else xp.astype(part, dtype)
            first = last

    def device(self, vector: Any) -> Any:
        """A vector of the host as one of the device."""
        return self.backend.asarray(vector, self.dtype_name)

    def host(self, array: Any) -> Any:
        """An array of the device, of whatever shape, as float64 of NumPy's."""
        import numpy as np

        return np.asarray(self.backend.to_numpy(array), dtype=np.float64)

    def _other(self, came: str, expected: str) -> ShapeError:
        return ShapeError(self.where, f"it was given {came}", expected, "Return arrays in the form of the parameters")


def no_parameters(where: str, x0: Any) -> SettingError:
    """The error for a start without numbers."""
    return SettingError(where, f"x0 is {shown(x0)}", "it holds the parameters to begin with", "Give arrays of numbers")


def several_libraries(where: str, arrays: list[Any]) -> MixedBackendsError:
    """The error for parameters of more than one library."""
    names = dict.fromkeys(library_name(array) for array in arrays)
    return MixedBackendsError(
        where, f"x0 has arrays of {' and '.join(names)}", "parameters belong to one library", "Bring them to one"
    )


def as_one_array(x0: Any) -> Any:
    """x0, where a list of numbers is an array, as SciPy has it; a container of arrays stays one."""
    import numpy as np

    numbers = (int, float, np.integer, np.floating)
    if type(x0) not in (list, tuple) or not x0 or not all(isinstance(x, numbers) and type(x) is not bool for x in x0):
        return x0
    return get_backend().asarray(np.asarray(x0, dtype=np.float64), get_backend().default_float)


def joined(arrays: list[Any], dtype: Any) -> Any:
    """Arrays of any shape as one vector."""
    xp = next((array.xp for array in arrays if type(array) is Traced), None) or library_of(arrays[0])
    flat = [array if len(array.shape) == 1 else xp.reshape(array, (-1,)) for array in arrays]
    flat = [array if array.dtype == dtype else xp.astype(array, dtype) for array in flat]
    return flat[0] if len(flat) == 1 else xp.concat(flat)


def raveled(tree: Any, dtype: Any, where: str) -> Any:
    """The leaves of any tree of arrays as one vector: residuals, constraints."""
    found = [as_array(leaf) for leaf in flatten(tree)[0]]
    if not found or any(dtypes.is_complex(array) for array in found):
        raise DtypeError(where, f"it gives {shown(tree)}", "it gives real arrays", "Return real and imaginary parts")
    return joined(found, dtype)


def grounded(tree: Any) -> Any:
    """A tree of the library's own arrays; raises where it is recorded."""
    return tree_map(contents, tree)


def is_differentiated(tree: Any) -> bool:
    """Is an array of this tree being differentiated?"""
    return any(array.level > RECORDED for array in leaves(flatten(tree)[0]))


def check_closed(value: Any, where: str) -> None:
    """Raise DifferentiationError where a result depends on an array that is differentiated, and was not given."""
    if is_differentiated(value):
        raise DifferentiationError(
            where,
            "the function reads an array that is being differentiated and is not among its arguments",
            "gradients of a solution go to args",
            "Give the array by args=(…,)",
        )
