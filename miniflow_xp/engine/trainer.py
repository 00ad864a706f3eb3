"""Trainer: forward, backward and update as one captured step."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from math import prod
from typing import Any, NamedTuple

from miniflow_xp import dtypes
from miniflow_xp.backend import Array, Backend, Capture, Namespace
from miniflow_xp.broadcasting import shape_of
from miniflow_xp.checks import not_negative, of_kind, shown
from miniflow_xp.dtypes import as_wide_as, wide
from miniflow_xp.engine.captures import CaptureCache
from miniflow_xp.engine.frozen import FrozenGraph, Runner
from miniflow_xp.engine.optim import SGD, Optimizer
from miniflow_xp.engine.printing import equations
from miniflow_xp.engine.program import Program
from miniflow_xp.errors import GraphError, SettingError
from miniflow_xp.feed import admit, checked_feed, float_dtypes
from miniflow_xp.graph import ancestors, check_floats
from miniflow_xp.node import Input, Node, Parameter, as_nodes
from miniflow_xp.ops.dropout import Counter
from miniflow_xp.ops.losses import Loss, Weight, as_mean
from miniflow_xp.switch import Choice, get_backend, in_block, load, set_backend, to_numpy
from miniflow_xp.system.notebooks import ShownAsText

MADE_ANEW = ("_graph", "_captures", "_readers", "_held", "_dtypes", "_stale", "_additive")  # in the copy of a Trainer


class Trainer(ShownAsText):
    """Moves ``parameters`` (default: all that ``cost`` depends on) along the gradient of ``cost``, a scalar.

    ``trainer.step(feed)`` is one captured step and returns the cost as a 0-d array on the device, without waiting for
    it. Reading a Parameter's ``value`` gives what the last step left, as an array that later steps do not change;
    setting one is seen by the next step, and so is what is set on the ``optimizer``. A backend chosen later is seen
    too: parameters and slots move there. Several threads take turns. ``copy.deepcopy`` and ``pickle`` give a trainer
    that goes on by itself from here. Raises NoGradientError for a parameter that the cost does not depend on, and its
    first step DtypeError for one declared integer.
    """

    def __init__(
        self,
        cost: Node,
        optimizer: Optimizer | None = None,
        parameters: Parameter | Sequence[Parameter] | None = None,
    ) -> None:
        (cost,) = as_nodes([cost], "Trainer")
        found = [n for n in ancestors([cost]) if isinstance(n, Parameter)]
        self.parameters = found if parameters is None else as_nodes(parameters, "Trainer, parameters")
        check_parameters(cost, self.parameters)
        self.cost = cost
        self._optimizer: Optimizer = of_kind(
            SGD() if optimizer is None else optimizer,
            Optimizer,
            "Trainer, optimizer",
            "it is an optimizer with its settings",
            "Write Trainer(cost, Adam(0.001)), for instance",
        )
        self._settings = dict(vars(self.optimizer))
        self._made_with = 0
        self._rate: float = self.optimizer.learning_rate
        self._loaded: Memory | None = None
        self._begin()

    def _begin(self) -> None:
        """What a copy makes anew."""
        self._graph = FrozenGraph([self.cost], self.parameters)
        trained = set(self.parameters)
        data = [leaf for leaf in self.graph.leaves if leaf not in trained]
        self._captures = CaptureCache(data, f"Trainer of {self.cost}")
        self._readers = [partial(self._read, n) for n in range(len(self.parameters))]
        self._held = Held(None, Layout((), 0, False), [])
        self._dtypes: tuple[str, ...] = ()
        self._stale = True
        self._additive: Program | None = None

    def __getstate__(self) -> dict[str, Any]:
        with self._captures.turn:
            kept = {name: value for name, value in vars(self).items() if name not in MADE_ANEW}
            return {**kept, "_loaded": self.memory()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._begin()

    @property
    def optimizer(self) -> Optimizer:
        """The update rule. It stays the same; its settings may be set."""
        return self._optimizer

    @property
    def graph(self) -> FrozenGraph:
        """What a step runs."""
        return self._graph

    def _refuse_schedule(self, value: Any) -> None:
        raise SettingError(
            "Trainer.schedule",
            f"it was set to {shown(value)}",
            "a Trainer has one learning rate",
            "Give a schedule of learning rates to fit(..., schedule=...), or set learning_rate before each step",
        )

    schedule = property(fset=_refuse_schedule)

    @property
    def learning_rate(self) -> float:
        """η of the next step, not below 0; setting it, here or on the optimizer, captures nothing anew."""
        with self._captures.turn:
            self._follow()
            return self._rate

    @learning_rate.setter
    def learning_rate(self, rate: float) -> None:
        with self._captures.turn:
            self._follow()
            self._set_rate(not_negative(rate, "learning_rate"))

    def _follow(self) -> None:
        """Take over what was set on the optimizer since this was last called."""
        now, before = vars(self._optimizer), self._settings
        if now == before:
            return
        self._settings = dict(now)
        if now["learning_rate"] != before["learning_rate"]:
            self._set_rate(now["learning_rate"])
        if now != before | {"learning_rate": now["learning_rate"]}:
            self._made_with += 1  # a captured step holds the other settings
            self._stale = True

    def _set_rate(self, rate: float) -> None:
        self._rate, held = rate, self._held
        if held.captured is None or held.backend is None:
            self._stale = True  # the next step gathers its state anew
            return
        for dtype, clock in held.layout.clocks.items():
            held.captured.write(clock, number_array(held.backend, rate, dtype))

    def step(self, feed: Mapping[Input, Any] | None = None) -> Array:
        """One step on a feed, {Input: data}; returns the cost before the update."""
        backend, feed = get_backend(), checked_feed(feed, self._captures.name)
        with self._captures.turn:
            self._follow()
            same = backend is self._held.backend and not self._stale
            if not same or [p.reader for p in self.parameters] != self._readers:
                self._gather(backend, feed)
            held = self._held
            key = held.layout, self._made_with
            captured, arrays = self._captures.prepare(feed, (), key, self._function, held.state, self._dtypes)
            if captured is not held.captured:
                self._move_to(captured)
            return captured(*arrays)[0]

    def to(self, choice: Choice, **options: Any) -> "Trainer":
        """Go on on another backend, which becomes the one in use: ``trainer.to("cupy:0")``; returns the trainer.

        Parameters, slots, the number of the step and the learning rate move; the next step captures anew. Takes what
        ``set_backend`` takes. Raises BackendError for a backend that cannot be used, DtypeError where it does not have
        a parameter's dtype, SettingError in a ``use_backend`` block, which has its own; then nothing has changed.
        """
        if in_block():
            raise SettingError(
                f"Trainer of {self.cost}, to({choice!r})",
                "a use_backend block is open",
                "inside it the block's backend is in use",
                "Move before it or after it, or open another block, which the trainer follows",
            )
        backend = load(choice, **options)
        with self._captures.turn:
            values = admit({p: portable(p.value, backend) for p in self.parameters}, backend)
            memory = self.memory()
            set_backend(backend)
            for parameter, value in values.items():
                parameter.value = value
            self.remember(memory)
        return self

    def additive(self, feed: Mapping[Input, Any]) -> Array:
        """Gradients of the loss's sum, this sum and its weight, end to end in one 1-D array; updates nothing.

        The arrays of parts of a batch add up to that of the whole batch, however uneven the parts are: divide by the
        last element after adding. Parameters come in the order of ``parameters``. The array is float32 where all is of
        half precision, which could not hold such sums. Raises GraphError where the cost is not a loss.
        """
        if self._additive is None:
            if not isinstance(self.cost, Loss):
                raise GraphError(str(self.cost), "it is no loss", "a sum and a weight are needed", "End in a loss")
            self._additive = Program([as_mean(self.cost), Weight(self.cost)], self.parameters)
        (mean, weight), gradients = self._additive(feed)
        xp = get_backend().xp
        with get_backend().activate():
            means = [wide(xp, a) for a in (*(gradients[p] for p in self.parameters), mean)]
            return flat_array(xp, [*(m * as_wide_as(xp, weight, m) for m in means), weight])

    @property
    def counters(self) -> list[Counter]:
        """The counters of passes that the cost depends on, which dropout's masks come from."""
        return [leaf for leaf in self.graph.leaves if isinstance(leaf, Counter)]

    def explain(self) -> str:
        """What the last capture did, or why it fell back to the plain loop."""
        return self._captures.how

    def __str__(self) -> str:
        trained = ", ".join(p.name or str(p) for p in self.parameters)
        return f"{equations(self.graph)}\nupdate\n  {type(self.optimizer).__name__}: {trained}\n{self.explain()}"

    def memory(self) -> "Memory":
        """What the optimizer remembers now, on the host; waits until it is there."""
        with self._captures.turn:
            return self._loaded or self._held.layout.memory([to_numpy(a) for a in self._held.state()])

    def on_host(self) -> "OnHost":
        """What a training is in the middle of, on the host; each array of the state moves there once."""
        import numpy as np  # here, so that importing this package imports no array library

        with self._captures.turn:
            layout = self._held.layout
            state = [] if self._captured is None else [to_numpy(array) for array in self._held.state()]
            values, names = [], []
            for number, (parameter, reader) in enumerate(zip(self.parameters, self._readers, strict=True)):
                if state and parameter.reader is reader:
                    values.append(layout.part(np, state, number))
                    names.append(layout.dtype(number))
                else:
                    value = parameter.value
                    values.append(to_numpy(value))
                    names.append(dtypes.name_of(value if hasattr(value, "dtype") else values[-1]))
            memory = self._loaded or layout.memory(state) if state else self.memory()
            return OnHost(values, names, memory, [counter.number for counter in self.counters], self.learning_rate)

    def take_up(self, found: "OnHost") -> None:
        """Let the next step be the one that would have followed when ``on_host`` gave this, which must fit."""
        backend = get_backend()
        values = [
            backend.asarray(value, name) if name == "bfloat16" and backend.storable(name) == name else value
            for value, name in zip(found.values, found.dtypes, strict=True)
        ]
        with self._captures.turn:
            for parameter, value in zip(self.parameters, values, strict=True):
                parameter.value = value
            for counter, number in zip(self.counters, found.passes, strict=True):
                counter.value = number
            self.remember(found.memory)
            self.learning_rate = found.learning_rate

    def remember(self, memory: "Memory") -> None:
        """Let the next step go on from this memory, which must fit the parameters and the optimizer."""
        with self._captures.turn:
            self._loaded, self._stale = memory, True

    @property
    def _captured(self) -> Capture | None:
        """The capture that the last step ran; None before it."""
        return self._held.captured

    def _gather(self, backend: Backend, feed: Mapping[Input, Any]) -> None:
        """Collect the state afresh: parameters as they are now, slots as they were, the learning rate."""
        check_floats(self.parameters)
        data = {leaf: feed.get(leaf, leaf.value) for leaf in self._captures.leaves}
        raw: dict[Input, Any] = {}
        for parameter in self.parameters:
            value = parameter.value
            native = backend.owns(value) and backend.on_device(value)
            raw[parameter] = portable(value, backend) if parameter.reader and not native else value
        arrays = list(admit(raw, backend, float_dtypes(data, backend)).values())
        layout = Layout.of(arrays, self.optimizer, backend.flat_state)
        memory = self.memory()
        with backend.activate():
            initial = layout.pack(backend, arrays, self._rate, memory)
        self._held, self._stale, self._loaded = Held(backend, layout, initial), False, None
        self._dtypes = tuple({group.dtype for group in layout.groups})

    def _move_to(self, captured: Capture) -> None:
        for n, array in enumerate(self._held.state()):
            captured.write(n, array)
        self._held = self._held._replace(initial=[], captured=captured)
        for parameter, reader in zip(self.parameters, self._readers, strict=True):
            if parameter.reader is not reader:
                parameter.hold(reader)

    def _read(self, number: int) -> Array:
        """The value of a parameter, from the state."""
        return self._held.value(number)

    def _function(self, key: tuple["Layout", int]) -> tuple[Callable[..., list[Array]], Runner]:
        layout, _ = key
        run = Runner(self.graph)
        numbers = {parameter: n for n, parameter in enumerate(self.parameters)}

        def step(xp: Namespace, *args: Array) -> list[Array]:
            state, data = args[: layout.size], iter(args[layout.size :])
            values = layout.unpack(xp, state)
            arrays = [values[numbers[leaf]] if leaf in numbers else next(data) for leaf in self.graph.leaves]
            outputs, gradients, _ = run(xp, arrays)
            return [*layout.update(xp, self.optimizer, state, gradients), *outputs]

        return step, run


