"""Recording: run a function of arrays once and write down, as equations, what it computed.

The function is handed a ``Namespace`` in place of the array library's, and ``Traced`` values in place of arrays. Each
call computes at once, for shapes and dtypes, and is written on a ``Tape``; equal calls are written once, and what does
not depend on the arguments is computed now and kept as a constant. Other arrays live as long as the function holds
their ``Traced`` values, so that recording takes no more memory than a run. A backend then replays the equations its own
way.
"""

import operator
from collections.abc import Callable, Sequence
from math import prod
from types import ModuleType
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from miniflow_xp import dtypes
from miniflow_xp.backend import Backend, Capture
from miniflow_xp.broadcasting import shape_of
from miniflow_xp.errors import MiniflowError

BY_OPERATOR: dict[str, Callable[..., Any]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": operator.truediv,
    "floor_divide": operator.floordiv,
    "remainder": operator.mod,
    "pow": operator.pow,
    "negative": operator.neg,
    "positive": operator.pos,
    "abs": operator.abs,
    "bitwise_invert": operator.invert,
    "bitwise_and": operator.and_,
    "bitwise_or": operator.or_,
    "bitwise_xor": operator.xor,
    "bitwise_left_shift": operator.lshift,
    "bitwise_right_shift": operator.rshift,
    "equal": operator.eq,
    "not_equal": operator.ne,
    "less": operator.lt,
    "less_equal": operator.le,
    "greater": operator.gt,
    "greater_equal": operator.ge,
    "getitem": operator.getitem,
}
SHAPE_ONLY = ("ones_like", "zeros_like")  # results that depend on a shape, not on contents
SHAPE_UNKNOWN = ("nonzero", "unique_all", "unique_counts", "unique_inverse", "unique_values")


Kind = TypeVar("Kind")

Settle = Callable[[Any, Sequence[Any]], tuple[Any, bool]]
"""``settle(array, inputs)``: a new array in the memory layout of the replay, and whether it shows an input's memory."""


class TraceError(MiniflowError):
    """The function cannot be recorded: it looks at contents, or leaves the namespace it was handed."""


NOT_RECORDED = (TraceError, TypeError, AttributeError, NotImplementedError)
"""What a function may raise while it is recorded because it does something that only real arrays can."""


class Value:
    """One equation: ``op`` applied to ``inputs``, with keyword arguments; or an argument, or a constant.

    ``inputs`` are Values, or whatever else the function was called with (a shape, an index). Of its array only shape
    and dtype are kept, and whether it is a view, where the backend looked; a constant, an array or a Python number, is
    kept as ``content``. ``parents``: the Values among the inputs, lists of them included. ``kind`` is for a backend to
    fill in.
    """

    __slots__ = ("content", "dtype", "inputs", "is_constant", "is_view", "keywords", "kind", "op", "parents", "shape")

    def __init__(
        self,
        op: str,
        inputs: tuple[Any, ...],
        keywords: dict[str, Any],
        array: Any,
        is_view: bool = False,
    ) -> None:
        self.become(op, inputs, keywords)
        self.shape = shape_of(array)
        self.dtype: Any = getattr(array, "dtype", None)
        self.is_view = is_view
        self.is_constant = op == "constant"
        self.content: Any = array if self.is_constant else None

    def become(self, op: str, inputs: tuple[Any, ...], keywords: dict[str, Any] | None = None) -> None:
        """Compute the same in another way."""
        self.op = op
        self.inputs = inputs
        self.keywords = keywords or {}
        self.parents = flat(inputs, Value)
        self.kind: str | None = None

    @property
    def is_number(self) -> bool:
        """Is this a Python number, which takes the dtype of what it meets?"""
        return self.dtype is None


def contents_wanted(what: str) -> TraceError:
    """The error for a function that cannot be recorded because it needs to know contents."""
    return TraceError(
        "a recorded rule",
        f"it looks at contents {what}",
        "a rule is a pure function of arrays",
        "Choose by xp.where instead of if, and by xp.take instead of a mask",
    )


def not_recorded(what: str) -> TraceError:
    """The error for a call of a function that is not recorded, though it may be a right one."""
    return TraceError(
        "a recorded rule",
        what,
        "recorded are the functions of xp itself that give one array, not those of its extensions",
        "The plain loop runs it; to have it recorded, write it in other functions of xp, or by matmul and the like",
    )


def wrong_index(keys: Sequence[Any]) -> TraceError:
    """The error for an index that is not recorded: a mask, or an array among other indices."""
    if any("bool" in str(getattr(key, "dtype", "")) for key in keys):
        return contents_wanted("of a mask, which says how many elements there are")
    return TraceError(
        "a recorded rule",
        "an array of indices stands among other indices",
        "such an array is recorded where it is the only index",
        "Use xp.take along one axis, or xp.take_along_axis",
    )


