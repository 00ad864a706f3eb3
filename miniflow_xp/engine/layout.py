"""How the state of a Trainer lies in arrays of a backend."""

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

from miniflow_xp import dtypes
from miniflow_xp.backend import Array, Backend, Capture, Namespace
from miniflow_xp.broadcasting import shape_of
from miniflow_xp.dtypes import as_wide_as, wide
from miniflow_xp.engine.optim import Optimizer
from miniflow_xp.engine.state import OptimizerState
from miniflow_xp.switch import get_backend


class Group(NamedTuple):
    """Parameters that are updated as one array: ``numbers``, their shapes and their dtype."""

    numbers: tuple[int, ...]
    shapes: tuple[tuple[int, ...], ...]
    dtype: str


class Layout(NamedTuple):
    """How the state of a Trainer lies in arrays.

    For each group its parameters (end to end in one flat array where ``flat``, else one alone) and its slots; then for
    each dtype the learning rate and the number of the step. Parameters of half precision have float32 for all of these.
    """

    groups: tuple[Group, ...]
    slots: int
    flat: bool

    @classmethod
    def of(cls, arrays: Sequence[Array], optimizer: Optimizer, flat: bool, trained: int | None = None) -> "Layout":
        """The layout for parameters with these values, the first ``trained`` of which the optimizer moves."""
        kinds: dict[Any, list[int]] = {}
        for n, array in enumerate(arrays):
            is_trained = trained is None or n < trained
            kinds.setdefault((dtypes.name_of(array), is_trained) if flat else n, []).append(n)
        groups = [
            Group(tuple(ns), tuple(shape_of(arrays[n]) for n in ns), dtypes.name_of(arrays[ns[0]]))
            for ns in kinds.values()
        ]
        return cls(tuple(groups), optimizer.slots, flat)

    @property
    def width(self) -> int:
        """Arrays of state for each group."""
        return self.slots + 1

    @property
    def clocks(self) -> dict[str, int]:
        """{dtype: number of its learning rate}; the step's number comes after it."""
        names = dict.fromkeys(dtypes.wider(group.dtype) for group in self.groups)
        return {name: self.width * len(self.groups) + 2 * n for n, name in enumerate(names)}

    @property
    def size(self) -> int:
        """Arrays of state in all."""
        return self.width * len(self.groups) + 2 * len(self.clocks)

    def place(self, number: int) -> tuple[int, int, tuple[int, ...]]:
        """Where a parameter lies: number of the array, offset in it, shape."""
        for n, group in enumerate(self.groups):
            if number in group.numbers:
                index = group.numbers.index(number)
                return n * self.width, sum(map(prod, group.shapes[:index])), group.shapes[index]
        raise AssertionError("every parameter is in a group")

    def dtype(self, number: int) -> str:
        """The dtype of a parameter."""
        return next(group.dtype for group in self.groups if number in group.numbers)

    def part(self, xp: Namespace, state: Mapping[int, Array] | Sequence[Array], number: int) -> Array:
        """The value of a parameter, which lies in one of the arrays of the state."""
        which, start, shape = self.place(number)
        return xp.reshape(state[which][start : start + prod(shape)], shape) if self.flat else state[which]

    def optimizer_state(self, state: Sequence[Array]) -> OptimizerState:
        """The optimizer's part of the state, which is on the host."""
        slots = {}
        for n, group in enumerate(self.groups):
            flat = [state[n * self.width + 1 + k].reshape(-1) for k in range(self.slots)]
            start = 0
            for number, shape in zip(group.numbers, group.shapes, strict=True):
                slots[number] = [f[start : start + prod(shape)].reshape(shape) for f in flat]
                start += prod(shape)
        steps = [float(state[clock + 1]) for clock in self.clocks.values()]
        return OptimizerState(slots, max(steps, default=0.0))

    def pack(self, backend: Backend, arrays: Sequence[Array], rate: float, remembered: OptimizerState) -> list[Array]:
        """The state for these values of the parameters; slots start at 0 where nothing is remembered."""
        state: list[Array] = []
        for group in self.groups:
            slots = [
                [
                    backend.asarray(remembered.slots[n][k], dtypes.wider(group.dtype))
                    if k < len(remembered.slots.get(n, ()))
                    else backend.xp.zeros_like(wide(backend.xp, arrays[n]))
                    for n in group.numbers
                ]
                for k in range(self.slots)
            ]
            rows = ([arrays[n] for n in group.numbers], *slots)
            state += [flat_array(backend.xp, parts) if self.flat else parts[0] for parts in rows]
        for dtype in self.clocks:
            state += [number_array(backend, rate, dtype), number_array(backend, remembered.steps, dtype)]
        return state

    def unpack(self, xp: Namespace, state: Mapping[int, Array] | Sequence[Array]) -> list[Array]:
        """The parameters, by number."""
        values: dict[int, Array] = {}
        for n, group in enumerate(self.groups):
            theta, start = state[n * self.width], 0
            for number, shape in zip(group.numbers, group.shapes, strict=True):
                stop = start + prod(shape)
                values[number] = xp.reshape(theta[start:stop], shape) if self.flat else theta
                start = stop
        return [values[number] for number in range(len(values))]

    def update(
        self,
        xp: Namespace,
        optimizer: Optimizer,
        state: Sequence[Array],
        gradients: Sequence[Array],
        moved: Sequence[Array] = (),
    ) -> list[Array]:
        """The new state; ``moved``: the new values of the parameters after those that have gradients."""
        new, clocks = list(state), self.clocks
        gradients = optimizer.clip(xp, gradients)
        for clock in clocks.values() if optimizer.counts else ():
            new[clock + 1] = state[clock + 1] + 1
        for n, group in enumerate(self.groups):
            theta, *slots = state[n * self.width : (n + 1) * self.width]
            if group.numbers[0] >= len(gradients):
                values = [moved[number - len(gradients)] for number in group.numbers]
                new[n * self.width] = as_wide_as(xp, flat_array(xp, values) if self.flat else values[0], theta)
                continue
            parts = [gradients[number] for number in group.numbers]
            gradient = wide(xp, flat_array(xp, parts) if self.flat else parts[0])
            clock = clocks[dtypes.wider(group.dtype)]
            updated, slots = optimizer.update(xp, wide(xp, theta), gradient, slots, state[clock], new[clock + 1])
            new[n * self.width : (n + 1) * self.width] = [as_wide_as(xp, updated, theta), *slots]
        return new


