"""Recording: run a function of arrays once and write down, as equations, what it computed.

The function is handed traced arrays of the lowest level. Each call computes at once, for shapes and dtypes, and is
written on a ``Tape``; equal calls are written once, and what does not depend on the arguments is computed now and kept
as a constant. Other arrays live as long as the function holds their traced ones, so that recording takes no more memory
than a run. A backend then replays the equations its own way.
"""

from collections.abc import Callable, Sequence
from typing import Any
from weakref import ref

from miniflow_xp.arrays.calls import ORDINARY, enter_ordinary, leaves, rebuilt
from miniflow_xp.arrays.equations import CONSTANT, RECORDED, STALE
from miniflow_xp.arrays.introductions import introduce
from miniflow_xp.arrays.keys import PLAIN
from miniflow_xp.arrays.namespace import Namespace
from miniflow_xp.arrays.refusals import contents_wanted, stale
from miniflow_xp.arrays.traced import Traced
from miniflow_xp.errors import DifferentiationError
from miniflow_xp.recording.equations import Value, is_constant, parents_of
from miniflow_xp.recording.walks import still_read

SHAPE_ONLY = ("ones_like", "zeros_like")  # results that depend on a shape, not on contents
SHAPE_UNKNOWN = ("nonzero", "unique_all", "unique_counts", "unique_inverse", "unique_values")
SMALL = 1 << 12  # bytes, which are compared in a microsecond: numbers of classes, factors
OF_THEMSELVES = {bool, int, str, type(None)}  # types whose equal objects are the same; not floats: 0.0 == -0.0
MAY_BE_UNKNOWN = {*SHAPE_UNKNOWN, "repeat", "where", "getitem", "add_at"}

Settle = Callable[[Any, Sequence[Any]], tuple[Any, bool]]
"""``settle(array, args)``: a new array in the memory layout of the replay, and whether it shows the memory of one of
the traced arrays it was made of."""

Call = Callable[[Callable[..., Any], tuple[Any, ...], dict[str, Any]], Any]
"""``call(function, arguments, keywords)``: the result of a call, or what stands for it and has its shape and dtype."""


class Tape:
    """The equations recorded so far, in order; ``fold``: what does not depend on contents becomes a constant."""

    def __init__(self, library: Any, settle: Settle | None = None, fold: bool = True, call: Call | None = None) -> None:
        self.library = library
        self.xp = Namespace(library, self)
        self.settle = settle
        self.fold = fold
        self.call = call
        self.values: list[Value] = []
        self._seen: dict[Any, Value] = {}
        self._alive: dict[Value, ref[Traced]] = {}

    def argument(self, array: Any) -> Traced:
        """A new argument of the recorded function, which stands for ``array``."""
        value = Value("argument", (), {}, array)
        self.values.append(value)
        return Traced(array, RECORDED, value, None, self.xp)

    def constant(self, content: Any) -> Value:
        """An array, or a Python number, that is the same in every run."""
        key = key_of_constant(content)
        found = self._seen.get(key)
        if found is None:
            if key[0] == "contents":
                content = content.copy(order="K")  # what it is now: the function may write to it
            found = self._seen[key] = Value("constant", (), {}, content)
        return found

    def apply(self, op: Any, args: Sequence[Any], keywords: dict[str, Any]) -> Any:
        """Compute ``op`` and write it down; an operation of one's own by what it is made of."""
        if type(op) is not str:
            return op.call(*args)
        inputs, arrays = self._entered(op, args)
        named = tuple(sorted([(k, key_of(v)) for k, v in keywords.items()])) if keywords else ()
        key = (op, inputs if parents_of(inputs) is inputs else key_of(inputs), named)
        known = self._seen.get(key)
        if known is None:
            array, is_view = self._compute(op, args, arrays, keywords)
            known = self._seen[key] = self._written(Value(op, inputs, keywords, array, is_view), array)
        elif (alive := self._alive_of(known)) is not None and alive.equation is known:  # and was not written to
            array = alive.array
        else:
            array = known.content if known.is_constant else self._compute(op, args, arrays, keywords)[0]
        return self._several(known, array) if known.is_several else self._traced(known, array)

    def _entered(self, op: str, args: Sequence[Any]) -> tuple[tuple[Any, ...], list[Any]]:
        """The arguments of a call as they stand in an equation, and as the library's function takes them."""
        inputs, arrays, xp = [], [], self.xp
        for arg in args:
            if type(arg) is Traced and arg.level == RECORDED and arg.xp is xp:  # as most are
                inputs.append(arg.equation)
                arrays.append(arg.array)
            else:
                inputs.append(self.enter(arg, arrays=op != "getitem" or not inputs))
                arrays.append(_array_of(arg))
        return tuple(inputs), arrays

    def _traced(self, value: Value, array: Any) -> Traced:
        found = Traced(array, RECORDED, value, None, self.xp)
        self._alive[value] = ref(found)
        return found

    def _alive_of(self, value: Value) -> Traced | None:
        """What stands for a value, if somebody still holds it."""
        found = self._alive.get(value)
        return None if found is None else found()

    def _several(self, known: Value, arrays: Any) -> Any:
        """The results of a function that gives several: an equation for each, which takes it out."""
        found = []
        for n, array in enumerate(arrays):
            if not hasattr(array, "dtype"):
                found.append(array)
                continue
            key = ("item", id(known), n)
            if key not in self._seen:
                item = Value("item", (known, n), {}, array)
                self._seen[key] = self._written(item, array)
            found.append(self._traced(self._seen[key], array))
        return rebuilt(arrays, found)

    def _compute(
        self, op: str, args: Sequence[Any], arrays: Sequence[Any], keywords: dict[str, Any]
    ) -> tuple[Any, bool]:
        """The array, and whether it shows the memory of an input."""
        if op in MAY_BE_UNKNOWN:
            check_shape_is_known(op, args)
        function = self.xp.native(op)
        if self.call is not None:
            array = self.call(function, tuple(arrays), keywords)
        else:
            array = function(*arrays, **keywords) if keywords else function(*arrays)
        if self.settle is None:
            return array, False
        if isinstance(array, (tuple, list)):
            return rebuilt(array, [self.settle(a, ())[0] for a in array]), False
        return self.settle(array, args)

    def _written(self, value: Value, array: Any) -> Value:
        """The value as an equation, or as a constant where it does not depend on contents."""
        if self.fold and (value.op in SHAPE_ONLY or all(map(is_constant, value.parents))):
            return self.constant(array)
        self.values.append(value)
        return value

    def enter(self, arg: Any, arrays: bool = True) -> Any:
        """An argument of a call, as it stands in an equation; ``arrays``: do they, and numbers, stand as Values?"""
        if type(arg) is Traced:
            return self._value_of(arg)
        if isinstance(arg, (list, tuple)):
            if leaves(arg):
                return rebuilt(arg, [self.enter(a, arrays) for a in arg])
            return arg if PLAIN.issuperset(map(type, arg)) else rebuilt(arg, [self.enter(a, False) for a in arg])
        if type(arg) not in ORDINARY:
            enter_ordinary(type(arg))
        is_array = hasattr(arg, "dtype") and not isinstance(arg, type)
        if not arrays:
            return self.constant(arg).content if is_array else arg
        return self.constant(arg) if is_array or isinstance(arg, (int, float, complex)) else arg

    def _value_of(self, traced: Traced) -> Value:
        if traced.level == RECORDED and traced.xp.tape is self:
            value: Value = traced.equation
            return value
        if traced.level == CONSTANT:
            return self.constant(traced.array)
        raise stale(traced.place) if traced.level == STALE else foreign(traced.shape)


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
    introduce()
    tape = Tape(xp, settle, fold, call)
    try:
        arguments = [tape.argument(array) for array in arrays]
        results = [tape.enter(r) for r in function(tape.xp, *arguments)]
        return still_read(tape.values, results), results
    finally:
        tape.xp.tape = None  # counting references frees what was recorded