class Traced:
    """What a rule sees while it is recorded: it has a shape and a dtype, but no contents to look at."""

    __slots__ = ("__weakref__", "_array", "_tape", "_value")
    __array_ufunc__ = None  # NumPy's own functions are not recorded

    def __init__(self, tape: "Tape", value: Value, array: Any) -> None:
        self._tape = tape
        self._value = value
        self._array = array

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
    def size(self) -> int:
        return prod(self._value.shape)

    @property
    def device(self) -> Any:
        from array_api_compat import device

        return device(self._array)

    def __len__(self) -> int:
        return self._value.shape[0]

    def __bool__(self) -> bool:
        raise contents_wanted(f"of a {self.shape} array")

    __float__ = __int__ = __index__ = __bool__  # none has contents

    def __iter__(self) -> Any:
        raise TraceError(
            "a recorded rule",
            f"it goes through the rows of a {self.shape} array",
            "an array is computed with as a whole",
            "Work along an axis, or take a row by x[0, ...]",
        )

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TraceError(
            "a recorded rule",
            f"it gives a {self.shape} array to a function outside of xp",
            "only functions of xp, and operators, are recorded",
            "Take the function from xp",
        )

    __array_function__ = __array__  # np.sum and others

    def __getitem__(self, key: Any) -> Any:
        keys = key if isinstance(key, tuple) else (key,)
        if any(isinstance(k, Traced) or (hasattr(k, "dtype") and k.dtype != bool) for k in keys):
            if len(keys) == 1 and not (isinstance(key, Traced) and "bool" in str(key.dtype)):
                return self._tape.apply("getitem", (self, key), {})
            raise wrong_index(keys)
        return self._tape.apply("getitem", (self, key), {})

    def __hash__(self) -> int:
        return id(self._value)


def _unary(name: str) -> Callable[[Traced], Any]:
    return lambda self: self._tape.apply(name, (self,), {})


def _binary(name: str, swapped: bool = False) -> Callable[[Traced, Any], Any]:
    def method(self: Traced, other: Any) -> Any:
        pair = (other, self) if swapped else (self, other)
        return self._tape.apply(name, pair, {})

    return method


ARITHMETIC = {
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "truediv": "divide",
    "floordiv": "floor_divide",
    "mod": "remainder",
    "pow": "pow",
    "matmul": "matmul",
    "and": "bitwise_and",
    "or": "bitwise_or",
    "xor": "bitwise_xor",
    "lshift": "bitwise_left_shift",
    "rshift": "bitwise_right_shift",
}
COMPARISONS = {
    "eq": "equal",
    "ne": "not_equal",
    "lt": "less",
    "le": "less_equal",
    "gt": "greater",
    "ge": "greater_equal",
}
UNARY = {"neg": "negative", "pos": "positive", "abs": "abs", "invert": "bitwise_invert"}

for _dunder, _name in ARITHMETIC.items():
    setattr(Traced, f"__{_dunder}__", _binary(_name))
    setattr(Traced, f"__r{_dunder}__", _binary(_name, swapped=True))
for _dunder, _name in COMPARISONS.items():
    setattr(Traced, f"__{_dunder}__", _binary(_name))
for _dunder, _name in UNARY.items():
    setattr(Traced, f"__{_dunder}__", _unary(_name))


class Tape:
    """The equations recorded so far, in order; ``fold``: what does not depend on contents becomes a constant."""

    def __init__(self, xp: Any, settle: Settle | None = None, fold: bool = True) -> None:
        self.xp = xp
        self.settle = settle
        self.fold = fold
        self.values: list[Value] = []
        self._seen: dict[Any, Value] = {}
        self._alive: WeakValueDictionary[Value, Traced] = WeakValueDictionary()

    def argument(self, array: Any) -> Traced:
        """A new argument of the recorded function, which stands for ``array``."""
        value = Value("argument", (), {}, array)
        self.values.append(value)
        return Traced(self, value, array)

    def constant(self, content: Any) -> Value:
        """An array, or a Python number, that is the same in every run."""
        key = ("number", repr(content)) if isinstance(content, int | float) else ("array", id(content))
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
        found = self._alive[known] = Traced(self, known, array)
        return found

    def _compute(self, op: str, args: tuple[Any, ...], keywords: dict[str, Any]) -> tuple[Any, bool]:
        """The array, and does it show the memory of an input?"""
        if op in SHAPE_UNKNOWN or (
            op == "repeat" and any(isinstance(a, Traced) for a in (*args[1:], *keywords.values()))
        ):
            raise contents_wanted(f"by {op}, whose result has a shape that depends on them")
        array = (BY_OPERATOR.get(op) or getattr(self.xp, op))(*map(array_of, args), **keywords)
        if isinstance(array, list | tuple):
            raise not_recorded(f"{op} returns several arrays")
        return (array, False) if self.settle is None else self.settle(array, [array_of(t) for t in traced(args)])

    def _written(self, value: Value, array: Any) -> Value:
        """The value as an equation, or as a constant where it does not depend on contents."""
        if self.fold and (value.op in SHAPE_ONLY or all(p.is_constant for p in value.parents)):
            return self.constant(array)
        self.values.append(value)
        return value

    def enter(self, arg: Any, arrays: bool = True) -> Any:
        """What a function was called with, as it stands in an equation."""
        if isinstance(arg, Traced):
            return arg._value  # noqa: SLF001  Tape and Traced are one mechanism
        if holds_traced(arg):
            return [self.enter(a, arrays) for a in arg]
        is_number = isinstance(arg, int | float)
        is_array = hasattr(arg, "dtype") and not isinstance(arg, type)
        return self.constant(arg) if arrays and (is_number or is_array) else arg


