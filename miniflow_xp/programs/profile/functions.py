"""A function of arrays as something to profile: each call of the library is one, told by its function and line."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from miniflow_xp.arrays.calls import grounded, unseen_of
from miniflow_xp.arrays.equations import Equation
from miniflow_xp.arrays.namespace import constant, functions_of
from miniflow_xp.arrays.traced import ground
from miniflow_xp.backend import Array
from miniflow_xp.dtypes import name_of, widest
from miniflow_xp.engine.frozen import Call
from miniflow_xp.errors import MiniflowError, SettingError
from miniflow_xp.programs.profile.counts import arrays_in, bytes_of
from miniflow_xp.programs.profile.subjects import Function, Holding, Place, Run, Step, Subject
from miniflow_xp.switch import backend_of
from miniflow_xp.system.callers import calling_line
from miniflow_xp.transforms.jit import Jitted, jit
from miniflow_xp.transforms.jit import name_of as called
from miniflow_xp.transforms.pullback import DifferentiatedCall, as_array, hand_on
from miniflow_xp.transforms.trees import flatten
from miniflow_xp.transforms.watched import WatchedArrays, takes_part


def function_subject(function: Callable[..., Any], args: Sequence[Any], backward: bool = True) -> Subject:
    """f(*args), and its gradients from ones where it has any and ``backward``."""
    whole = function.function if isinstance(function, Jitted) else function
    leaves, build = flatten(tuple(args))
    arrays = [as_array(leaf) for leaf in leaves if takes_part(leaf)]
    if not arrays:
        rule, remedy = "its arguments hold arrays", "Write profile(f, x), with what it is to be called with"
        raise SettingError(f"profile of {called(whole)}", "it was given no array", rule, remedy)

    def of_arrays(*given: Any) -> Any:
        rest = iter(given)
        return whole(*build(iter([next(rest) if takes_part(leaf) else leaf for leaf in leaves])))

    backend = backend_of(arrays)
    counting = Counting(backward)
    counting.count(of_arrays, arrays)
    captured, how, replayed = capture_of(of_arrays, arrays, backward)
    return Subject(
        title=f"{called(whole)}{' and its gradients' if counting.has_gradients else ''}",
        backend=backend,
        dtype=widest({name_of(array) for array in arrays}) or backend.default_float,
        steps=counting.steps,
        walk=walks(of_arrays, arrays, backward),
        plain=lambda: passes(of_arrays, arrays, backward),
        captured=captured,
        how=how,
        replayed=replayed,
        holding=counting.holding({f"argument {n}": bytes_of(a) for n, a in enumerate(arrays)}),
        drawn=Function(whole, tuple(args)),
    )


def passes(function: Callable[..., Any], arrays: Sequence[Any], backward: bool, by: Any = None) -> list[Array]:
    """The results and the gradients."""
    if not backward:
        return [ground(array) for array in arrays_of(function(*map(constant, arrays)))]
    run = DifferentiatedCall(function, arrays)
    results = [ground(end) for end in run.ends if hasattr(end, "dtype")]
    if not run.depends:
        return results
    ones = [ones_like(ground(end)) if hasattr(end, "dtype") else None for end in run.ends]
    return [*results, *(ground(gradient) for gradient in run.gradients(ones, by))]


def ones_like(array: Array) -> Array:
    """The gradient to start from, which is no call of the function's."""
    return ground(functions_of(array).ones_like(array))


def arrays_of(result: Any) -> list[Array]:
    """The arrays in what a function returned."""
    return list(arrays_in(flatten(result)[0]))


def capture_of(function: Callable[..., Any], arrays: Sequence[Any], backward: bool) -> tuple[Run | None, str, Any]:
    """The same recorded and replayed, how, and what is called then; None, and why, where it cannot be recorded."""
    captured = jit(lambda *given: passes_inside(function, given, backward))
    try:
        captured(*arrays)
    except MiniflowError as error:
        return None, f"it cannot be recorded: {error}", None
    made = captured.captured
    return lambda: captured(*arrays), captured.explain(), None if made is None else made.equations


