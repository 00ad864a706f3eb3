"""Recording: run a function of arrays once and write down, as equations, what it computed.

The function is handed a ``Namespace`` in place of the array library's, and ``Traced`` values in place of arrays. Each
call computes at once, for shapes and dtypes, and is written on a ``Tape``; equal calls are written once, and what does
not depend on the arguments is computed now and kept as a constant. A backend then replays the equations its own way.
"""

import operator
from collections.abc import Callable, Sequence
from typing import Any

from miniflow_xp import dtypes
from miniflow_xp.errors import MiniflowError

BY_OPERATOR: dict[str, Callable[..., Any]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "pow": operator.pow,
    "negative": operator.neg,
    "equal": operator.eq,
    "not_equal": operator.ne,
    "less": operator.lt,
    "less_equal": operator.le,
    "greater": operator.gt,
    "greater_equal": operator.ge,
    "getitem": operator.getitem,
}
SHAPE_ONLY = ("ones_like", "zeros_like", "full_like")  # results that depend on a shape, not on contents


class TraceError(MiniflowError):
    """The function cannot be recorded: it looks at contents, or leaves the namespace it was handed."""


class Value:
    """One equation: ``op`` applied to ``inputs``, with keyword arguments; or an argument, or a constant.

    ``inputs`` are Values, or whatever else the function was called with (a shape, an index). ``sample`` is the array
    that it had while recording.
    """

    __slots__ = ("inputs", "keywords", "op", "sample")

    def __init__(self, op: str, inputs: tuple[Any, ...], keywords: dict[str, Any], sample: Any) -> None:
        self.op = op
        self.inputs = inputs
        self.keywords = keywords
        self.sample = sample

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(getattr(self.sample, "shape", ()))

    @property
    def dtype(self) -> Any:
        return self.sample.dtype

    @property
    def is_constant(self) -> bool:
        return self.op == "constant"

    def parents(self) -> list["Value"]:
        """The Values among the inputs, lists of them included."""
        flat = [v for i in self.inputs for v in (i if isinstance(i, list | tuple) else [i])]
        return [v for v in flat if isinstance(v, Value)]


class Traced:
    """What a rule sees while it is recorded: it has a shape and a dtype, but no contents to look at."""

    __slots__ = ("_tape", "_value")
    __array_ufunc__ = None  # NumPy's own functions are not recorded

    def __init__(self, tape: "Tape", value: Value) -> None:
        self._tape = tape
        self._value = value

    @property
    def shape(self) -> tuple[int, ...]:
        return self._value.shape

    @property
    def ndim(self) -> int:
        return len(self._value.shape)

    @property
    def dtype(self) -> Any:
        return self._value.dtype

    @property
    def device(self) -> Any:
        from array_api_compat import device

        return device(self._value.sample)

    def __bool__(self) -> bool:
        raise TraceError(
            "a recorded rule",
            f"it looks at the contents of a {self.shape} array",
            "a rule is a pure function of arrays",
            "Choose by xp.where instead of if",
        )

    __float__ = __int__ = __index__ = __iter__ = __array__ = __bool__  # none has contents

    def __getitem__(self, key: Any) -> Any:
        return self._tape.apply("getitem", (self, key), {})

    def __neg__(self) -> Any:
        return self._tape.apply("negative", (self,), {})

    def __hash__(self) -> int:
        return id(self._value)


def _binary(name: str, swapped: bool = False) -> Callable[[Traced, Any], Any]:
    def method(self: Traced, other: Any) -> Any:
        pair = (other, self) if swapped else (self, other)
        return self._tape.apply(name, pair, {})

    return method


for _dunder, _name in {
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "truediv": "divide",
    "pow": "pow",
}.items():
    setattr(Traced, f"__{_dunder}__", _binary(_name))
    setattr(Traced, f"__r{_dunder}__", _binary(_name, swapped=True))
for _dunder, _name in {
    "eq": "equal",
    "ne": "not_equal",
    "lt": "less",
    "le": "less_equal",
    "gt": "greater",
    "ge": "greater_equal",
    "matmul": "matmul",
}.items():
    setattr(Traced, f"__{_dunder}__", _binary(_name))


