"""Recording: run a function of arrays once and write down, as equations, what it computed.

The function is handed a ``Namespace`` in place of the array library's, and ``Traced`` values in place of arrays. Each
call computes at once, for shapes and dtypes, and is written on a ``Tape``; equal calls are written once, and what does
not depend on the arguments is computed now and kept as a constant. Other arrays live as long as the function holds
their ``Traced`` values, so that recording takes no more memory than a run. A backend then replays the equations its own
way.
"""

from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakValueDictionary

from miniflow_xp.recording.equations import Value
from miniflow_xp.recording.namespace import Namespace
from miniflow_xp.recording.operators import function_of
from miniflow_xp.recording.refusals import TraceError, contents_wanted, not_recorded
from miniflow_xp.recording.traced import Traced, array_of, holds_traced, traced
from miniflow_xp.recording.walks import still_read

SHAPE_ONLY = ("ones_like", "zeros_like")  # results that depend on a shape, not on contents
SHAPE_UNKNOWN = ("nonzero", "unique_all", "unique_counts", "unique_inverse", "unique_values")

Settle = Callable[[Any, Sequence[Any]], tuple[Any, bool]]
"""``settle(array, inputs)``: a new array in the memory layout of the replay, and whether it shows an input's memory."""

Call = Callable[[Callable[..., Any], tuple[Any, ...], dict[str, Any]], Any]
"""``call(function, arguments, keywords)``: the result of a call, or what stands for it and has its shape and dtype."""


class Tape:
    """The equations recorded so far, in order; ``fold``: what does not depend on contents becomes a constant."""

    def __init__(self, xp: Any, settle: Settle | None = None, fold: bool = True, call: Call | None = None) -> None:
        self.xp = xp
        self.settle = settle
        self.fold = fold
        self.call: Call = call or computed
        self.values: list[Value] = []
        self._seen: dict[Any, Value] = {}
        self._alive: WeakValueDictionary[Value, Traced] = WeakValueDictionary()

    def argument(self, array: Any) -> Traced:
        """A new argument of the recorded function, which stands for ``array``."""
        value = Value("argument", (), {}, array)
        self.values.append(value)
        return Traced(self.apply, value, array)

    def constant(self, content: Any) -> Value:
        """An array, or a Python number, that is the same in every run."""
        key = ("number", repr(content)) if isinstance(content, (int, float)) else ("array", id(content))
        if key not in self._seen:
            self._seen[key] = Value("constant", (), {}, content)
        return self._seen[key]

    def apply(self, op: str, args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """Compute ``op`` and write it down."""
        inputs = tuple([self.enter(a, arrays=n == 0 or op != "getitem") for n, a in enumerate(args)])
        if keywords and any(isinstance(v, Traced) for v in keywords.values()):
            raise TraceError(
                "a recorded rule", f"{op} is given an array by keyword", "arrays are positional", "Move it"
            )
        key = (op, *map(_key, inputs), *sorted((k, _key(v)) for k, v in keywords.items()))
        known = self._seen.get(key)
        if known is None:
            array, is_view = self._compute(op, args, keywords)
            known = self._seen[key] = self._written(Value(op, inputs, keywords, array, is_view), array)
        elif (alive := self._alive.get(known)) is not None:
            return alive
        else:
            array = known.content if known.is_constant else self._compute(op, args, keywords)[0]
        found = self._alive[known] = Traced(self.apply, known, array)
        return found

    def _compute(self, op: str, args: tuple[Any, ...], keywords: dict[str, Any]) -> tuple[Any, bool]:
        """The array, and whether it shows the memory of an input."""
        if op in SHAPE_UNKNOWN or (
            op == "repeat" and any(isinstance(a, Traced) for a in (*args[1:], *keywords.values()))
        ):
            raise contents_wanted(f"by {op}, whose result has a shape that depends on them")
        array = self.call(function_of(op, self.xp), tuple(map(array_of, args)), keywords)
        if isinstance(array, (list, tuple)):
            raise not_recorded(f"{op} returns several arrays")
        return (array, False) if self.settle is None else self.settle(array, [array_of(t) for t in traced(args)])

    def _written(self, value: Value, array: Any) -> Value:
        """The value as an equation, or as a constant where it does not depend on contents."""
        if self.fold and (value.op in SHAPE_ONLY or all(p.is_constant for p in value.parents)):
            return self.constant(array)
        self.values.append(value)
        return value

    def enter(self, arg: Any, arrays: bool = True) -> Any:
        """An argument of a call, as it stands in an equation."""
        if isinstance(arg, Traced):
            return arg._value  # noqa: SLF001  Tape and Traced are one mechanism
        if holds_traced(arg):
            return [self.enter(a, arrays) for a in arg]
        is_number = isinstance(arg, (int, float))
        is_array = hasattr(arg, "dtype") and not isinstance(arg, type)
        return self.constant(arg) if arrays and (is_number or is_array) else arg


def record(
    function: Callable[..., Sequence[Any]],
    xp: Any,
    arrays: Sequence[Any],
    settle: Settle | None = None,
    fold: bool = True,
    call: Call | None = None,
) -> tuple[list[Value], list[Value]]:
    """Run ``function(namespace, *arguments)`` on ``arrays``; returns its equations, arguments first, and its results.

    Equations that no result needs are left out. ``call``: what makes each call; without it, it is computed. Raises
    TraceError where the function cannot be recorded.
    """
    tape = Tape(xp, settle, fold, call)
    arguments = [tape.argument(array) for array in arrays]
    results = [tape.enter(r) for r in function(Namespace(xp, tape.apply), *arguments)]
    return still_read(tape.values, results), results


def computed(function: Callable[..., Any], args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """The result of a call."""
    return function(*args, **keywords)


def _key(item: Any) -> Any:
    if isinstance(item, Value):
        return id(item)
    if isinstance(item, (list, tuple)):
        return (type(item).__name__, *map(_key, item))
    return (id(item), "array") if hasattr(item, "dtype") and hasattr(item, "shape") else (type(item), repr(item))
