"""A call on traced arrays: the one way from a function's name to its value, and to what is remembered of it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from miniflow_xp.arrays.equations import CONSTANT, RECORDED, STALE, Equation, Form, Parent, open_levels
from miniflow_xp.arrays.keys import PLAIN
from miniflow_xp.arrays.libraries import name_of_library
from miniflow_xp.arrays.memory import noted
from miniflow_xp.arrays.refusals import (
    by_keyword,
    closes_over,
    mixed_libraries,
    no_rule,
    not_recorded,
    outlived,
    stale,
)
from miniflow_xp.arrays.tables import POSITIONAL, RULES, VIEWS, WITHOUT_GRADIENT, Rule, unseen
from miniflow_xp.arrays.traced import Traced, ground, without_closed_levels
from miniflow_xp.errors import FeedError
from miniflow_xp.given import wrong_with
from miniflow_xp.system.callers import calling_line


class Operation:
    """A function of one's own as one equation: ``call(*arrays)`` gives a tuple, ``rule`` differentiates it."""

    def __init__(self, name: str, call: Callable[..., tuple[Any, ...]], rule: Rule) -> None:
        self.name = name
        self.call = call
        self.rule = rule

    def __str__(self) -> str:
        return self.name


NOTHING: dict[str, Any] = {}
REFUSING = ("linalg.", "fft.")
"""Functions whose rules may refuse, depending on what is asked of them: the user's line is remembered."""


def apply(op: Any, xp: Any, args: Sequence[Any], keywords: dict[str, Any] = NOTHING) -> Any:
    """Call ``op`` on arrays of the namespace ``xp``, at the highest level among them, and remember it there.

    ``op``: a function's name, or an operation of its own, with ``call(*arrays)`` and ``rule``. A call takes the highest
    level off its arguments, computes below, and gives what comes back that level and an equation.
    """
    if keywords and (op in POSITIONAL or Traced in map(type, keywords.values())):
        args, keywords = positional(op, args, keywords)
    top = level_of(args)
    if top <= RECORDED:
        made = undifferentiated(op, xp, args, keywords, top)
        return noted(op, args, keywords, made) if op in VIEWS else made
    if top == STALE:
        raise stale(next(a.place for a in leaves(args) if a.level == STALE))
    named = type(op) is str
    rule = RULES.get(op) if named else op.rule
    if rule is None:
        if op not in WITHOUT_GRADIENT:
            raise no_rule(op)
        args = [without_gradient(a) for a in args]
        return undifferentiated(op, xp, args, keywords, level_of(args))
    parents: list[Parent] = []
    inputs, below = lowered(args, top, parents)
    if not named:
        value = called_below(op, inputs, below, top)
    elif below is not None:
        value = apply(op, below, inputs, keywords)
    else:
        value = called_natively(op, xp, inputs, keywords)
    equation = Equation(op, inputs, keywords, value, parents, rule, xp, below)
    if below is None and not _keeping:
        forget(equation)
    if not named or op.startswith(REFUSING):
        equation.line = calling_line()
    if isinstance(value, (tuple, list)):
        return rebuilt(value, [linked(v, top, equation, n, xp) for n, v in enumerate(value)])
    made = linked(value, top, equation, None, xp)
    return noted(op, args, keywords, made) if op in VIEWS else made


_keeping: list[None] = []
"""An item for each block in which everything is kept, of any thread: a list takes and gives one without a lock."""


@contextmanager
def everything_kept() -> Iterator[None]:
    """A block in which equations keep all arrays, for who asks for those of their inputs later."""
    _keeping.append(None)
    try:
        yield
    finally:
        _keeping.pop()


def unseen_of(equation: Equation) -> tuple[bool, frozenset[int | str]]:
    """What the rule of a call does not look at: the value? Which inputs? An operation of one's own keeps all."""
    if type(equation.op) is not str:
        return False, frozenset()
    parents = equation.parents
    return unseen(equation.op, parents[0][0] if len(parents) == 1 else None, len(equation.inputs))


