"""An integral as one operation, whose inputs are found: whatever is differentiated and the function reads.

Values come from SciPy's adaptive rules. The gradient of an integral is the integral of the gradient, to the same
tolerance: the function is run again, and its equations are walked back to those that were there before.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from miniflow_xp.arrays.calls import Operation, apply, everything_kept, grounded, leaves
from miniflow_xp.arrays.equations import RECORDED, Equation
from miniflow_xp.arrays.traced import Traced
from miniflow_xp.scipy.border import OfNumbers, on_host
from miniflow_xp.scipy.substitutes import as_array, refused
from miniflow_xp.transforms.pullback import backward

Function = Callable[[Any], Any]
Rule = Callable[[Callable[[float], np.ndarray], float, float], tuple[np.ndarray, Any]]
"""``rule(function, a, b)`` is the integral of a function of numbers, and what else SciPy says of it."""


class Integrand:
    """f(x) as an array; remembers what its values depend on: ``level`` is the highest, ``inputs`` are those of it."""

    def __init__(self, xp: Any, like: Traced, function: Function) -> None:
        self.xp = xp
        self.like = like
        self.function = function
        self.start = mark()
        self.level = 0
        self.inputs: dict[tuple[Equation, Any], Traced] = {}

    def __call__(self, x: Any) -> Any:
        return as_array(self.xp, self.function(x), self.like)

    def on_numbers(self, x: float) -> np.ndarray:
        with everything_kept():
            value = self(x)
        self._remember(value)
        found: np.ndarray = on_host(value)
        return found

    def _remember(self, value: Traced) -> None:
        if value.level > self.level:
            self.level = value.level
            self.inputs.clear()
        if value.level == self.level > RECORDED:
            for equation, place, array in read_before(value, self.start):
                self.inputs[equation, place] = Traced(array, self.level, equation, place, value.xp)

    def below(self, level: int) -> "Function":
        """The function one level below."""

        def lowered(x: Any) -> Any:
            value = self(x)
            return value.array if type(value) is Traced and value.level == level else value

        return lowered


def mark() -> int:
    """A number that is larger than those of all equations so far, and smaller than those of later ones."""
    return Equation("mark", (), {}, None, (), None, None, None).number


def read_before(value: Traced, start: int) -> list[tuple[Equation, Any, Any]]:
    """What a value depends on that was there before: (equation, which of its results, the array one level below)."""
    found: list[tuple[Equation, Any, Any]] = []
    seen: set[Any] = set()
    waiting: list[tuple[Equation, Any, Any]] = [(value.equation, value.place, value.array)]
    while waiting:
        equation, place, array = waiting.pop()
        key = (equation, place) if equation.number < start else equation
        if key in seen:
            continue
        seen.add(key)
        if equation.number < start:
            found.append((equation, place, array))
        else:
            waiting += [(maker, n, equation.input(place, item)) for place, item, maker, n in equation.parents]
    return found


def back_to(start: int, value: Traced, seed: Any) -> dict[tuple[Equation, Any], Any]:
    """Back-propagation from a value as far as what was there before."""
    found = backward([(value.equation, value.place, seed)], first=start)
    several = {equation: arrived if type(arrived) is dict else {None: arrived} for equation, arrived in found.items()}
    return {(equation, place): gradient for equation, each in several.items() for place, gradient in each.items()}


def integral(xp: Any, like: Traced, function: Function, ends: Sequence[Any], rule: Rule) -> tuple[Any, Any]:
    """∫ f(x) dx between two ends, traced, and what SciPy says of it; ``rule`` computes it of numbers."""
    f = Integrand(xp, like, function)
    numbers = [float(on_host(x)) for x in ends]
    value, told = rule(f.on_numbers, *numbers)
    for end in ends:
        if type(end) is Traced and end.level > f.level:
            f.level = end.level
            f.inputs.clear()
    if f.level <= RECORDED:
        return as_array(xp, value, like), told
    inputs = list(f.inputs.values())

    def call(*below: Any) -> tuple[Any, ...]:
        result = integral(xp, like, f.below(f.level), below[:2], rule)[0]
        return (result if leaves(below) or result.level > RECORDED else grounded(result),)

    def gradients(_: Any, gradient: Sequence[Any], __: Any, *below: Any) -> list[Any]:
        inside = leaves([*gradient, *below])
        found = Gradients(f, inputs, gradient[0], below[:2], rule)
        given = [found.of_start, found.of_end, *[found.of_input(n) for n in range(len(inputs))]]
        return given if inside else [lambda thunk=thunk: grounded(thunk()) for thunk in given]

    ends = [x if type(x) is Traced else number for x, number in zip(ends, numbers, strict=True)]
    return apply(Operation("an integral", call, gradients), xp, [*ends, *inputs])[0], told


class Gradients:
    """The gradients of an integral's ends and of what its function reads, for one that arrived."""

    def __init__(self, f: Integrand, inputs: list[Traced], arrived: Any, ends: Sequence[Any], rule: Rule) -> None:
        self.f = f
        self.inputs = inputs
        self.arrived = as_array(f.xp, arrived, f.like)
        self.ends = ends
        self.rule = rule
        self._all: Any = None

    def _at(self, end: Any) -> Any:
        """Σ ḡ f(x) at an end, one level below."""
        value = self.f.below(self.f.level)(end if type(end) is Traced else float(end))
        return self.f.xp.sum(self.arrived * as_array(self.f.xp, value, self.f.like))

    def of_start(self) -> Any:
        return -self._at(self.ends[0])

    def of_end(self) -> Any:
        return self._at(self.ends[1])

    def of_input(self, number: int) -> Callable[[], Any]:
        def found() -> Any:
            if self._all is None:
                self._all = integral(self.f.xp, self.f.like, self._slopes, self.ends, vector_rule(self.rule))[0]
            before = sum(x.size for x in self.inputs[:number])
            part = self._all[before : before + self.inputs[number].size]
            return self.f.xp.reshape(part, self.inputs[number].shape)

        return found

    def _slopes(self, x: Any) -> Any:
        """The gradients of ḡ f(x) for all inputs, in one row."""
        xp = self.f.xp
        start = mark()
        value = self.f(x)
        found = back_to(start, value, self.arrived) if type(value) is Traced and value.level == self.f.level else {}
        rows = []
        for equation, place in self.f.inputs:
            model = self.f.inputs[equation, place].array
            gradient = found.get((equation, place))
            zeros = xp.zeros(model.shape, dtype=model.dtype, device=self.f.like.device)
            rows.append(xp.reshape(zeros if gradient is None else xp.asarray(gradient), (-1,)))
        return xp.concat(rows, axis=0)


def vector_rule(rule: Any) -> Rule:
    """The rule that integrates rows, to the tolerance of the one for numbers."""
    settings = rule.settings

    def of_rows(function: Callable[[float], np.ndarray], a: float, b: float) -> tuple[np.ndarray, Any]:
        import scipy.integrate

        value, error, told = scipy.integrate.quad_vec(
            OfNumbers(function), a, b, norm="max", full_output=True, **settings
        )
        if told.status == 1:
            raise refused(
                "an integral",
                f"that of its gradient is known to {error:.1e} only",
                "it is found to the tolerance that was asked for",
                "Give points= where the function is not smooth, or a larger epsabs=",
            )
        return value, error

    of_rows.settings = settings  # type: ignore[attr-defined]
    return of_rows
