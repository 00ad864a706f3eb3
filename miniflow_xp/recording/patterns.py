"""Groups of recorded equations that one native function computes, which a backend may join."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from miniflow_xp.recording.equations import Value
from miniflow_xp.recording.walks import still_read

Equation = tuple[str, tuple[Value, ...]] | tuple[str, tuple[Value, ...], dict[str, Any]]
"""A function's name, its inputs, and its keywords, where there are any."""

Find = Callable[[Value], Equation | None]


class Pattern(NamedTuple):
    """A group whose last equation is one of ``ops``.

    ``find``: the equation that computes a value at once; None where the value does not end the group in question.
    """

    ops: tuple[str, ...]
    find: Find

    def __call__(self, value: Value) -> Equation | None:
        return self.find(value)


def ending_in(*ops: str) -> Callable[[Find], Pattern]:
    """Decorator: what finds groups whose last equation is one of these, as a pattern."""
    return lambda find: Pattern(ops, find)


def joined(values: Sequence[Value], results: Sequence[Value], *patterns: Pattern) -> list[Value]:
    """The same equations, all of which are read, with each group that a pattern finds as one."""
    by_op = {op: [pattern.find for pattern in patterns if op in pattern.ops] for ops, _ in patterns for op in ops}
    found = False
    for value in values:
        for find in by_op.get(value.op, ()):
            equation = find(value)
            if equation is not None:
                value.become(*equation)
                found = True
                break
    return still_read(values, results) if found else list(values)


@ending_in("divide")
def sigmoid(value: Value) -> Equation | None:
    """where(x ≥ 0, 1, e) / (1 + e) with e = exp(-|x|)."""
    match value:
        case Value(
            op="divide",
            inputs=(
                Value(op="where", inputs=(Value(op="greater_equal", inputs=(x, zero)), one, e)),
                Value(op="add", inputs=(one_too, e_too)),
            ),
        ) if e is e_too and is_number(zero, 0) and is_number(one, 1) and is_number(one_too, 1):
            match e:
                case Value(op="exp", inputs=(Value(op="negative", inputs=(Value(op="abs", inputs=(x_too,)),)),)):
                    return ("sigmoid", (x,)) if x is x_too else None
    return None


def is_number(value: Value, number: float) -> bool:
    """Is this the constant ``number``?"""
    return value.is_constant and value.shape == () and bool(value.content == number)
