"""Reverse mode: a function's value, and its pullback, from a gradient of the value to gradients of the arguments."""

from collections.abc import Callable, Iterable, Sequence
from heapq import heappop, heappush
from typing import Any

import miniflow_xp.rules  # noqa: F401  fills the tables
from miniflow_xp import checks, given
from miniflow_xp.arrays.calls import boxed, check_libraries, without_gradient
from miniflow_xp.arrays.equations import CONSTANT, STALE, Equation, levels, open_levels
from miniflow_xp.arrays.introductions import introduce
from miniflow_xp.arrays.namespace import Namespace, constant, functions_of, namespace_of, namespace_of_library
from miniflow_xp.arrays.refusals import stale, unknown_to_library
from miniflow_xp.arrays.traced import Traced, ground, without_closed_levels
from miniflow_xp.broadcasting import unbroadcast
from miniflow_xp.checks import shown
from miniflow_xp.dtypes import is_complex, spelled
from miniflow_xp.errors import DifferentiationError, MiniflowError, ShapeError
from miniflow_xp.switch import get_backend
from miniflow_xp.system.callers import raising_line
from miniflow_xp.transforms.trees import flatten, form_of, tree_map

Pullback = Callable[[Any], tuple[Any, ...]]
HandOn = Callable[[Equation, Any, Callable[..., None]], None]


def vjp(function: Callable[..., Any], *primals: Any) -> tuple[Any, Pullback]:
    """The value f(x₁, …) and its pullback: ḡ ↦ (ḡ ∂f/∂x₁, …), the vector-Jacobian products.

    ``primals``: arrays of one library, or trees of them (dicts, lists, tuples, named tuples, dataclasses); Python
    numbers become arrays of the backend in use. Integers have no gradient: theirs are zeros. The pullback takes a tree
    in the form of the value, may be called several times, and can be differentiated itself. For complex numbers the
    gradient is that of the real inner product, ḡ · conj(f').
    Raises DifferentiationError.
    """
    check_function(function, "vjp")
    run = DifferentiatedCall(function, primals)
    return run.value, run.pullback


class DifferentiatedCall:
    """A function called once, on arguments that take a level of their own; its gradients can be asked for.

    ``value``: what it returned, one level below. ``ends``: the leaves of that. ``numbers``: what arguments are called
    that may not be integers; raises DifferentiationError for these.
    """

    def __init__(self, function: Callable[..., Any], primals: Sequence[Any], numbers: Sequence[int] = ()) -> None:
        introduce()
        leaves, self._build = flatten(primals)
        arrays = [as_array(leaf) for leaf in leaves]
        self._inside = Traced in [type(array) for array in arrays]
        self._level = level = next(levels)
        self._starts = [start(array) for array in arrays]
        if numbers and not all(s.xp.inexact(s.value.dtype) for s in self._starts):
            raise integers(primals, numbers)
        open_levels.append(level)
        try:
            results, rebuild = flatten(called(function, self._build(iter([self._traced(s) for s in self._starts]))))
        finally:
            open_levels.remove(level)
        ends = [without_inner_levels(result, level) for result in results]
        self._made = [(e.equation, e.place, e.xp) if self._is_ours(e) else None for e in ends]
        self.ends = [value_below(end, level, self._inside) for end in ends]
        self.value = rebuild(iter(self.ends))
        self._form = form_of(self.value)

    @property
    def depends(self) -> bool:
        """Does a result depend on the arguments, as far as gradients go?"""
        return any(made is not None for made in self._made)

    def _traced(self, begin: Equation) -> Traced:
        value, xp = begin.value, begin.xp
        return Traced(value, self._level, begin, None, xp) if xp.inexact(value.dtype) else constant(value)

    def _is_ours(self, end: Any) -> bool:
        return type(end) is Traced and end.level == self._level

    def pullback(self, gradient: Any) -> tuple[Any, ...]:
        """Gradients in the form of the arguments, from one in the form of the value."""
        if form_of(gradient) != self._form:
            raise wrong_seed(shown(gradient), f"{len(self.ends)} arrays, in the form of the value")
        return self.gradients(list(map(in_dtype_of, self.ends, flatten(gradient)[0])))

    def gradients(self, seeds: Sequence[Any], by: HandOn | None = None, once: bool = False) -> tuple[Any, ...]:
        """Gradients in the form of the arguments, from one for each of ``ends``; None for those without one.

        ``by``: what hands gradients on, in place of ``hand_on``. ``once``: nobody asks again.
        """
        inside = self._inside or Traced in [type(seed) for seed in seeds]
        pairs = []
        for seed, end, made in zip(seeds, self.ends, self._made, strict=True):
            if seed is not None and made is not None:
                equation, place, xp = made
                pairs.append((equation, place, seed_of(seed, end, xp)))
        open_levels.append(self._level)  # rules may call what the function read, as that of an integral does
        try:
            found = backward(pairs, by=by, once=once)
        finally:
            open_levels.remove(self._level)
        gradients = [found[s] if s in found else zeros_like(s.value) for s in self._starts]
        result: tuple[Any, ...] = self._build(iter([g if inside else plain(g) for g in gradients]))
        return result