class DeviceState(NamedTuple):
    """The state of a Trainer: ``initial``, as it was gathered, until a capture holds it."""

    backend: Backend | None
    layout: Layout
    initial: list[Array]
    captured: Capture | None = None

    def state(self) -> list[Array]:
        """Its arrays as they are now."""
        return self.initial if self.captured is None else list(map(self.captured.read, range(self.layout.size)))

    def values(self) -> list[Array]:
        """The values of all parameters as they are now, each array read once."""
        read = self.initial.__getitem__ if self.captured is None else self.captured.read
        firsts = range(0, self.layout.width * len(self.layout.groups), self.layout.width)
        return self.layout.unpack((self.backend or get_backend()).xp, {n: read(n) for n in firsts})

    def value(self, number: int) -> Array:
        """The value of a parameter as it is now."""
        which, _, _ = self.layout.place(number)
        array = self.initial[which] if self.captured is None else self.captured.read(which)
        return self.layout.part((self.backend or get_backend()).xp, {which: array}, number)


def flat_array(xp: Namespace, arrays: Sequence[Array]) -> Array:
    """The elements of all arrays, end to end."""
    return xp.concat([xp.reshape(a, (-1,)) for a in arrays])


def number_array(backend: Backend, number: float, dtype: str) -> Array:
    """A number as a 0-d array, which a captured step can be given anew."""
    import numpy as np  # here, so that importing this package imports no array library

    return backend.asarray(np.asarray(number), dtype)
