"""A step as a list of calls: kernels, products, and the library's own functions for the rest.

It imports no array library: the Device that it is given does the work, on a GPU or, in tests, with NumPy.
"""

from collections.abc import Callable, Sequence
from functools import partial
from math import prod
from typing import Any

from miniflow_xp.arrays.operators import function_of
from miniflow_xp.backend import Array
from miniflow_xp.backends.cupy.device import Device, Target
from miniflow_xp.backends.cupy.equations import (
    contents,
    is_own,
    is_plain_product,
    is_plain_sum,
    joins,
    sums_many,
    why_unsafe,
)
from miniflow_xp.backends.cupy.groups import Group, Item, order
from miniflow_xp.backends.cupy.homes import Home, homes, inputs, outputs
from miniflow_xp.backends.cupy.sources import write
from miniflow_xp.recording.equations import Value


class Plan:
    """``run(arrays)`` computes what was recorded; the first ``state`` arrays are overwritten by the new state."""

    def __init__(self, values: Sequence[Value], results: Sequence[Value], state: int, device: Device) -> None:
        self.device = device
        items = order(values, results)
        known = dict.fromkeys([*values, *(p for i in items for p in inputs(i)), *results])
        self._places = {value: n for n, value in enumerate(known)}
        arguments = [v for v in values if v.op == "argument"]
        written = {v for i in items for v in outputs(i) if isinstance(i, Group) or self._writer(v) is not None}
        self._homes = homes(items, results, arguments[:state], written)
        self._steps = list(zip(map(self._step, items), self._dropped(items, results), strict=True))
        self._fixed = [device.kept(v.content) if v.is_constant and not v.is_number else v.content for v in known]
        self._arguments = [self._places[v] for v in arguments]
        self._outputs = [(self._places[v], not is_own(v)) for v in results[state:]]
        self._renewed = [
            (n, self._places[new], not is_own(new))
            for n, (new, old) in enumerate(zip(results[:state], arguments, strict=False))
            if new is not old and self._homes.get(new) != Home(old, None)
        ]
        self.unsafe = sorted({reason for item in items if isinstance(item, Value) and (reason := why_unsafe(item))})
        self.kernels = sum(isinstance(i, Group) for i in items)
        self.fused = sum(len(i.members) for i in items if isinstance(i, Group))
        self.products = sum(isinstance(i, Value) and i.op == "matmul" for i in items)
        self._places, self._homes = {}, {}  # they hold the arrays of the recording

    def describe(self) -> str:
        """What the step was made into, in words."""
        return (
            f"recorded, {self.fused} elementwise equations in {self.kernels} kernels, {self.products} products, "
            f"{len(self._steps)} calls in all"
        )

    def run(self, arrays: Sequence[Array]) -> list[Array]:
        """The results that are not state, in arrays of their own."""
        memory = self._fixed.copy()
        for place, array in zip(self._arguments, arrays, strict=True):
            memory[place] = array
        for step, dropped in self._steps:
            step(memory)
            for place in dropped:
                memory[place] = None
        found = [self._owned(memory[place], shared) for place, shared in self._outputs]
        new = [(n, self._owned(memory[place], shared)) for n, place, shared in self._renewed]
        for n, array in new:  # not before all are in memory of their own: states may have changed places
            self.device.copy(array, arrays[n])
        return found

    def _owned(self, array: Array, shared: bool) -> Array:
        if not shared:
            return array
        own = self.device.empty(array.shape, array.dtype)
        self.device.copy(array, own)
        return own

    def _dropped(self, items: Sequence[Item], results: Sequence[Value]) -> list[list[int]]:
        """After each item, the places that nobody reads any more."""
        seen: set[Value] = {*results, *(v for v in self._places if v.op in ("argument", "constant"))}
        found = []
        for item in reversed(items):
            new = [v for v in dict.fromkeys([*inputs(item), *outputs(item)]) if v not in seen and v in self._places]
            seen.update(new)
            found.append([self._places[v] for v in new])
        return found[::-1]

    def _step(self, item: Item) -> Callable[[list[Any]], None]:
        """The call for an item. It does not hold the plan, whose memory is to go as soon as nobody else holds it."""
        if isinstance(item, Group):
            return self._kernel(item)
        if joins(item):
            return self._concat(item)
        if (write_into := self._writer(item)) is not None:
            sources, target, device = [self._places[p] for p in item.parents], self._target(item), self.device

            def written(memory: list[Any]) -> None:
                out = target.array(memory, device)
                write_into(*[memory[n] for n in sources], out)
                memory[target.place] = out

            return written
        return self._call(item)

    def _writer(self, value: Value) -> Callable[..., None] | None:
        """What computes a value into a given array, where there is such a function."""
        if is_plain_product(value):
            return self.device.matmul
        if sums_many(value):
            return self.device.column_sums
        return partial(self.device.sum, **value.keywords) if is_plain_sum(value) else None

    def _kernel(self, group: Group) -> Callable[[list[Any]], None]:
        source, sources = write(group), [self._places[v] for v in group.inputs]
        targets, device = [self._target(v) for v in group.outputs], self.device

        def kernel(memory: list[Any]) -> None:
            outs = [target.array(memory, device) for target in targets]
            device.launch(source, [memory[n] for n in sources], outs)
            for target, out in zip(targets, outs, strict=True):
                memory[target.place] = out

        return kernel

    def _concat(self, value: Value) -> Callable[[list[Any]], None]:
        """Our own: of more than eight arrays, CuPy's copies their addresses from the host."""
        axis, start, parts = value.keywords.get("axis", 0) % len(value.shape), 0, []
        for part in value.inputs[0]:
            stop = start + part.shape[axis]
            home = self._homes.get(contents(part))
            if home is None or home.owner is not value or home.start != start:
                parts.append((self._places[part], (slice(None),) * axis + (slice(start, stop),)))
            start = stop
        target, device = self._target(value), self.device

        def concat(memory: list[Any]) -> None:
            if memory[target.place] is None:
                memory[target.place] = device.empty(target.shape, target.dtype)
            for place, where in parts:
                device.copy(memory[place], memory[target.place][where])

        return concat

    def _call(self, value: Value) -> Callable[[list[Any]], None]:
        function = function_of(value.op, self.device.xp)
        given, keywords, place = [self._argument(i) for i in value.inputs], value.keywords, self._places[value]
        device = self.device

        def call(memory: list[Any]) -> None:
            memory[place] = device.call(function, [find(memory) for find in given], keywords)

        return call

    def _argument(self, item: Any) -> Callable[[list[Any]], Any]:
        if isinstance(item, Value):
            place = self._places[item]
            return lambda memory: memory[place]
        if type(item) in (list, tuple):
            found = [self._argument(i) for i in item]
            return lambda memory: type(item)([find(memory) for find in found])
        return lambda memory: item  # noqa: ARG005  a shape or an index

    def _target(self, value: Value) -> Target:
        home = self._homes.get(value)
        place = self._places[value]
        if home is None:
            return Target(place, value.shape, value.dtype)
        return Target(place, value.shape, value.dtype, self._places[home.owner], home.start, prod(home.owner.shape))