def integers(primals: Sequence[Any], numbers: Sequence[int]) -> DifferentiationError:
    """The error for an argument of integers, or of truth values, whose gradient is wanted."""
    each = [(n, as_array(leaf)) for n, primal in zip(numbers, primals, strict=True) for leaf in flatten(primal)[0]]
    n, dtype = next((n, array.dtype) for n, array in each if not namespace_of(array).inexact(array.dtype))
    return DifferentiationError(
        f"argument {n}",
        f"its dtype is {dtype}, and its gradient is wanted",
        "gradients are of floats and complex numbers",
        "Convert it: xp.astype(x, xp.float64), or 2.0 for 2",
    )


def called(function: Callable[..., Any], args: Sequence[Any]) -> Any:
    """The function's result; raises DifferentiationError where another library does not know a traced array.

    That is told as such where the library has made an error of its own of ours, as NumPy does of ``plain[0] = traced``.
    """
    try:
        return function(*args)
    except (TypeError, ValueError, RuntimeError) as error:
        if isinstance(error.__cause__, MiniflowError):
            raise error.__cause__ from None
        said = str(error)
        told = Traced.__name__ in said or "miniflow_xp.arrays[" in said
        if isinstance(error, (MiniflowError, ValueError)) or not told:
            raise
        raise unknown_to_library(said, raising_line(error.__traceback__)) from error


def check_function(function: Any, where: str) -> None:
    """Raise SettingError for what is no function, before it is called."""
    checks.function(function, where, "it takes a function of arrays", f"Write {where}(f), and call what it gives")


def as_array(leaf: Any, remedy: str = "Close over it: grad(lambda x: f(x, it))") -> Any:
    """An argument as an array: a Python number as one of the backend in use; ``remedy``: of what is neither."""
    if hasattr(leaf, "inbound_nodes"):
        raise DifferentiationError(
            str(leaf),
            "a node was given to a function of arrays",
            "a graph is run, and differentiated, by Program or by forward_and_backward",
            "Give arrays; or make a node of the function: as_node(f)(node)",
        )
    if type(leaf) is Traced:
        return leaf
    if hasattr(leaf, "shape") and hasattr(leaf, "dtype"):
        given.check_kind("an argument", leaf)
        return leaf
    if isinstance(leaf, (bool, int, float, complex)) or given.hands_memory_over(leaf):
        backend, host = get_backend(), given.host_numbers("an argument", leaf)
        return backend.asarray(host, backend.default_float if isinstance(leaf, float) else None)
    raise DifferentiationError(
        "an argument",
        f"it is a {type(leaf).__name__}",
        "arguments are arrays and numbers, also in dicts, lists, tuples and dataclasses",
        remedy,
    )


def start(array: Any) -> Equation:
    """The equation of an argument, where the gradients end."""
    return Equation("argument", (), {}, array, (), None, namespace_of(array), None)


def without_inner_levels(end: Any, level: int) -> Any:
    """A result without what a differentiation inside, which is over, has left on it by writing into it."""
    while type(end) is Traced and end.level > level:
        if end.level == STALE:
            raise stale(end.place)
        end = end.array
    return end


def value_below(end: Any, level: int, inside: bool) -> Any:
    """A result of the function for its caller: one level below, and the library's own array outside of everything."""
    if type(end) is Traced and end.level == level:
        end = end.array
    return (constant(end) if hasattr(end, "dtype") else end) if inside else plain(end)


