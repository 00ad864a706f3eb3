"""The search in a function of arrays: one run, whose calls are watched, and the reverse pass over its equations."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from miniflow_xp.arrays.calls import grounded
from miniflow_xp.arrays.equations import Equation
from miniflow_xp.arrays.namespace import functions_of
from miniflow_xp.arrays.operators import BINARY, UNARY
from miniflow_xp.arrays.traced import ground
from miniflow_xp.nonfinite.findings import Came, Finding, Step, Trail, arrays_in, is_finite, origin
from miniflow_xp.rules.elementwise import SLOPES
from miniflow_xp.system.callers import calling_line
from miniflow_xp.transforms.pullback import DifferentiatedCall, as_array, hand_on
from miniflow_xp.transforms.trees import flatten
from miniflow_xp.transforms.watched import WatchedArrays, takes_part

ELEMENTWISE = {
    *(*BINARY, *UNARY, *SLOPES, "positive", "where", "maximum", "minimum", "clip", "sign"),
    *("atan2", "hypot", "logaddexp", "copysign", "nextafter", "astype", "real", "imag", "conj"),
}
"""Functions whose value at a place is of their inputs at that place alone; of others it may be of all."""


class FunctionSearch:
    """A function and where its values, then its gradients, stop being finite."""

    def __init__(self) -> None:
        self.trail = Trail()
        self.lines: dict[tuple[str, int], str] = {}
        self.came: Came = {}
        self._sums: dict[tuple[Equation, int | None], Any] = {}
        self._watched = WatchedArrays(self._made)

    def __call__(self, function: Callable[..., Any], args: tuple[Any, ...], keywords: dict[str, Any]) -> Finding | None:
        """Run it, and its pullback from ones; None where all results, and all gradients, are finite."""
        build = flatten((args, keywords))[1]
        given = [self._entered(name, leaf) for name, leaf in named({**dict(enumerate(args)), **keywords})]

        def of_arrays(*arrays: Any) -> Any:
            rest = iter(arrays)
            args, keywords = build(iter([next(rest) if hasattr(x, "dtype") else x for x in given]))
            return function(*args, **keywords)

        try:
            run = DifferentiatedCall(of_arrays, [x for x in given if hasattr(x, "dtype")])
        except (ArithmeticError, RuntimeError, np.linalg.LinAlgError):
            if not self.trail.steps:
                raise
            return self.trail.of_last()  # NaN made a function raise, as a factorisation does
        for end in run.ends:
            if not is_finite(ground(end)):
                return self.trail.began(ground(end) if hasattr(end, "dtype") else as_array(end))
        ones = [functions_of(end).ones_like(end) if hasattr(end, "dtype") else None for end in run.ends]
        run.gradients(ones, self._hand_on)
        return origin(self.came, [maker for maker in self.came if not maker.parents])

    def _entered(self, name: str, leaf: Any) -> Any:
        """An argument; arrays, and Python's floats as such, as those that are watched."""
        if not takes_part(leaf):
            return leaf
        array = self._watched(leaf)
        self.trail.add(Step(name, "argument", None, ground(array)))
        return array

    def _made(self, op: str, call: Callable[..., Any], inputs: Sequence[Any], keywords: dict[str, Any]) -> Any:
        value = call(*inputs, **keywords)
        self._seen(op, inputs, value)
        return value

    def _seen(self, op: str, inputs: Sequence[Any], value: Any) -> None:
        line = calling_line()
        for array in arrays_in([value]):
            self.lines[op, id(array)] = line
            self.trail.add(Step(op, op, line, array, inputs, is_elementwise=op in ELEMENTWISE))

    def _hand_on(self, equation: Equation, arrived: Any, give: Callable[..., None]) -> None:
        """The engine's ``hand_on``, which remembers who first gave a parent a gradient that is not finite."""

        def watched(maker: Equation, place: int | None, gradient: Any) -> None:
            new, before = ground(gradient), self._sums.get((maker, place))
            self._sums[maker, place] = total = new if before is None else before + new
            if not is_finite(new):
                self.came.setdefault(maker, (equation, self._step(equation, arrived, new)))
            elif not is_finite(total):
                step = Step("the sum of gradients", "add", self._line(maker), total, (before,), "backward", new)
                self.came.setdefault(maker, (None, step))
            give(maker, place, gradient)

        hand_on(equation, arrived, watched)

    def _step(self, equation: Equation, arrived: Any, gradient: Any) -> Step:
        name = str(equation.op)
        first = next(iter(arrived.values())) if isinstance(arrived, dict) else arrived
        inputs = grounded(list(equation.inputs))
        return Step(name, name, self._line(equation), gradient, inputs, "backward", ground(first))

    def _line(self, equation: Equation) -> str | None:
        made = next(arrays_in([grounded(equation.value)]), None)
        return equation.line or self.lines.get((str(equation.op), id(made)))


def named(arguments: Mapping[Any, Any]) -> Iterator[tuple[str, Any]]:
    """The leaves of arguments, given by number or name, each with what to call it."""
    for name, tree in arguments.items():
        for n, leaf in enumerate(flatten(tree)[0]):
            yield f"argument {name}" if leaf is tree else f"argument {name}, leaf {n}", leaf