def passes_inside(function: Callable[..., Any], arrays: Sequence[Any], backward: bool) -> list[Any]:
    """The results and the gradients, as traced arrays of the recording."""
    if not backward:
        return arrays_of(function(*arrays))
    run = DifferentiatedCall(function, arrays)
    if not run.depends:
        return run.ends
    ones = [functions_of(end).ones_like(end) if hasattr(end, "dtype") else None for end in run.ends]
    return [*run.ends, *run.gradients(ones)]


def walks(function: Callable[..., Any], arrays: Sequence[Any], backward: bool) -> Callable[[Call], Run]:
    """Passes whose calls of the library somebody else makes."""
    maker: list[Call] = []

    def make(op: str, native: Callable[..., Any], inputs: Sequence[Any], keywords: dict[str, Any]) -> Any:
        return maker[-1](None, op, native, *inputs, **keywords)

    watched = [*map(WatchedArrays(make), arrays)]

    def walk(call: Call) -> Run:
        maker[:] = [call]
        return lambda: passes(function, watched, backward)

    return walk


class Counting:
    """One pass over watched arrays: the calls in order, what each does, and what is kept for the gradients."""

    def __init__(self, backward: bool) -> None:
        self.backward = backward
        self.steps: list[Step] = []
        self.has_gradients = False
        self._lines: dict[tuple[str, int], str] = {}
        self._held: dict[int, tuple[Any, str]] = {}
        self._equation: Equation | None = None

    def count(self, function: Callable[..., Any], arrays: Sequence[Any]) -> None:
        """Run it."""
        watched = WatchedArrays(self._make)
        passes(function, [watched(array) for array in arrays], self.backward, self._hand_on)

    def _make(self, op: str, native: Callable[..., Any], inputs: Sequence[Any], keywords: dict[str, Any]) -> Any:
        value = native(*inputs, **keywords)
        if self._equation is None:
            line = calling_line()
            for array in arrays_in([value]):
                self._lines[op, id(array)] = line
            step = Step(place_of(op, line), "forward")
        else:
            step = Step(self._place(self._equation), "backward")
        step.work.add(op, inputs, value, carried(inputs, value))
        self.steps.append(step)
        return value

    def _hand_on(self, equation: Equation, arrived: Any, give: Callable[..., None]) -> None:
        self.has_gradients, self._equation = True, equation
        self._keep(equation)
        hand_on(equation, arrived, give)

    def _place(self, equation: Equation) -> Place:
        made = next(arrays_in([grounded(equation.value)]), None)
        op = str(equation.op)
        return place_of(op, equation.line or self._lines.get((op, id(made)), ""))

    def _keep(self, equation: Equation) -> None:
        """What the rule of an equation looks at, and so is held until its turn comes."""
        name = self._place(equation).name
        value_too, places = unseen_of(equation)
        values = [] if value_too else [grounded(equation.value)]
        inputs = grounded([i for n, i in enumerate(equation.inputs) if n not in places])
        for array in arrays_in([*values, *inputs]):
            self._held.setdefault(id(array), (array, name))

    def holding(self, start: dict[str, float]) -> Holding:
        """What is held when the gradients begin."""
        held = dict(start)
        for array, name in self._held.values():
            held[f"kept for {name}"] = held.get(f"kept for {name}", 0.0) + bytes_of(array)
        return Holding("the end of the forward pass", held)


def place_of(op: str, line: str) -> Place:
    """A function at a line, or in no line of the user's."""
    return Place((op, line), f"{op} at {line}" if line else op, op, line or None)


def carried(inputs: Sequence[Any], value: Any) -> float:
    """Bytes of NumPy's arrays among the inputs of a call of another library, which takes them to its device itself."""
    if all(isinstance(array, np.ndarray | np.generic) for array in arrays_in([value])):
        return 0.0
    return sum(bytes_of(array) for array in arrays_in(inputs) if isinstance(array, np.ndarray))