def plain(x: Any) -> Any:
    """A constant as the library's array; everything else as it is."""
    if type(x) is not Traced:
        return x
    x = without_closed_levels(x)
    return x.array if type(x) is Traced and x.level == CONSTANT else x


def zeros_like(x: Any) -> Any:
    """Zeros in the shape and dtype of an array, traced where that is."""
    return functions_of(x).zeros_like(x)


def seed_of(seed: Any, end: Any, xp: Namespace) -> Any:
    """A gradient to start from, which has the shape and dtype of the result it belongs to."""
    if not (hasattr(seed, "shape") and hasattr(seed, "dtype")):
        host = given.host_numbers("a pullback", seed)
        if is_complex(host) and not is_complex(end):
            raise wrong_seed("complex numbers", f"{end.dtype}")
        seed = xp.library.asarray(host, dtype=end.dtype)
    if tuple(seed.shape) != tuple(end.shape):
        raise wrong_seed(f"one of shape {tuple(seed.shape)}", f"{tuple(end.shape)}")
    return seed


def in_dtype_of(end: Any, seed: Any) -> Any:
    """A gradient in the dtype of its result; raises where it is complex for a real one, or of a third library."""
    if not (hasattr(seed, "dtype") and hasattr(end, "dtype")) or seed.dtype == end.dtype:
        return seed
    numbers = any(kind in spelled(seed.dtype) for kind in ("float", "int", "bool", "complex"))
    if not numbers or (is_complex(seed) and not is_complex(end)):
        raise wrong_seed(spelled(seed.dtype), f"{end.dtype}")
    if type(seed).__module__ == "numpy":  # which every library takes
        return namespace_of(end).library.asarray(seed, dtype=end.dtype)
    check_libraries("a pullback", [ground(seed), ground(end)])
    return functions_of(seed).astype(seed, end.dtype)


def wrong_seed(came: str, wanted: str) -> ShapeError:
    """The error for a gradient that has not the form of the value."""
    return ShapeError("a pullback", f"it was given {came}", f"the value is {wanted}", "Give a gradient in its form")


def backward(
    seeds: Iterable[tuple[Equation, int | None, Any]], first: int = 0, by: HandOn | None = None, once: bool = False
) -> dict[Equation, Any]:
    """Back-propagation over equations; gives {argument: gradient}, of several results {argument: {result: gradient}}.

    ``seeds``: (equation, which of its results, gradient). An equation's number is larger than those it depends on: the
    one with the largest has its gradient complete, and hands it on through its rule. Those with a smaller number than
    ``first`` are taken for arguments. ``by``: what hands gradients on, in place of ``hand_on``. ``once``: equations let
    go of their arrays on the way, whose memory is used again.
    """
    by = by or hand_on
    waiting: dict[Equation, Any] = {}
    queue: list[tuple[int, Equation]] = []

    def give(equation: Equation, place: int | None, gradient: Any) -> None:
        if equation not in waiting:
            waiting[equation] = gradient if place is None else {place: gradient}
            if equation.parents and equation.number >= first:
                heappush(queue, (-equation.number, equation))
        elif place is None:
            waiting[equation] = waiting.pop(equation) + gradient  # popped, it may be added to where it lies
        else:
            arrived = waiting[equation]
            arrived[place] = arrived[place] + gradient if place in arrived else gradient

    for seed in seeds:
        give(*seed)
    while queue:
        equation = heappop(queue)[1]
        try:
            by(equation, waiting.pop(equation), give)
        except DifferentiationError as error:
            raise with_line(error, equation.line) from error.__cause__
        except TypeError:
            check_libraries(str(equation.op), equation.inputs)
            raise
        if once:
            equation.let_go()
    return waiting


def hand_on(equation: Equation, arrived: Any, give: Callable[..., None]) -> None:
    """Give the parents of an equation their gradients, by its rule; ``arrived``: {result: gradient} of several."""
    xp, gradient, value, inputs = one_level(equation, arrived)
    thunks = equation.rule(xp, gradient, value, *inputs, **equation.keywords)
    for place, item, maker, result in equation.parents:
        thunk, array = thunks[place], equation.inputs[place]
        if item is not None:
            thunk, array = thunk and thunk[item], array[item]
        if thunk is None:
            raise no_gradient(equation, place)
        found = in_form_of(xp, thunk(), array)
        if type(equation.op) is not str and found.shape != array.shape:  # of a rule that is the user's
            raise wrong_shape(equation, place, array, found)
        give(maker, result, found)