class Tape:
    """The equations recorded so far, in order."""

    def __init__(self, xp: Any) -> None:
        self.xp = xp
        self.values: list[Value] = []
        self._seen: dict[Any, Value] = {}

    def argument(self, array: Any) -> Traced:
        """A new argument of the recorded function, with ``array`` as its sample."""
        return Traced(self, self._write(Value("argument", (), {}, array)))

    def constant(self, array: Any) -> Value:
        """An array, or a Python number, that is the same in every run."""
        if isinstance(array, int | float):
            return self._once(("number", type(array), array), lambda: Value("constant", (), {}, array))
        return self._once(("array", id(array)), lambda: Value("constant", (), {}, array))

    def apply(self, op: str, args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """Compute ``op`` and write it down."""
        inputs = tuple(self.enter(a, arrays=n == 0 or op != "getitem") for n, a in enumerate(args))
        function = BY_OPERATOR.get(op) or getattr(self.xp, op)
        key = (op, *(_key(i) for i in inputs), *sorted((k, _key(v)) for k, v in keywords.items()))
        if key in self._seen:
            return Traced(self, self._seen[key])
        sample = function(*(_samples(i) for i in inputs), **{k: _samples(v) for k, v in keywords.items()})
        if isinstance(sample, list | tuple):
            raise TraceError("a recorded rule", f"{op} returns several arrays", "each equation has one", "Avoid it")
        parents = Value(op, inputs, keywords, sample).parents()
        if op in SHAPE_ONLY or all(p.is_constant for p in parents):
            return Traced(self, self._once(key, lambda: self.constant(sample)))
        return Traced(self, self._once(key, lambda: self._write(Value(op, inputs, keywords, sample))))

    def enter(self, arg: Any, arrays: bool = True) -> Any:
        """What a function was called with, as it stands in an equation."""
        if isinstance(arg, Traced):
            return arg._value  # noqa: SLF001  Tape and Traced are one mechanism
        if isinstance(arg, list | tuple) and any(isinstance(a, Traced) for a in arg):
            return [self.enter(a, arrays) for a in arg]
        is_number = isinstance(arg, int | float) and not isinstance(arg, bool)
        is_array = hasattr(arg, "dtype") and not isinstance(arg, type)
        return self.constant(arg) if arrays and (is_number or is_array) else arg

    def _write(self, value: Value) -> Value:
        self.values.append(value)
        return value

    def _once(self, key: Any, make: Callable[[], Value]) -> Value:
        if key not in self._seen:
            self._seen[key] = make()
        return self._seen[key]


class Namespace:
    """An array library's namespace whose functions are recorded."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._tape.xp, name)
        if not callable(found) or isinstance(found, type):
            return found  # a dtype, or a number such as pi

        def recorded(*args: Any, **keywords: Any) -> Any:
            arrays = [a for arg in args for a in (arg if isinstance(arg, list | tuple) else [arg])]
            if any(isinstance(a, Traced) for a in arrays):
                return self._tape.apply(name, args, keywords)
            return found(*args, **keywords)

        setattr(self, name, recorded)
        return recorded


def record(function: Callable[..., Sequence[Any]], xp: Any, arrays: Sequence[Any]) -> tuple[list[Value], list[Value]]:
    """Run ``function(namespace, *arguments)`` on ``arrays``; returns its equations, arguments first, and its results.

    Equations that no result needs are left out. Raises TraceError where the function cannot be recorded.
    """
    tape = Tape(xp)
    arguments = [tape.argument(array) for array in arrays]
    results = [tape.enter(r) for r in function(Namespace(tape), *arguments)]
    needed: set[Value] = set()
    todo = list(results)
    while todo:
        value = todo.pop()
        if value not in needed:
            needed.add(value)
            todo.extend(value.parents())
    return [v for v in tape.values if v in needed or v.op == "argument"], results


def describe(values: Sequence[Value], results: Sequence[Value]) -> str:
    """The equations as text, one a line: ``v3 = matmul(v0, v1)  float32 (64, 10)``."""
    names = {value: f"v{n}" for n, value in enumerate(values)}

    def spell(item: Any) -> str:
        if isinstance(item, Value):
            return names.get(item) or (repr(item.sample) if item.shape == () else f"constant {item.shape}")
        return f"[{', '.join(map(spell, item))}]" if isinstance(item, list) else repr(item)

    lines = []
    for value in values:
        call = ", ".join([*map(spell, value.inputs), *(f"{k}={v!r}" for k, v in value.keywords.items())])
        lines.append(f"{names[value]} = {value.op}({call})  {dtypes.name_of(value)} {value.shape}")
    return "\n".join([*lines, f"return {', '.join(map(spell, results))}"])


def _samples(item: Any) -> Any:
    if isinstance(item, Value):
        return item.sample
    return [_samples(i) for i in item] if isinstance(item, list) else item


def _key(item: Any) -> Any:
    if isinstance(item, Value):
        return id(item)
    if isinstance(item, list | tuple):
        return (type(item).__name__, *map(_key, item))
    return repr(item) if isinstance(item, slice) else item
