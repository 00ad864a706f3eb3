"""What differentiation remembers of a call, and the numbers that tell one differentiation from the next."""

from itertools import count
from typing import Any, TypeAlias

CONSTANT = 0  # the level of an array that takes part in no differentiation; its contents may be looked at
RECORDED = 1  # the level of an array of a function that is recorded, whose contents may not
STALE = 1 << 62  # the level of an array that a write to memory it shares has made wrong

levels = count(RECORDED + 1)
"""Each differentiation takes the next one: of nested ones the inner has the higher."""

open_levels = [CONSTANT, RECORDED, STALE]
"""The levels that mean something: with those of the differentiations whose function, or pullback, runs. One that is
over says nothing of an array that the function has left behind: it is what stands for it one level below.

A level is in it once for each call that runs, of any thread: a list takes and gives one without a lock."""

_numbers = count()


Parent: TypeAlias = tuple[int, int | None, "Equation", int | None]
"""An input that is differentiated: its place among the inputs, and in that one if it is a list; the equation that made
it, and which of its results it is."""


class Form:
    """What a rule may know of an array that does not stay."""

    __slots__ = ("dtype", "shape")

    def __init__(self, array: Any) -> None:
        self.shape = array.shape
        self.dtype = array.dtype


class Equation:
    """One call: ``op`` applied to ``inputs``, with keyword arguments, gave ``value``; all of them one level below.

    Where the rule does not look at them, ``value`` is None and inputs are Forms: their memory is used again.
    ``rule`` gives its vector-Jacobian products, ``parents`` are the inputs they lead to. ``below``: the namespace of
    the inputs that are traced themselves, None where all are the library's. ``number``: each is larger than those of
    the equations it depends on. ``line``: the user's line of code, where the rule may refuse.
    """

    __slots__ = ("below", "inputs", "keywords", "line", "number", "op", "parents", "rule", "value", "xp")

    def __init__(
        self, op: Any, inputs: Any, keywords: dict[str, Any], value: Any, parents: Any, rule: Any, xp: Any, below: Any
    ) -> None:
        self.op = op
        self.inputs = inputs
        self.keywords = keywords
        self.value = value
        self.parents = parents
        self.rule = rule
        self.xp = xp
        self.below = below
        self.line: str | None = None
        self.number = next(_numbers)

    def input(self, place: int, item: int | None) -> Any:
        """The input at this place, or an item of the list there: an array, or its form."""
        found = self.inputs[place]
        return found if item is None else found[item]

    def let_go(self) -> None:
        """Forget the arrays, and what made them: nobody asks for this gradient again."""
        self.inputs = self.parents = ()
        self.value = None