def forget(equation: Equation) -> None:
    """Let go of the library's arrays that the rule does not look at: their memory is used again at once."""
    inputs, parents = equation.inputs, equation.parents
    value_too, places = unseen_of(equation)
    if value_too:
        equation.value = None
    if not places:
        return
    for place, item, _, _ in parents:
        if place in places:
            if item is None:
                inputs[place] = Form(inputs[place])
            else:
                inputs[place][item] = Form(inputs[place][item])
    if len(parents) < len(inputs):
        for place, given in enumerate(inputs):
            if place in places and type(given) is not Form and is_array(given):
                inputs[place] = Form(given)


def is_array(item: Any) -> bool:
    """Is this an array, rather than a dtype or a number?"""
    return hasattr(item, "dtype") and isinstance(getattr(item, "shape", None), tuple)


def lowered(args: Sequence[Any], top: int, parents: list[Parent], place: int | None = None) -> tuple[list[Any], Any]:
    """The arguments one level below, and the namespace of those that are still traced there, None where none is.

    Those of the level that is taken off are entered among the parents; ``place``: that of the list they stand in.
    """
    inputs: list[Any] = []
    below = None
    for n, arg in enumerate(args):
        kind = type(arg)
        if kind is Traced:
            if arg.level == top:
                parents.append(
                    (n, None, arg.equation, arg.place) if place is None else (place, n, arg.equation, arg.place)
                )
                arg = arg.array
            elif arg.level == CONSTANT:
                arg = arg.array
            if type(arg) is Traced:
                if arg.level not in open_levels:
                    arg = without_closed_levels(arg)
                if type(arg) is Traced and (below is None or arg.xp.tape is not None):
                    below = arg.xp
        elif (kind is list or kind is tuple) and place is None:
            known = len(parents)
            items, deeper = lowered(arg, top, parents, n)
            arg = kind(items) if len(parents) == known else items  # an index stays a tuple
            if deeper is not None and (below is None or deeper.tape is not None):
                below = deeper
        elif kind not in ORDINARY:
            enter_ordinary(kind)
        inputs.append(arg)
    return inputs, below


ORDINARY: set[type] = set()
"""Classes of arguments that compute as arrays do, or are none; one is entered when it is first met."""


def enter_ordinary(kind: type) -> None:
    """Enter a class among the ordinary ones; raises FeedError for what computes otherwise, as masked arrays do."""
    wrong = wrong_with(kind)
    if wrong is not None:
        raise FeedError(f"an argument, at {calling_line()}", *wrong)
    ORDINARY.add(kind)


def called_below(operation: Operation, inputs: Sequence[Any], below: Any, top: int) -> tuple[Any, ...]:
    """The results of an operation of one's own, one level below; raises where they depend on more than its inputs."""
    if below is not None:
        inputs = [boxed(i, below) for i in inputs]
    results = operation.call(*inputs)
    if level_of(results) >= top:
        raise closes_over(operation.name)
    return results


def linked(value: Any, level: int, equation: Equation, place: int | None, xp: Any) -> Any:
    """A result as a traced array of this level; as a constant of this differentiation where it has no gradient."""
    dtype = getattr(value, "dtype", None)
    if dtype is None:
        return value
    if type(value) is Traced:
        return Traced(value, level, equation, place, value.xp) if xp.inexact(dtype) else value
    if xp.inexact(dtype):
        return Traced(value, level, equation, place, xp)
    return Traced(value, CONSTANT, None, None, xp)


def undifferentiated(op: Any, xp: Any, args: Sequence[Any], keywords: dict[str, Any], level: int) -> Any:
    """Call ``op`` on arrays that no differentiation follows: recorded ones, or constants. ``level``: the highest."""
    if level == RECORDED:
        recorded = args[0]
        if type(recorded) is not Traced or recorded.level != RECORDED:
            recorded = next(arg for arg in leaves(args) if arg.level == RECORDED)
        tape = recorded.xp.tape
        if tape is None:
            raise outlived(recorded.shape)
        return tape.apply(op, args, keywords)
    if type(op) is not str:
        return op.call(*args)
    if keywords:
        keywords = {name: grounded(value) for name, value in keywords.items()}
    return boxed(called_natively(op, xp, [grounded(a) for a in args], keywords), xp)


