"""A large step as calls of its parts, each compiled for itself, and equal ones once.

The time and the memory that XLA for the CPU takes to compile grow with the number of operations, however often they
are the same. What repeats itself on the same arrays is a loop (``loops``). Equal layers, each of which has parameters
of its own, are none: in a row these would be copied in every call, and could not be donated. So a step that is still
large is cut where it repeats itself: parts that do the same with other arrays are one function of ``jax.jit``. What is
computed is the same; but operations of two parts are not fused.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, islice
from operator import call
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from miniflow_xp.backend import Array
from miniflow_xp.backends.jax.bodies import form_of
from miniflow_xp.backends.jax.repeats import repeats
from miniflow_xp.backends.jax.replay import evaluate_on, is_mask
from miniflow_xp.recording.equations import Value
from miniflow_xp.recording.walks import soonest

LARGE = 12_000  # equations; of half as many, unequal parts are compiled no quicker
PART = 1_000  # equations; a step of shorter parts takes longer
EQUAL = 500  # equations of a part that is like the next; longer ones take longer to compile, shorter ones to call


class Part(NamedTuple):
    """Some equations. ``given``: what they read of others, first the state that they replace, which is donated.

    ``made``: what others read of them, and results.
    """

    given: list[Value]
    replaced: int
    values: list[Value]
    made: list[Value]

    @property
    def form(self) -> tuple[Any, ...]:
        """Equal for parts that compute the same of what they are given."""
        return self.replaced, *form_of(self.given, self.values, self.made)

    def run(self, replaced: list[Array], others: list[Array]) -> list[Array]:
        """What it makes of what it is given."""
        return evaluate_on(dict(zip(self.given, [*replaced, *others], strict=True)), self.values, self.made)


class InParts:
    """Equations in parts. ``arguments``: in the order of the arrays that a call gives.

    ``renewed``: {argument: the result that takes its place in the next call}; its array is donated.
    """

    def __init__(
        self,
        arguments: Sequence[Value],
        values: Sequence[Value],
        results: Sequence[Value],
        renewed: Mapping[Value, Value],
    ) -> None:
        parts = parts_of(soonest(values, results), results, renewed)
        compiled: dict[Any, Any] = {}
        self._calls = [compiled.setdefault(p.form, jax.jit(p.run, donate_argnums=0)) for p in parts]
        self.how = f"{len(parts)} parts, {len(compiled)} of them different"
        constants = list(dict.fromkeys(v for p in parts for v in p.given if v.is_constant))
        self._constants = [jnp.asarray(v.content) for v in constants]
        places = list(enumerate(chain(arguments, constants, *(p.made for p in parts))))
        first = {value: n for n, value in reversed(places)}
        last = {value: n for n, value in places}  # where the last part passes it on
        self._replaced = [[first[v] for v in p.given[: p.replaced]] for p in parts]
        self._others = [[first[v] for v in p.given[p.replaced :]] for p in parts]
        self._results = [last[v] for v in results]

    def __call__(self, arrays: Sequence[Array]) -> Iterator[list[Array]]:
        """The results, made when they are taken out: in C code alone, where Ctrl-C does not come between two parts."""
        known = [*arrays, *self._constants]
        take = partial(map, known.__getitem__)
        given = (map(list, [take(numbers) for numbers in place]) for place in (self._replaced, self._others))
        made: Iterator[Any] = map(known.extend, map(call, self._calls, *given))
        return islice(chain(made, map(list, [take(self._results)])), len(self._calls), None)


def parts_of(values: Sequence[Value], results: Sequence[Value], renewed: Mapping[Value, Value]) -> list[Part]:
    """Equations in parts. What is a result without being computed, the last part passes on.

    State is replaced where its new value is made if nothing reads it later, and if no other result is the same array.
    """
    computed, times = set(values), Counter(results)
    once = {argument for argument, result in renewed.items() if times[result] == 1}
    passed = [result for result in times if result not in computed]
    later, found = set(results), list[Part]()
    for first, last in reversed(cuts(values)):
        stretch = list(values[first:last])
        inside = set(stretch)
        made = [v for v in stretch if v in later] + passed
        read = dict.fromkeys(v for v in chain(*(v.parents for v in stretch), passed) if v not in inside and is_given(v))
        gone = dict.fromkeys(v for v in read if v in once and v not in later and renewed[v] in inside)
        found.append(Part([*gone, *(v for v in read if v not in gone)], len(gone), stretch, made))
        later.update(read)
        passed = []
    return found[::-1]


def is_given(value: Value) -> bool:
    """Is this an array that a part is called with? A number, or a mask, is written into it."""
    return not (value.is_constant and (value.is_number or is_mask(value.content)))


def cuts(values: Sequence[Value]) -> list[tuple[int, int]]:
    """From where to where each part goes: some whole periods where equations repeat themselves, about EQUAL of them."""
    found, place = list[tuple[int, int]](), 0
    for start, stop, period in repeats([(v.op, v.shape, v.dtype, len(v.parents)) for v in values], 2 * EQUAL):
        count = max(1, (stop - start) // EQUAL)
        length = max(1, (stop - start) // period // count) * period
        found += even_cuts(place, start, PART)
        place = stop - (stop - start) % length
        found += even_cuts(start, place, length)
    return found + even_cuts(place, len(values), PART) or [(0, 0)]


def even_cuts(start: int, stop: int, length: int) -> list[tuple[int, int]]:
    """From ``start`` to ``stop``, cut after every ``length``."""
    return [(n, min(n + length, stop)) for n in range(start, stop, length)]
