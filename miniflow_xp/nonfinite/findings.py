"""What is found: the step at which NaN or infinity began, and the way there from where it was seen."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from miniflow_xp.arrays.libraries import library_of
from miniflow_xp.switch import to_numpy

Index = tuple[int, ...]


@dataclass(frozen=True)
class Finding:
    """Where a value, or a gradient, that is not finite began.

    ``where``: the node, function or argument, for people; ``operation``: the kind of node, or the function's name.
    ``line``: the user's line of code, None for a node that has a name, and for an argument. ``direction``: ``forward``
    or ``backward``. ``number``: what stands at ``index``; ``count`` of ``size`` elements are not finite. ``inputs``:
    what the inputs are there: numbers, or a text of a whole array where it has no such place; ``gradient``: what
    arrived, backward.
    """

    where: str
    operation: str
    line: str | None
    direction: str
    index: Index
    number: complex
    inputs: tuple[Any, ...]
    gradient: Any
    count: int
    size: int

    @property
    def place(self) -> str:
        """Which element of which step: ``log at nn.py:12 at [2]``."""
        line = f" at {self.line}" if self.line and self.line not in self.where else ""
        return f"{self.where}{line}" + (f" at {list(self.index)}" if self.index else "")

    @property
    def what(self) -> str:
        """What is there, and from what: ``its value is -inf, from 0.0 (1 of 3 is not finite)``."""
        says = "its value is" if self.direction == "forward" else "the gradient that it hands on is"
        came = [str(x) for x in self.inputs]
        came += [f"the gradient {self.gradient}"] if self.gradient is not None else []
        made = f", from {' and '.join(came)}" if came else ""
        count = f" ({self.count} of {self.size} {'is' if self.count == 1 else 'are'} not finite)" if self.index else ""
        return f"{says} {self.number}{made}{count}"

    def __str__(self) -> str:
        return f"{self.direction}, {self.place}: {self.what}"


class Step(NamedTuple):
    """One step of a pass: what came in, and what it gave. Backward ``gradient`` arrived, and ``value`` is handed on."""

    where: str
    operation: str
    line: str | None
    value: Any
    inputs: Sequence[Any] = ()
    direction: str = "forward"
    gradient: Any = None
    is_elementwise: bool = False

    def at(self, index: Index) -> Finding:
        """It as the finding, of the element ``index``."""
        host = to_numpy(self.value)
        return Finding(
            self.where,
            self.operation,
            self.line,
            self.direction,
            index,
            host[index].item(),
            tuple(shown_at(x, index, host.shape) for x in arrays_in(self.inputs)),
            shown_at(self.gradient, index, host.shape),
            int(np.count_nonzero(~np.isfinite(host))),
            host.size,
        )


Came: TypeAlias = dict[Any, tuple[Any, Step]]
"""{who was handed a gradient that is not finite: (who handed it on, the step)}; None for a sum of finite ones."""


def origin(came: Came, ends: Iterable[Any]) -> Finding | None:
    """The step at which the gradients of the first of ``ends`` stopped being finite; None where all of them are."""
    step: Step | None = None
    place = next((end for end in ends if end in came), None)
    while place in came:
        place, step = came[place]
    return step and step.at(first_place(step.value))


class Trail:
    """Which step made each array that is not finite; of arrays that several steps give, the first."""

    def __init__(self) -> None:
        self.steps: dict[int, Step] = {}

    def add(self, step: Step) -> None:
        """Remember a step whose value is not finite, and is not an input as it was; it keeps the arrays, and so ids."""
        if not is_finite(step.value) and not any(x is step.value for x in arrays_in(step.inputs)):
            self.steps.setdefault(id(step.value), step)

    def of_last(self) -> Finding:
        """Where what made the last array that is not finite began."""
        return self.began([*self.steps.values()][-1].value)

    def began(self, array: Any) -> Finding:
        """Where what makes ``array`` not finite began: the way back, from each array to an input that is not finite.

        It ends at a step whose inputs are finite there, or at one that was given NaN, or at an argument. But -inf in an
        argument, and infinity that the code brings in, are there on purpose, as in a mask: then it is the first step on
        the way that made NaN of it.
        """
        step = self.steps.get(id(array)) or Step("the result, a constant,", "constant", None, array)
        way = [(step, first_place(array))]
        while True:
            causes = list(causes_of(*way[-1]))
            known = next(((self.steps[id(x)], place) for x, place in causes if id(x) in self.steps), None)
            if known is None:
                break
            way.append(known)
        step, index = way[-1]
        if causes or (not step.inputs and np.real(to_numpy(step.value)[index]) < 0):
            way = [(s, i) for s, i in way if np.isnan(to_numpy(s.value)[i])] or way
        step, index = way[-1]
        return step.at(index)


def causes_of(step: Step, index: Index) -> Iterator[tuple[Any, Index]]:
    """The inputs that are not finite and that an element of the value depends on, each with its element."""
    shape, inputs = tuple(step.value.shape), step.inputs
    if step.operation == "where":  # which takes one of two
        inputs = inputs[1:2] if shown_at(inputs[0], index, shape) else inputs[2:]
    for x in arrays_in(inputs):
        if is_finite(x):
            continue
        place = place_in(index, shape, tuple(getattr(x, "shape", ())))
        if place is not None and not np.isfinite(shown_at(x, index, shape)):
            yield x, place
        elif place is None or not step.is_elementwise:
            yield x, first_place(x)


def arrays_in(inputs: Sequence[Any]) -> Iterator[Any]:
    """The arrays and numbers among what a function is given, also in lists and tuples."""
    for x in inputs:
        if isinstance(x, (list, tuple)):
            yield from arrays_in(x)
        elif hasattr(x, "dtype") or (isinstance(x, (int, float, complex)) and not isinstance(x, bool)):
            yield x


def is_finite(x: Any) -> bool:
    """Is an array, or a number, without NaN and infinity? Everything else is."""
    if not hasattr(x, "dtype"):
        return not isinstance(x, (float, complex)) or bool(np.isfinite(x))
    if not any(kind in str(x.dtype) for kind in ("float", "complex")):
        return True
    xp = library_of(x)
    return bool(xp.all(xp.isfinite(x)))


def first_place(array: Any) -> Index:
    """The index of the first element that is not finite."""
    return tuple(int(n) for n in np.argwhere(~np.isfinite(to_numpy(array)))[0])


def place_in(index: Index, shape: Sequence[int], other: Sequence[int]) -> Index | None:
    """The element of an array of shape ``other``, broadcast to ``shape``, that is at ``index``; None if it is not."""
    extra = len(shape) - len(other)
    if extra < 0 or any(n not in (1, m) for n, m in zip(other, shape[extra:], strict=True)):
        return None
    return tuple(0 if n == 1 else i for i, n in zip(index[extra:], other, strict=True))


def shown_at(x: Any, index: Index, shape: Sequence[int]) -> Any:
    """What an input holds at the place of a result: a number, or a text of the whole array."""
    if not hasattr(x, "dtype"):
        return x
    host = to_numpy(x)
    place = place_in(index, shape, host.shape)
    if place is not None:
        return host[place].item()
    form = f"{x.dtype} {host.shape}"
    return form if host.dtype.kind in "bc" or not host.size else f"{form} from {host.min()} to {host.max()}"