def foreign(shape: tuple[int, ...]) -> DifferentiationError:
    """The error for an array that belongs to a differentiation, or recording, outside of the recorded function."""
    return DifferentiationError(
        "a recorded function",
        f"it reads a {shape} array that is differentiated, or recorded, outside of it",
        "what it reads are its own arguments, and constants",
        "Give the array as an argument",
    )


def check_shape_is_known(op: str, args: Sequence[Any]) -> None:
    """Raise ContentsError where the shape of the result depends on contents that are recorded."""
    by_contents = op == "repeat" and any(a.level == RECORDED for a in leaves(args[1:]))
    if op in SHAPE_UNKNOWN or by_contents or (op == "where" and len(args) == 1):
        raise contents_wanted(f"by {op}, whose result has a shape that depends on them")
    if op in ("getitem", "add_at"):
        keys = args[1] if isinstance(args[1], tuple) else (args[1],)
        if any(type(k) is Traced and k.level == RECORDED and "bool" in str(k.dtype) for k in keys):
            raise contents_wanted("of a mask, which says how many elements there are")


def _array_of(item: Any) -> Any:
    """An argument of a call, as the library's function takes it."""
    if type(item) is Traced:
        return item.array
    if isinstance(item, (list, tuple)) and leaves(item):
        return rebuilt(item, [_array_of(i) for i in item])
    return item


def key_of_constant(content: Any) -> tuple[Any, ...]:
    """What tells a constant from others: what is in it, of a number and of a small array of NumPy; else which it is."""
    if isinstance(content, (int, float, complex)):
        return "number", repr(content)
    if type(content).__module__ == "numpy" and content.nbytes <= SMALL:
        return "contents", content.dtype, content.shape, content.strides, content.tobytes()
    return "array", id(content)


def key_of(item: Any) -> Any:
    """What tells an argument of a call from others."""
    kind = type(item)
    if kind is Value:
        return item
    if kind in OF_THEMSELVES:
        return kind, item
    if isinstance(item, (list, tuple)):
        return (type(item).__name__, *map(key_of, item))
    return (id(item), "array") if hasattr(item, "dtype") and hasattr(item, "shape") else (type(item), repr(item))
