"""Captures that ``jax.jit`` finds by its arguments itself: it reads these in C, sooner than it could be done here."""

from collections.abc import Callable, Sequence
from threading import local
from typing import TYPE_CHECKING, Any

import jax

from miniflow_xp.backend import Array, Capture, Dispatch
from miniflow_xp.system.collector import no_garbage_collection

if TYPE_CHECKING:
    from miniflow_xp.backends.jax.adapter import JaxBackend

Build = Callable[[Any], Any]


class UnknownError(Exception):
    """No capture for such arguments is here."""


class Made:
    """What a capture gives, where JAX does not: arrays, and what makes the result of them; ``jax.jit`` tells both."""

    def __init__(self, build: Build, arrays: Sequence[Array]) -> None:
        self.build, self.arrays = build, arrays

    def result(self) -> Any:
        """The result in its form."""
        return self.build(iter(self.arrays))


jax.tree_util.register_pytree_node(Made, lambda made: (made.arrays, made.build), Made)


def given_back(result: Any) -> bool:
    """Is this of arrays in containers that ``jax.jit`` gives back as they were? It sorts the keys of dicts."""
    if type(result) is dict:
        in_order = all(type(key) is str for key in result) and list(result) == sorted(result)
        return in_order and all(map(given_back, result.values()))
    if type(result) in (tuple, list):
        return all(map(given_back, result))
    return result is None or isinstance(result, jax.Array)


class JaxDispatch(Dispatch):
    """One function of ``jax.jit`` for all captures of one form of arguments.

    JAX calls ``_traced`` for arguments that it has not seen: while a capture is added; or else there is none for them.
    """

    def __init__(self, backend: "JaxBackend") -> None:
        self._backend = backend
        self._added = local()
        self._kinds: set[type] = set()
        self._jitted = jax.jit(self._traced)
        self._call = self._activated if backend.narrows else self._jitted

    def __call__(self, arrays: Sequence[Array]) -> tuple[bool, Any]:
        if not self._kinds.issuperset(map(type, arrays)):
            return False, None
        try:
            result = self._call(*arrays)
        except UnknownError:
            return False, None
        return True, result.result() if type(result) is Made else result

    def add(self, arrays: Sequence[Array], capture: Capture, build: Build) -> tuple[bool, Any]:
        takes = getattr(capture, "backend", None) is self._backend and getattr(capture, "traced", None) is not None
        if not takes or not all(map(is_concrete, arrays)):
            return False, None
        self._added.last = capture, build
        try:
            with no_garbage_collection():  # JAX traces and compiles
                result = self._call(*arrays)
        finally:
            self._added.last = None
        self._kinds.update(map(type, arrays))
        return True, result.result() if type(result) is Made else result

    def _activated(self, *arrays: Array) -> Any:
        with self._backend.activate():
            return self._jitted(*arrays)

    def _traced(self, *arrays: Array) -> Any:
        last = getattr(self._added, "last", None)
        if last is None:
            raise UnknownError
        capture, build = last
        results = capture.traced(arrays)
        result = build(iter(results))
        return result if given_back(result) else Made(build, results)


def is_concrete(array: Array) -> bool:
    """Is this an array of JAX's that is there, rather than a host's, or one that JAX traces?"""
    return isinstance(array, jax.Array) and not isinstance(array, jax.core.Tracer)
