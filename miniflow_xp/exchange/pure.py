"""A function of trees as one of arrays alone, with its pullback: what the doors to other libraries are made of."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from miniflow_xp.arrays.calls import grounded
from miniflow_xp.arrays.namespace import constant
from miniflow_xp.backend import Backend
from miniflow_xp.errors import FeedError
from miniflow_xp.switch import use_backend
from miniflow_xp.transforms.gradients import as_constant
from miniflow_xp.transforms.jit import build_of, without_leaves
from miniflow_xp.transforms.pullback import DifferentiatedCall
from miniflow_xp.transforms.signatures import is_array
from miniflow_xp.transforms.trees import Build, flatten

Arrays = Sequence[Any]
Flat = Callable[..., list[Any]]
"""A function of arrays that gives a list of arrays."""


class Flattened:
    """``function(*args, **keywords)`` as a function of the arrays among the arguments; the rest stays as it is.

    ``others``: the rest. ``build``: what puts results into the form that the last call gave; what is no array in it is
    there already.
    """

    def __init__(self, function: Callable[..., Any], leaves: Arrays, rebuild: Build, places: Sequence[int]) -> None:
        self.function, self._rebuild, self._places = function, rebuild, places
        own = set(places)
        self.others = tuple([leaf for n, leaf in enumerate(leaves) if n not in own])
        self._leaves = [None if n in own else as_constant(leaf) for n, leaf in enumerate(leaves)]
        self.build: Build = next

    def __call__(self, *arrays: Any) -> list[Any]:
        whole = list(self._leaves)
        for n, array in zip(self._places, arrays, strict=True):
            whole[n] = array
        args, keywords = self._rebuild(iter(whole))
        result = self.function(*args, **keywords)
        self.build = build_of(result)
        return [leaf for leaf in flatten(result)[0] if is_array(leaf)]


def flattened(
    function: Callable[..., Any], args: Any, keywords: Any, is_own: Callable[[Any], bool]
) -> tuple[Flattened, list[Any]]:
    """The function as one of arrays, and these arrays; ``is_own`` tells them. Raises FeedError without any."""
    leaves = flatten((args, keywords))[0]
    places = [n for n, leaf in enumerate(leaves) if is_own(leaf)]
    if not places:
        raise FeedError(
            getattr(function, "__name__", "a function"),
            "none of its arguments is an array of the library that it was brought to",
            "it takes such arrays, also in dicts, lists and tuples",
            "Give arrays, or call the function that was given to to_torch or to_jax",
        )
    return Flattened(function, leaves, without_leaves((args, keywords)), places), [leaves[n] for n in places]


def value_of(flat: Flat, arrays: Arrays) -> list[Any]:
    """The results on the library's own arrays; the function sees ours, which it cannot change."""
    return list(grounded(flat(*map(constant, arrays))))


def differentiated(flat: Flat, arrays: Arrays, wanted: Sequence[int]) -> DifferentiatedCall:
    """The function called once, with gradients for the ``wanted`` arrays; the others are constants."""

    def of_wanted(*chosen: Any) -> list[Any]:
        whole = list(map(constant, arrays))
        for n, array in zip(wanted, chosen, strict=True):
            whole[n] = array
        return flat(*whole)

    return DifferentiatedCall(of_wanted, [arrays[n] for n in wanted])


def pullback_of(flat: Flat, count: int, wanted: Sequence[int], given: Sequence[int]) -> Flat:
    """(gradients of the results ``given``, the ``count`` arrays) ↦ gradients of those ``wanted``.

    It is a function of arrays as ``flat`` is, and can be differentiated itself.
    """

    def pulled(*arrays: Any) -> list[Any]:
        gradients, inputs = arrays[:-count], arrays[-count:]
        call = differentiated(flat, inputs, wanted)
        seeds: list[Any] = [None] * len(call.ends)
        for n, gradient in zip(given, gradients, strict=True):
            seeds[n] = gradient
        return list(call.gradients(seeds))

    return pulled


@contextmanager
def running(backend: Backend | None) -> Iterator[None]:
    """Inside, a function runs on this backend; on whatever it finds where there is none."""
    if backend is None:
        yield
        return
    with use_backend(backend), backend.activate():
        yield
