"""How turns become a loop: the body of one turn, what it is given, and what others read of it.

Values of the turns that others read become slices of what the loop made, or what it carried to its end, so that all
equations that read them stay as they are.
"""

from collections import Counter
from collections.abc import Collection, Hashable, Sequence
from functools import cache
from math import prod
from typing import Any

import jax
import numpy as np

from miniflow_xp.backends.jax.bodies import Body
from miniflow_xp.backends.jax.listing import box_in
from miniflow_xp.backends.jax.replay import loop
from miniflow_xp.backends.jax.stacks import WEAK, Slices, copied, form_of_stack, origin, stacked
from miniflow_xp.backends.jax.turns import Turns
from miniflow_xp.recording.equations import Value
from miniflow_xp.recording.walks import root, still_read

SMALL = 256  # elements that are copied, one value at a time

Carried = tuple[int, tuple[Value, ...]]
"""The equation of the turn before, or of as many turns before as there are values that it begins with."""


class Plan:
    """A loop that does what ``turns`` do.

    ``fixed``, ``taken``, ``carried``: what stands in the body for what it is given; ``copies``: the equations of the
    body. ``made``: those wanted of every turn; ``last``: values of the last turns that others read, which it carries.
    """

    def __init__(self, turns: Turns) -> None:
        self.turns, self.all = turns, turns.listing.values
        self.fixed: dict[Value, Value] = {}
        self.taken: dict[tuple[Value, ...], Value] = {}
        self.carried: dict[Carried, Value] = {}
        self.copies: dict[int, Value] = {}
        for equation in range(turns.period):
            if equation not in turns.hoisted:
                self.copies[equation] = self._copy(equation)
        self.made, self.last = list[int](), dict[Value, Carried]()
        for equation in self.copies:
            self._give(equation)
        self.backwards = sum(map(direction, self.taken)) < 0

    def _copy(self, equation: int) -> Value:
        """An equation of the body."""
        value = self.all[self.turns.start + equation]
        given = map(self._given, np.flatnonzero(self.turns.reader == equation).tolist())
        starts = self.turns.boxes[:, self.turns.boxed == equation]
        form = () if value.is_several else value
        if (starts == starts[:1]).all():
            return Value(value.op, tuple(value.inputs_with(lambda _: next(given))), value.keywords, form)
        box: Any = box_in(value)
        keywords = {"sizes": box.sizes, "rest": box.rest} | {k: v for k, v in value.keywords.items() if k == "shape"}
        return Value(f"{value.op}_in", (*given, *map(self._start, starts.T.tolist())), keywords, form)

    def _given(self, read: int) -> Value:
        """What an equation of the body reads."""
        turns, values = self.turns, [self.all[n] for n in self.turns.reads[:, read].tolist()]
        if turns.fixed[read]:
            value = values[0]
            return value if value.is_constant else self.fixed.setdefault(value, standing_for(value))
        if not turns.carried[read]:
            return self._taken(values)
        back, maker = int(turns.back[read]), int(turns.maker[read])
        return self._carried(maker, values[:back][::-1]) if back else self.copies[maker]

    def _carried(self, maker: int, begins: Sequence[Value]) -> Value:
        """What stands for a value of as many turns before as there are values that it begins with."""
        form = self.all[self.turns.start + maker]
        for count in range(1, len(begins) + 1):
            found = self.carried.setdefault((maker, tuple(begins[:count])), standing_for(form))
        return found

    def _taken(self, values: Sequence[Value]) -> Value:
        """What stands for another value in each turn."""
        return self.taken.setdefault(tuple(values), standing_for(values[0]))

    def _start(self, places: Sequence[int]) -> Any:
        """Where boxes begin along an axis: a number, or what stands for one in each turn."""
        return places[0] if len(set(places)) == 1 else self._taken([number(place) for place in places])

    def _give(self, equation: int) -> None:
        """See to it that others have of an equation what they read: it is carried to the end, or made of every turn."""
        places = self.turns.places(equation)
        read = [n for n in places if self.turns.listing.last_reader[n] >= self.turns.stop]
        if not read:
            return
        chains = {len(begins): (maker, begins) for maker, begins in self.carried if maker == equation}
        if not chains:
            chains[1] = equation, (number(0),)
        if read[0] < places[-len(chains)]:
            self.made.append(equation)
            return
        for back, chain in chains.items():
            if (place := places[-back]) in read:
                self._carried(*chain)
                self.last[self.all[place]] = chain

    def copies_much(self, kept: Collection[Value]) -> bool:
        """Are there arrays of their own for each turn, larger ones or state, that would be copied to lie in a row?"""
        found = {values: copied(values) for values in self.taken}
        return sum(found.values()) > SMALL or any(root(values[0]) in kept for values, count in found.items() if count)

    def types_hold(self, weak: Collection[Value]) -> bool:
        """Has what the loop gives a form and a dtype of its own, whatever it meets?"""
        made = [self.all[self.turns.places(n)[-1]] for n in (*self.made, *(maker for maker, _ in self.carried))]
        given = [*made, *self.fixed, *(values[0] for values in self.taken)]
        return not any(v.is_several for v in given) and not any(v in weak or v.dtype is None for v in made)

    def body(self) -> Body:
        """The equations of a turn."""
        before = [begins[:-1] for _, begins in self.carried]
        renewed = [
            self.carried[maker, others] if others else self.copies[maker]
            for (maker, _), others in zip(self.carried, before, strict=True)
        ]
        made = [self.copies[equation] for equation in self.made]
        results = [*renewed, *made]
        values = joined_in_place(list(self.copies.values()), results)
        carried, taken, fixed = (list(stood.values()) for stood in (self.carried, self.taken, self.fixed))
        return Body(self.turns.count, self.backwards, carried, taken, fixed, values, renewed, made)

    def equations(self, bodies: dict[Hashable, Body], slices: Slices) -> list[Value] | None:
        """Stacks of what is taken, the loop, and what others read of it; None where the loop gives other forms."""
        body, turns = self.body(), self.turns
        stacks = [stacked(values[::-1] if self.backwards else values, slices) for values in self.taken]
        inputs = (*(begins[-1] for _, begins in self.carried), *(found[-1] for found in stacks), *self.fixed)
        rows = [form_of_stack(turns.count, self.all[turns.start + equation]) for equation in self.made]
        known = bodies.get(body.form)
        if known is None and not gives(body, inputs, [*self.carried.values(), *rows]):
            return None
        one = Value("loop", inputs, {"body": bodies.setdefault(body.form, body)}, ())
        numbers = {key: n for n, key in enumerate(self.carried)}
        for value, key in self.last.items():
            value.become("item", (one, numbers[key]))
        items = [Value("item", (one, n), {}, row) for n, row in enumerate(rows, len(numbers))]
        rest = [value for found in zip(self.made, items, strict=True) for value in self._taken_out(*found)]
        hoisted = [self.all[n] for equation in turns.hoisted for n in turns.places(equation)]
        return [*hoisted, *(v for found in stacks for v in found if not v.is_constant), one, *self.last, *items, *rest]

    def _taken_out(self, equation: int, item: Value) -> list[Value]:
        """The values of an equation that others read, as slices of what the loop made."""
        found = []
        for turn, place in enumerate(self.turns.places(equation)):
            if self.turns.listing.last_reader[place] >= self.turns.stop:
                value = self.all[place]
                value.become("getitem", (item, self.turns.count - 1 - turn if self.backwards else turn))
                found.append(value)
        return found