class Held(NamedTuple):
    """The state of a Trainer: ``initial``, as it was gathered, until a capture holds it."""

    backend: Backend | None
    layout: "Layout"
    initial: list[Array]
    captured: Capture | None = None

    def state(self) -> list[Array]:
        """Its arrays as they are now."""
        return self.initial if self.captured is None else list(map(self.captured.read, range(self.layout.size)))

    def value(self, number: int) -> Array:
        """The value of a parameter as it is now."""
        which, _, _ = self.layout.place(number)
        array = self.initial[which] if self.captured is None else self.captured.read(which)
        return self.layout.part((self.backend or get_backend()).xp, {which: array}, number)


class Group(NamedTuple):
    """Parameters that are updated as one array: ``numbers``, their shapes and their dtype."""

    numbers: tuple[int, ...]
    shapes: tuple[tuple[int, ...], ...]
    dtype: str


class Memory(NamedTuple):
    """What an optimizer remembers: {number of a parameter: its slots}, on the host, and how many steps were made."""

    slots: dict[int, list[Any]]
    steps: float


class OnHost(NamedTuple):
    """All that a training is in the middle of, with NumPy arrays.

    ``dtypes``: names of those of the ``values``, as NumPy has no bfloat16; ``passes``: dropout's counters.
    """

    values: list[Any]
    dtypes: list[str]
    memory: Memory
    passes: list[int]
    learning_rate: float


