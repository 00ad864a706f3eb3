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
    """What a capture gives: arrays, and what makes the result of them, so that ``jax.jit`` tells both."""

    def __init__(self, build: Build, arrays: Sequence[Array]) -> None:
        self.build, self.arrays = build, arrays

    def result(self) -> Any:
        """The result in its form."""
        return self.build(iter(self.arrays))


jax.tree_util.register_pytree_node(Made, lambda made: (made.arrays, made.build), Made)


class JaxDispatch(Dispatch):
    """One function of ``jax.jit`` for all captures of one form of arguments.

    JAX calls ``_traced`` for arguments that it has not seen: while a capture is added; or else there is none for them.
    """

    def __init__(self, backend: "JaxBackend") -> None:
        self._backend = backend
        self._added = local()
        self._call = jax.jit(self._traced)
        self._kinds: set[type] = set()

    def __call__(self, arrays: Sequence[Array]) -> tuple[bool, Any]:
        if not self._kinds >= set(map(type, arrays)):
            return False, None
        try:
            with self._backend.activate():
                return True, self._call(*arrays).result()
        except UnknownError:
            return False, None

    def add(self, arrays: Sequence[Array], capture: Capture, build: Build) -> tuple[bool, Any]:
        takes = getattr(capture, "backend", None) is self._backend and getattr(capture, "traced", None) is not None
        if not takes or not all(map(is_concrete, arrays)):
            return False, None
        self._added.last = capture, build
        try:
            with no_garbage_collection(), self._backend.activate():  # JAX traces and compiles
                result = self._call(*arrays).result()
        finally:
            self._added.last = None
        self._kinds.update(map(type, arrays))
        return True, result

    def _traced(self, *arrays: Array) -> Made:
        last = getattr(self._added, "last", None)
        if last is None:
            raise UnknownError
        capture, build = last
        return Made(build, capture.traced(arrays))


def is_concrete(array: Array) -> bool:
    """Is this an array of JAX's that is there, rather than a host's, or one that JAX traces?"""
    return isinstance(array, jax.Array) and not isinstance(array, jax.core.Tracer)