def wrong_shape(equation: Equation, place: int, array: Any, gradient: Any) -> ShapeError:
    """The error for a rule whose gradient has not the shape of the input."""
    line = "" if equation.line is None else f", at {equation.line}"
    return ShapeError(
        f"the rule of {equation.op}{line}",
        f"the gradient of argument {place} is {tuple(gradient.shape)}",
        f"it is {tuple(array.shape)}, as the argument, or what that was broadcast to",
        "Sum or broadcast it in the rule",
    )


def with_line(error: DifferentiationError, line: str | None) -> DifferentiationError:
    """The error with the user's line, where that is known and not yet told."""
    if line is None or ", at " in error.where:
        return error
    return type(error)(f"{error.where}, at {line}", error.got, error.expected, error.remedy)


def one_level(equation: Equation, gradient: Any) -> tuple[Any, Any, Any, Sequence[Any]]:
    """Namespace, gradient, value and inputs for a rule: the library's own, or all traced where one of them is."""
    value, inputs, deep, kind = equation.value, equation.inputs, equation.below, type(gradient)
    if deep is None and kind is not Traced and kind is not dict and type(equation.op) is str:
        return equation.xp.library, gradient, value, inputs  # called natively: nothing is traced there
    if kind is dict:
        gradient = Gradients(gradient, value)
    if deep is None or deep.tape is None:
        deep = deepest((gradient, value)) or deep
    if deep is None:
        return equation.xp.library, gradient, value, inputs
    if isinstance(gradient, Gradients):
        gradient[:] = boxed(list(gradient), deep)
    else:
        gradient = boxed(gradient, deep)
    return deep, gradient, boxed(value, deep), [boxed(i, deep) for i in inputs]


class Gradients(list[Any]):
    """The gradients of a function's several results; zeros for those that none arrived for.

    ``arrived``: the numbers of the others. Where the loss does not depend on a result, none arrives.
    """

    def __init__(self, arrived: dict[Any, Any], value: Sequence[Any]) -> None:
        super().__init__(
            arrived[n] if n in arrived else zeros_like(v) if hasattr(v, "dtype") else None for n, v in enumerate(value)
        )
        self.arrived = frozenset(arrived)


def deepest(items: Sequence[Any]) -> Namespace | None:
    """The namespace of the traced arrays among these: that of a recording, where there is one; None without any."""
    found: Namespace | None = None
    for item in items:
        kind = type(item)
        if kind is Traced:
            space = item.xp
        elif issubclass(kind, (list, tuple)):
            space = deepest(item)
        else:
            continue
        if found is None or (space is not None and space.tape is not None):
            found = space
    return found


def in_form_of(xp: Any, gradient: Any, x: Any) -> Any:
    """A gradient in the shape and dtype of the input it belongs to; the real part, where that is real."""
    shape = x.shape
    if gradient.shape != shape:
        gradient = unbroadcast(xp, gradient, tuple(shape))
    if gradient.dtype != x.dtype:
        if is_complex(gradient) and not is_complex(x):
            gradient = xp.real(gradient)
        if gradient.dtype != x.dtype:
            gradient = xp.astype(gradient, x.dtype)
    return gradient


def no_gradient(equation: Equation, place: int) -> DifferentiationError:
    """The error for an input that is differentiated and that the rule gives no gradient."""
    return DifferentiationError(
        str(equation.op),
        f"argument {place} is being differentiated, and its rule gives it no gradient",
        "this argument is a constant of the function",
        "Write stop_gradient(x) for it",
    )


def stop_gradient(tree: Any) -> Any:
    """x as a constant: the gradient through it is 0. Takes arrays, and trees of them; nodes, too."""
    return tree_map(stopped, tree)


def stopped(leaf: Any) -> Any:
    """An array as a constant; a node as one that hands no gradient on."""
    if hasattr(leaf, "inbound_nodes"):
        return leaf.__array_namespace__().stop_gradient(leaf)
    return without_gradient(leaf)


def differentiable_namespace(xp: Any) -> Namespace:
    """The Array API namespace ``xp`` with gradients: the same functions and signatures, on traced arrays.

    It follows the Array API standard as far as ``xp`` does, and has more: ``einsum``, ``special``. A function that is
    differentiated finds it as ``array_namespace(x)``.
    """
    return namespace_of_library(xp)