class Layout(NamedTuple):
    """How the state of a Trainer lies in arrays.

    For each group its parameters (end to end in one flat array where ``flat``, else one alone) and its slots; then for
    each dtype the learning rate and the number of the step. Parameters of half precision have float32 for all of these.
    """

    groups: tuple[Group, ...]
    slots: int
    flat: bool

    @classmethod
    def of(cls, arrays: Sequence[Array], optimizer: Optimizer, flat: bool) -> "Layout":
        """The layout for parameters with these values."""
        kinds: dict[Any, list[int]] = {}
        for n, array in enumerate(arrays):
            kinds.setdefault(dtypes.name_of(array) if flat else n, []).append(n)
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

    def memory(self, state: Sequence[Array]) -> Memory:
        """What the state, on the host, remembers besides the parameters."""
        slots = {}
        for n, group in enumerate(self.groups):
            flat = [state[n * self.width + 1 + k].reshape(-1) for k in range(self.slots)]
            start = 0
            for number, shape in zip(group.numbers, group.shapes, strict=True):
                slots[number] = [f[start : start + prod(shape)].reshape(shape) for f in flat]
                start += prod(shape)
        steps = [float(state[clock + 1]) for clock in self.clocks.values()]
        return Memory(slots, max(steps, default=0.0))

    def pack(self, backend: Backend, arrays: Sequence[Array], rate: float, memory: Memory) -> list[Array]:
        """The state for these values of the parameters; slots start at 0 where nothing is remembered."""
        state: list[Array] = []
        for group in self.groups:
            slots = [
                [
                    backend.asarray(memory.slots[n][k], dtypes.wider(group.dtype))
                    if k < len(memory.slots.get(n, ()))
                    else backend.xp.zeros_like(wide(backend.xp, arrays[n]))
                    for n in group.numbers
                ]
                for k in range(self.slots)
            ]
            rows = ([arrays[n] for n in group.numbers], *slots)
            state += [flat_array(backend.xp, parts) if self.flat else parts[0] for parts in rows]
        for dtype in self.clocks:
            state += [number_array(backend, rate, dtype), number_array(backend, memory.steps, dtype)]
        return state

    def unpack(self, xp: Namespace, state: Sequence[Array]) -> list[Array]:
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
        self, xp: Namespace, optimizer: Optimizer, state: Sequence[Array], gradients: Sequence[Array]
    ) -> list[Array]:
        """The new state."""
        new = list(state)
        gradients = optimizer.clip(xp, gradients)
        for clock in self.clocks.values() if optimizer.counts else ():
            new[clock + 1] = state[clock + 1] + 1
        for n, group in enumerate(self.groups):
            theta, *slots = state[n * self.width : (n + 1) * self.width]
            parts = [gradients[number] for number in group.numbers]
            gradient = wide(xp, flat_array(xp, parts) if self.flat else parts[0])
            clock = self.clocks[dtypes.wider(group.dtype)]
            moved, slots = optimizer.update(xp, wide(xp, theta), gradient, slots, state[clock], new[clock + 1])
            new[n * self.width : (n + 1) * self.width] = [as_wide_as(xp, moved, theta), *slots]
        return new


