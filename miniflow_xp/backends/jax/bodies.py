"""A loop as one equation: its body, the equations of one turn, run by ``jax.lax.scan``."""

from collections.abc import Hashable, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from miniflow_xp.backend import Array
from miniflow_xp.recording.equations import Value
from miniflow_xp.recording.tape import key_of


class Place(int):
    """The number of a value among the equations that it stands in."""


class Body(NamedTuple):
    """One turn. ``carried``: what the turn before made, ``taken``: what is another for each turn, ``fixed``: the rest.

    ``renewed``: what the next turn takes for ``carried``; ``made``: what is wanted of every turn. ``backwards``: the
    turns go through what is taken, and what is made, from the end.
    """

    turns: int
    backwards: bool
    carried: list[Value]
    taken: list[Value]
    fixed: list[Value]
    values: list[Value]
    renewed: list[Value]
    made: list[Value]

    def __repr__(self) -> str:
        return f"<{self.turns} turns of {len(self.values)} equations>"

    @property
    def form(self) -> Hashable:
        """Equal for bodies that compute the same of what they are given."""
        given = [*self.carried, *self.taken, *self.fixed]
        forms = [(value.shape, str(value.dtype)) for value in given]
        counts = self.turns, self.backwards, len(self.carried), len(self.taken)
        return *counts, *forms, *form_of(given, self.values, [*self.renewed, *self.made])

    def run(self, evaluate: Any, *inputs: Any) -> list[Array]:
        """What is carried at the end, then the stacks of what the turns made; ``inputs``: for carried, taken, fixed."""
        takes = len(self.carried)
        rest = takes + len(self.taken)
        fixed = dict(zip(self.fixed, inputs[rest:], strict=True))

        def turn(carried: Sequence[Array], taken: Sequence[Array]) -> tuple[list[Array], list[Array]]:
            known = fixed | dict(zip([*self.carried, *self.taken], [*carried, *taken], strict=True))
            results = evaluate(known, self.values, [*self.renewed, *self.made])
            return results[:takes], results[takes:]

        first = [begun(x, value) for x, value in zip(inputs, self.carried, strict=False)]
        last, made = jax.lax.scan(turn, first, list(inputs[takes:rest]), self.turns, self.backwards)
        return [*last, *made]


def begun(x: Any, value: Value) -> Array:
    """What a value begins with, in its dtype; a number fills its shape."""
    return jnp.broadcast_to(jnp.asarray(x, dtype=value.dtype), value.shape)


def form_of(given: Sequence[Value], values: Sequence[Value], made: Sequence[Value]) -> tuple[Any, ...]:
    """Equal for equations that compute the same of what they are given."""
    places: Mapping[Value, Place] = {value: Place(n) for n, value in enumerate(chain(given, values))}

    def named(value: Value) -> Any:
        return places.get(value, value.content)

    equations = [
        (v.op, *map(key_of, v.inputs_with(named)), *sorted((k, key_of(item)) for k, item in v.keywords.items()))
        for v in values
    ]
    return len(given), *equations, *(key_of(named(value)) for value in made)