class Namespace:
    """An array library's namespace whose functions are recorded."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._tape.xp, name)
        if isinstance(found, ModuleType):
            return Extension(found, name)
        if not callable(found) or isinstance(found, type):
            return found  # a dtype, or a number such as pi

        def recorded(*args: Any, **keywords: Any) -> Any:
            if traced(args):
                return self._tape.apply(name, args, keywords)
            return found(*args, **keywords)

        setattr(self, name, recorded)
        return recorded


class Extension:
    """An extension of the standard, such as ``linalg``, whose functions are called but not recorded."""

    def __init__(self, module: ModuleType, name: str) -> None:
        self._module = module
        self._name = name

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._module, name)

        def unrecorded(*args: Any, **keywords: Any) -> Any:
            if traced([*args, *keywords.values()]):
                raise not_recorded(f"{self._name}.{name} is not recorded")
            return found(*args, **keywords)

        return unrecorded if callable(found) and not isinstance(found, type) else found


def record(
    function: Callable[..., Sequence[Any]],
    xp: Any,
    arrays: Sequence[Any],
    settle: Settle | None = None,
    fold: bool = True,
) -> tuple[list[Value], list[Value]]:
    """Run ``function(namespace, *arguments)`` on ``arrays``; returns its equations, arguments first, and its results.

    Equations that no result needs are left out. Raises TraceError where the function cannot be recorded.
    """
    tape = Tape(xp, settle, fold)
    arguments = [tape.argument(array) for array in arrays]
    results = [tape.enter(r) for r in function(Namespace(tape), *arguments)]
    return still_read(tape.values, results), results


def still_read(values: Sequence[Value], results: Sequence[Value]) -> list[Value]:
    """The equations that a result depends on, in order, and all arguments."""
    needed = set(results)
    for value in reversed(values):
        if value in needed:
            needed.update(value.parents)
    return [v for v in values if v in needed or v.op == "argument"]


def captured_or_plain(
    native: Callable[..., Any],
    backend: Backend,
    function: Callable[..., Sequence[Any]],
    arrays: Sequence[Any],
    state: int,
) -> Any:
    """``native(backend, function, arrays, state)``, or the plain loop where the function cannot be recorded.

    What is wrong with the step itself, such as shapes that do not fit, is raised.
    """
    try:
        return native(backend, function, arrays, state)
    except NOT_RECORDED as error:
        if isinstance(error, MiniflowError) and not isinstance(error, TraceError):
            raise
        return Capture(backend, function, arrays, state, f"it cannot be recorded: {error}")


def describe(values: Sequence[Value], results: Sequence[Value]) -> str:
    """The equations as text, one a line: ``v3 = matmul(v0, v1)  float32 (64, 10)``."""
    names = {value: f"v{n}" for n, value in enumerate(values)}

    def spell(item: Any) -> str:
        if isinstance(item, Value):
            return names.get(item) or (repr(item.content) if item.shape == () else f"constant {item.shape}")
        return f"[{', '.join(map(spell, item))}]" if isinstance(item, list) else repr(item)

    lines = []
    for value in values:
        call = ", ".join([*map(spell, value.inputs), *(f"{k}={v!r}" for k, v in value.keywords.items())])
        lines.append(f"{names[value]} = {value.op}({call})  {dtypes.name_of(value)} {value.shape}")
    return "\n".join([*lines, f"return {', '.join(map(spell, results))}"])


def holds_traced(item: Any) -> bool:
    """Is this a list of arrays that are recorded?"""
    return isinstance(item, list | tuple) and any(isinstance(i, Traced) for i in item)


def traced(args: Sequence[Any]) -> list[Traced]:
    """What is recorded among the arguments of a call, lists of them included."""
    return flat(args, Traced)


def flat(items: Sequence[Any], kind: type[Kind]) -> list[Kind]:
    """The items of a kind, and those in lists among them."""
    found = []
    for item in items:
        if isinstance(item, kind):
            found.append(item)
        elif isinstance(item, list | tuple):
            found += [i for i in item if isinstance(i, kind)]
    return found


def array_of(item: Any) -> Any:
    """What the library's function is given for an argument of a call."""
    if isinstance(item, Traced):
        return item._array  # noqa: SLF001  as above
    return [array_of(i) for i in item] if holds_traced(item) else item


def _key(item: Any) -> Any:
    if isinstance(item, Value):
        return id(item)
    if isinstance(item, list | tuple):
        return (type(item).__name__, *map(_key, item))
    return (id(item), "array") if hasattr(item, "dtype") and hasattr(item, "shape") else (type(item), repr(item))
