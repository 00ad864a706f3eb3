"""``vspace(value)``: the vectors that have the form of a value, which is an array or a tree of arrays."""

from collections.abc import Callable, Iterator
from math import prod
from typing import Any

from miniflow_xp.arrays.namespace import functions_of
from miniflow_xp.arrays.traced import ground
from miniflow_xp.autograd.core import as_vectors, conjugate
from miniflow_xp.dtypes import is_complex
from miniflow_xp.transforms.trees import flatten, form_of, tree_map


class VSpace:
    """The space of a value: its size as a real one, vectors of it, and what is computed with these."""

    def __init__(self, value: Any) -> None:
        leaves, self._build = flatten(value)
        self._arrays = as_vectors(leaves)
        self._form = form_of(value)

    @property
    def iscomplex(self) -> bool:
        """Does it hold complex numbers?"""
        return any(map(is_complex, self._arrays))

    @property
    def size(self) -> int:
        """Its dimension over the real numbers: a complex number counts twice."""
        return sum(prod(a.shape) * (2 if is_complex(a) else 1) for a in self._arrays)

    @property
    def shape(self) -> Any:
        """The shape of the array; of a tree, those of its arrays."""
        return self._build(iter([tuple(a.shape) for a in self._arrays]))

    def zeros(self) -> Any:
        """The zero vector."""
        return self._filled(lambda a: functions_of(a).zeros_like(a))

    def ones(self) -> Any:
        """1 everywhere; 1 + i where the numbers are complex."""
        return self._filled(ones_like)

    def randn(self) -> Any:
        """Normal random numbers, from NumPy's global generator."""
        return self._filled(normal_like)

    def standard_basis(self) -> Iterator[Any]:
        """The unit vectors; with the imaginary ones, where the numbers are complex."""
        for number, array in enumerate(self._arrays):
            for unit in units_like(array):
                zeros = [functions_of(a).zeros_like(a) for a in self._arrays]
                yield self._build(iter([*zeros[:number], unit, *zeros[number + 1 :]]))

    def add(self, x: Any, y: Any) -> Any:
        """x + y."""
        return tree_map(lambda a, b: a + b, x, y)

    def scalar_mul(self, x: Any, number: Any) -> Any:
        """x times a number."""
        return tree_map(lambda a: a * number, x)

    def inner_prod(self, x: Any, y: Any) -> Any:
        """The real inner product, Re Σ conj(x) y."""
        pairs = zip(flatten(x)[0], flatten(y)[0], strict=True)
        return sum(inner(a, b) for a, b in pairs)

    def covector(self, x: Any) -> Any:
        """The conjugate: a gradient as a vector, or a vector as a gradient."""
        return tree_map(conjugate, x)

    def _filled(self, make: Callable[[Any], Any]) -> Any:
        return self._build(iter([make(a) for a in self._arrays]))

    def _told(self) -> tuple[Any, ...]:
        return self._form, *[(tuple(a.shape), str(a.dtype)) for a in self._arrays]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, VSpace) and self._told() == other._told()

    def __hash__(self) -> int:
        return hash(self._told())

    def __repr__(self) -> str:
        return f"<vectors {self._build(iter([f'{tuple(a.shape)} {a.dtype}' for a in self._arrays]))}>"


def vspace(value: Any) -> VSpace:
    """The space of a value; raises DifferentiationError for what is neither array nor number."""
    return VSpace(value)


def ones_like(array: Any) -> Any:
    """1, or 1 + i, in the form of an array."""
    ones = functions_of(array).ones_like(array)
    return ones * (1 + 1j) if is_complex(array) else ones


def normal_like(array: Any) -> Any:
    """Normal random numbers in the form of an array."""
    import numpy as np

    host = np.asarray(np.random.randn(*array.shape))
    if is_complex(array):
        host = host + 1j * np.random.randn(*array.shape)
    return of_host(host, array)


def units_like(array: Any) -> Iterator[Any]:
    """The unit vectors in the form of an array."""
    import numpy as np

    for place in np.ndindex(*array.shape):
        for one in (1.0, 1j) if is_complex(array) else (1.0,):
            host = np.zeros(tuple(array.shape), dtype=type(one))
            host[place] = one
            yield of_host(host, array)


def of_host(host: Any, array: Any) -> Any:
    """A NumPy array in the library, dtype and device of another array."""
    from array_api_compat import device

    return functions_of(ground(array)).asarray(host, dtype=array.dtype, device=device(ground(array)))


def inner(x: Any, y: Any) -> Any:
    """Re Σ conj(x) y of two arrays."""
    xp = functions_of(x)
    found = xp.sum(conjugate(x) * y)
    return xp.real(found) if is_complex(found) else found