def portable(value: Any, backend: Backend) -> Any:
    """A parameter's value for another backend: on the host; bfloat16, which NumPy does not have, on the backend."""
    name = dtypes.name_of(value) if hasattr(value, "dtype") else ""
    host = to_numpy(value)
    return backend.asarray(host, name) if name == "bfloat16" and backend.storable(name) == name else host


def check_parameters(cost: Node, parameters: Sequence[Node]) -> None:
    """Raise GraphError unless there are Parameters, each once."""
    if not parameters:
        raise GraphError(str(cost), "no Parameter is trained", "a Trainer needs some", "Make weights Parameters")
    for n, node in enumerate(parameters):
        if not isinstance(node, Parameter):
            raise GraphError(str(node), "it is no Parameter", "only Parameters are trained", "Make it a Parameter")
        if node in parameters[:n]:
            raise GraphError(str(node), "it is named twice", "each Parameter is trained once", "Name it once")


def flat_array(xp: Namespace, arrays: Sequence[Array]) -> Array:
    """The elements of all arrays, end to end."""
    return xp.concat([xp.reshape(a, (-1,)) for a in arrays])


def number_array(backend: Backend, number: float, dtype: str) -> Array:
    """A number as a 0-d array, which a captured step can be given anew."""
    import numpy as np  # here, so that importing this package imports no array library

    return backend.asarray(np.asarray(number), dtype)