@cache
def number(content: int) -> Value:
    """An integer as a constant."""
    return Value("constant", (), {}, content)


def standing_for(value: Value) -> Value:
    """What stands in a body for a value of this form."""
    return Value("argument", (), {}, () if value.is_several else value)


def direction(values: Sequence[Value]) -> int:
    """How much of an array its slices go through, from the front or (below zero) from the end."""
    (first, begin), (last, end) = origin(values[0]), origin(values[-1])
    if first is not last or begin is None or end is None or begin.starts == end.starts:
        return 0
    size = prod(values[0].shape) * len(values)
    return size if begin.starts < end.starts else -size


def joined_in_place(values: Sequence[Value], results: Sequence[Value]) -> list[Value]:
    """The equations, with what is written into zeros and then added to an array added to it where it belongs."""
    readers = Counter([*results, *(parent for value in values for parent in value.parents)])
    for value in values:
        if value.op == "add":
            for x, other in (value.inputs, value.inputs[::-1]):
                if other.op == "placed_in" and readers[other] == 1 and same_form(x, other) and same_form(x, value):
                    value.become("add_at_in", (x, *other.inputs), {k: other.keywords[k] for k in ("sizes", "rest")})
                    break
    return still_read(values, results)


def same_form(a: Any, b: Any) -> bool:
    """Have two values one shape and dtype?"""
    return bool(a.shape == b.shape and a.dtype == b.dtype)


def standing_in(value: Value) -> jax.ShapeDtypeStruct:
    """The shape and dtype of a value, for JAX."""
    return jax.ShapeDtypeStruct(value.shape, value.dtype, weak_type=value.op in WEAK)


def gives(body: Body, inputs: Sequence[Value], forms: Sequence[Any]) -> bool:
    """Does a loop give results of these forms?"""
    numbers = {n: value.content for n, value in enumerate(inputs) if value.is_number}
    arrays = {n: standing_in(value) for n, value in enumerate(inputs) if n not in numbers}

    def results(arrays: dict[int, Any]) -> list[Any]:
        return loop(*[arrays[n] if n in arrays else numbers[n] for n in range(len(inputs))], body=body)

    try:
        found = jax.eval_shape(results, arrays)
    except (TypeError, ValueError):  # what is carried changes its form
        return False
    return len(found) == len(forms) and all(map(same_form, found, forms))