def called_natively(op: str, xp: Any, inputs: Sequence[Any], keywords: dict[str, Any]) -> Any:
    """The value of ``op`` on the library's own arrays."""
    try:
        return xp.native(op)(*inputs, **keywords)
    except TypeError:
        check_libraries(op, inputs, name_of_library(xp.library))
        raise


def boxed(value: Any, xp: Any) -> Any:
    """A library's array as a constant of the namespace; also in lists and tuples of arrays."""
    if isinstance(value, (tuple, list)):
        return rebuilt(value, [boxed(v, xp) for v in value])
    if hasattr(value, "dtype") and hasattr(value, "shape") and type(value) is not Traced:
        return Traced(value, CONSTANT, None, None, xp)
    return value


def leaves(args: Sequence[Any]) -> list[Traced]:
    """The traced arrays among the arguments of a call, including those in lists and tuples."""
    found = []
    for arg in args:
        if type(arg) is Traced:
            found.append(arg)
        elif isinstance(arg, (list, tuple)):
            found += leaves(arg)
    return found


def level_of(args: Sequence[Any]) -> int:
    """The highest level among the arguments of a call."""
    top = 0
    for arg in args:
        kind = type(arg)
        if kind is Traced:
            if arg.level > top:
                top = arg.level
        elif kind is list or kind is tuple:
            for item in arg:
                if type(item) is Traced and item.level > top:
                    top = item.level
    return top


def positional(op: Any, args: Sequence[Any], keywords: dict[str, Any]) -> tuple[Sequence[Any], dict[str, Any]]:
    """Arguments and keywords, with arrays that were given by keyword moved to their place; keywords hold none."""
    names = POSITIONAL.get(op)
    if names is not None:
        keywords = dict(keywords)
        args = list(args)
        for n in range(len(args), len(names)):
            if any(name in keywords for name in names[n:]):
                args.append(keywords.pop(names[n], None))
    if any(type(value) is Traced for value in keywords.values()):
        keywords = {name: constant_keyword(op, name, value) for name, value in keywords.items()}
    return args, keywords


def constant_keyword(op: Any, name: str, value: Any) -> Any:
    """What is given by keyword, as the library takes it: arrays that are followed have to come by position."""
    if type(value) is not Traced:
        return value
    if value.level == RECORDED:
        raise not_recorded(f"{op} is given an array by keyword: {name}")
    if value.level != CONSTANT:
        raise stale(value.place) if value.level == STALE else by_keyword(str(op), name)
    return ground(value)


def without_gradient(item: Any) -> Any:
    """An argument for a function that has no gradient: as a recorded array, or as a constant."""
    while type(item) is Traced and item.level > RECORDED:
        if item.level == STALE:
            raise stale(item.place)
        item = item.array
    if type(item) in (list, tuple):
        return type(item)([without_gradient(i) for i in item])
    return item


def grounded(item: Any) -> Any:
    """An argument, or a result, with constants as the library's arrays; also in lists and tuples."""
    if type(item) is Traced:
        return ground(item)
    if isinstance(item, (list, tuple)):
        return item if PLAIN.issuperset(map(type, item)) else rebuilt(item, [grounded(i) for i in item])
    return item


def rebuilt(model: Any, items: Sequence[Any]) -> Any:
    """The items in a container like ``model``: a list, a tuple, or a named tuple."""
    return type(model)(*items) if hasattr(model, "_fields") else type(model)(items)


def check_libraries(op: str, args: Sequence[Any], called: str | None = None) -> None:
    """Raise DifferentiationError where arrays of several libraries meet; ``called``: the one whose function it is."""
    kinds = {type(a).__module__.partition(".")[0]: None for a in args if hasattr(a, "dtype")}
    kinds = {"jax" if kind == "jaxlib" else kind: None for kind in kinds}
    if called in ("numpy", "torch", "jax", "cupy"):
        kinds[called] = None
    if len(kinds) > 1:
        raise mixed_libraries(op, list(kinds))
