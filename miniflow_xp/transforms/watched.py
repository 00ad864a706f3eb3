"""Calls that are watched: a namespace that has somebody else make each call on a library's own arrays."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeAlias

from miniflow_xp.arrays.calls import boxed
from miniflow_xp.arrays.libraries import library_of
from miniflow_xp.arrays.namespace import Namespace
from miniflow_xp.arrays.traced import ground
from miniflow_xp.transforms.pullback import as_array

Make: TypeAlias = Callable[[str, Callable[..., Any], Sequence[Any], dict[str, Any]], Any]
"""``make(op, function, inputs, keywords)`` makes a call of the library's function, and gives its value."""


class Watched(Namespace):
    """A library's namespace in which ``make`` makes each call on the library's arrays.

    Its arrays are constants below a differentiation, so that whatever a function, its rules and transformations inside
    of it compute comes by here, and nothing elsewhere has to look.
    """

    def __init__(self, library: Any, make: Make) -> None:
        super().__init__(library)
        native = self.native

        def watched(op: str) -> Callable[..., Any]:
            call = native(op)
            return lambda *inputs, **keywords: make(op, call, inputs, keywords)

        self.native = cache(watched)


class WatchedArrays:
    """Arrays of any library as those of watched namespaces, one for each library."""

    def __init__(self, make: Make) -> None:
        self._make = make
        self._spaces: dict[Any, Watched] = {}

    def __call__(self, leaf: Any) -> Any:
        """An array, or one of Python's floats, as an array that is watched."""
        array = ground(as_array(leaf))
        library = library_of(array)
        if library not in self._spaces:
            self._spaces[library] = Watched(library, self._make)
        return boxed(array, self._spaces[library])


def takes_part(leaf: Any) -> bool:
    """Is this leaf of the arguments an array, or becomes one?"""
    return isinstance(leaf, (float, complex)) or hasattr(leaf, "dtype")
