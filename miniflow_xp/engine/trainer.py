"""Trainer: forward, backward and update as one captured step."""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from math import prod
from typing import Any

from miniflow_xp import dtypes
from miniflow_xp.backend import Array, Backend, Capture, Namespace
from miniflow_xp.broadcasting import shape_of
from miniflow_xp.checks import not_negative, of_kind, shown
from miniflow_xp.distributed.world import World
from miniflow_xp.engine.additive import Additive, update_along
from miniflow_xp.engine.agreement import agree
from miniflow_xp.engine.captures import CaptureCache
from miniflow_xp.engine.dealing import Dealing, is_data, with_arrays
from miniflow_xp.engine.frozen import Call, FrozenGraph, Runner, Uncaptured, called
from miniflow_xp.engine.layout import DeviceState, Layout, number_array
from miniflow_xp.engine.optim import SGD, Optimizer
from miniflow_xp.engine.printing import equations
from miniflow_xp.engine.state import OptimizerState, TrainerState
from miniflow_xp.errors import GraphError, SettingError, ShapeError
from miniflow_xp.feed import admit, checked_feed, float_dtypes
from miniflow_xp.given import as_array
from miniflow_xp.graph import ancestors, check_floats
from miniflow_xp.node import Input, Node, Parameter, as_nodes
from miniflow_xp.ops.batch_normalisation import Running, moves_of
from miniflow_xp.ops.dropout import Counter
from miniflow_xp.ops.losses import Loss, Weight, loss_of
from miniflow_xp.switch import Choice, get_backend, in_block, load, set_backend, to_numpy
from miniflow_xp.system.notebooks import ShownAsText

MADE_ANEW = (
    *("_graph", "_captures", "_readers", "_held", "_keys", "_key", "_dtypes", "_stale", "_trained"),
    *("_additive", "_updates"),
)
"""What a copy of a Trainer does not take over: ``_begin`` sets it."""


class Trainer(ShownAsText):
    """Moves ``parameters`` (default: all that ``cost`` depends on) along the gradient of ``cost``, a scalar.

    ``trainer.step(feed)`` is one captured step and returns the cost as a 0-d array on the device, without waiting for
    it. Reading a Parameter's ``value`` gives what the last step left, as an array that later steps do not change;
    setting one is seen by the next step, and so is what is set on the ``optimizer``. A backend chosen later is seen
    too: parameters and slots move there. Several threads take turns. ``copy.deepcopy`` and ``pickle`` give a trainer
    that continues on its own; ``snapshot`` gives the state, which ``restore`` goes back to. Raises NoGradientError for
    a parameter that the cost does not depend on, and its first step DtypeError for one declared integer.

    Each step also moves what no gradient moves: the Running averages of batch normalisation, which come last in
    ``parameters``.

    ``across``: a World, of ``join``: each of its processes makes its own Trainer of the same network, which takes the
    parameters of rank 0, and feeds ``step`` its own rows, of whatever number and also of none; gradients and costs are
    those of all rows together, and so are dropout's masks. ``accumulate``: micro-batches that the rows of a step are
    cut into, to save memory. ``shards``: into so many parts in all, whose gradients are added in one order: the bits
    are then the same for every number of processes. All three need a cost that is a loss, and no batch normalisation.
    Raises WorldError where processes differ.
    """

    def __init__(
        self,
        cost: Node,
        optimizer: Optimizer | None = None,
        parameters: Parameter | Sequence[Parameter] | None = None,
        *,
        across: World | None = None,
        accumulate: int = 1,
        shards: int | None = None,
    ) -> None:
        (cost,) = as_nodes([cost], "Trainer")
        found = ancestors([cost]) if parameters is None else as_nodes(parameters, "Trainer, parameters")
        is_asked = parameters is not None
        trained = [n for n in found if (isinstance(n, Parameter) or is_asked) and not isinstance(n, Running)]
        check_parameters(cost, trained)
        self.parameters: list[Any] = [*trained, *moves_of(cost)]
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
        self._loaded: OptimizerState | None = None
        self.dealing = Dealing(across, accumulate, shards)
        self.dealing.check(cost)
        self._begin()
        agree(self)

    def _begin(self) -> None:
        """Set what MADE_ANEW names."""
        loss = loss_of(self.cost)
        weight = [] if loss is None or loss.counts_terms else [Weight(loss)]
        moves = moves_of(self.cost)
        self._trained = self.parameters[: len(self.parameters) - len(moves)]
        self._graph = FrozenGraph([self.cost], self._trained, aside=[*weight, *moves.values()])
        held = set(self.parameters)
        data = [leaf for leaf in self.graph.leaves if leaf not in held]
        self._captures = CaptureCache(data, f"Trainer of {self.cost}")
        self._readers = [partial(self._read, n) for n in range(len(self.parameters))]
        self._held = DeviceState(None, Layout((), 0, False), [])
        self._keys: dict[tuple[Layout, int], int] = {}
        self._key = 0
        self._dtypes: tuple[str, ...] = ()
        self._stale = True
        self._additive: Additive | None = None if self.dealing.is_plain else Additive(self.cost, self._trained)
        self._updates = CaptureCache([], f"update of {self.cost}")

    def __getstate__(self) -> dict[str, Any]:
        with self._captures.turn:
            kept = {name: value for name, value in vars(self).items() if name not in MADE_ANEW}
            return {**kept, "_loaded": self._optimizer_state()}

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
        """Take over the settings of the optimizer that changed since the last call."""
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
        return self.weighed_step(feed)[0]

    def uncaptured(self, feed: Mapping[Input, Any] | None = None, call: Call = called) -> Uncaptured:
        """What a step captures, as a plain function and the arrays for it; ``call`` makes the calls of the rules.

        The function moves nothing: it returns the new state, then the cost. Raises GraphError for a Trainer whose steps
        are made of several parts.
        """
        feed = checked_feed(feed, self._captures.name)
        if not self.dealing.is_plain:
            rule, remedy = "a plain step is one", "Make a Trainer without across, accumulate and shards"
            raise GraphError(self._captures.name, "its steps are made of several parts", rule, remedy)
        with self._captures.turn:
            self._make_ready(feed)
            state = self._held.state()
            key = self._key
            captured, arrays = self._captures.prepare(feed, (), key, self._function, lambda: state, self._dtypes)
            return Uncaptured(self._function(key, call)[0], [*state, *arrays], captured)

    def weighed_step(self, feed: Mapping[Input, Any] | None = None) -> Sequence[Array]:
        """One step; the cost, and the weight of its loss where the shapes of the feed do not say it."""
        feed = checked_feed(feed, self._captures.name)
        with self._captures.turn:
            self._make_ready(feed)
            if not self.dealing.is_plain:
                return self._along(self._sums(feed))
            state = self._held.state
            captured, arrays = self._captures.prepare(feed, (), self._key, self._function, state, self._dtypes)
            return self._run(captured, arrays)

    def apply(self, vector: Array) -> Sequence[Array]:
        """One step along a sum of ``additive`` vectors; returns the cost and the weight of all their terms."""
        where = f"{self._captures.name}, vector"
        vector = as_array(where, vector, get_backend())
        with self._captures.turn:
            self._make_ready({})
            wanted = sum(prod(shape_of(p.value)) for p in self._trained) + 2
            if shape_of(vector) != (wanted,):
                rule = f"it has {wanted - 2} gradients, a sum and a weight, end to end"
                raise ShapeError(where, f"it is {shape_of(vector)}", rule, "Add what additive(feed) gives")
            return self._along(vector)

    def _along(self, vector: Array) -> Sequence[Array]:
        return self._run(*self._updates.prepare({}, [vector], self._key, self._update, self._held.state))

    def _make_ready(self, feed: Mapping[Input, Any]) -> None:
        """Follow what was set since the last step: the optimizer, the backend, values of parameters."""
        self._follow()
        backend = get_backend()
        same = backend is self._held.backend and not self._stale
        if not same or [p.reader for p in self.parameters] != self._readers:
            self._gather(backend, {n: v for n, v in feed.items() if 0 not in getattr(v, "shape", ())})

    def _run(self, captured: Capture, arrays: Sequence[Array]) -> Sequence[Array]:
        if captured is not self._held.captured:
            self._move_to(captured)
        return captured(*arrays)

    def to(self, choice: Choice, **options: Any) -> "Trainer":
        """Continue on another backend, which becomes the one in use: ``trainer.to("cupy:0")``; returns the trainer.

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
            optimizer = self._optimizer_state()
            set_backend(backend)
            for parameter, value in values.items():
                parameter.value = value
            self._loaded, self._stale = optimizer, True
        return self

    def additive(self, feed: Mapping[Input, Any]) -> Array:
        """Gradients of the loss's sum, this sum and its weight, end to end in one 1-D array; updates nothing.

        The arrays of parts of a batch add up to that of the whole batch, however uneven the parts are: divide by the
        last element after adding. Parameters come in the order of ``parameters``. The array is float32 where all is of
        half precision, which could not hold such sums. Raises GraphError where the cost is not a loss.
        """
        if self._additive is None:
            self._additive = Additive(self.cost, self._trained)
        return self._additive(checked_feed(feed, self._captures.name))

    def _sums(self, feed: Mapping[Input, Any]) -> Array:
        """The additive vector of all rows of all processes."""
        backend, held = get_backend(), self._held
        xp, counters = backend.xp, self.counters
        values = held.values()
        names = [dtypes.wider(dtypes.name_of(v)) for v in values]
        dtype = dtypes.widest(set(names)) or backend.default_float  # the same in all processes, whatever they are fed
        parameters = dict(zip(self.parameters, values, strict=True))
        unfed = {leaf: leaf.value for leaf in self._captures.leaves if leaf not in feed and is_data(leaf)}
        data = with_arrays({n: v for n, v in {**unfed, **feed}.items() if n not in counters})
        assert self._additive is not None
        run = self._additive

        def one(part: Mapping[Input, Any]) -> Array:
            with backend.activate():
                return xp.astype(run({**parameters, **part}), getattr(xp, dtype), copy=False)

        def nothing() -> Array:
            import numpy as np  # here, so that importing this package imports no array library

            return backend.asarray(np.zeros(sum(prod(v.shape) for v in values) + 2), dtype)

        with self._passes(feed) as passes, backend.activate():
            return self.dealing.vector(data, passes, one, nothing)

    @contextmanager
    def _passes(self, feed: Mapping[Input, Any]) -> Iterator[dict[Counter, int]]:
        """The numbers of dropout's next passes; a feed that is refused is none."""
        fresh = {c: int(c.advance()) for c in self.counters if c not in feed}
        try:
            yield {**fresh, **{c: int(feed[c]) for c in self.counters if c in feed}}
        except BaseException:
            for counter, number in fresh.items():
                counter.take_back(number)
            raise

    @property
    def counters(self) -> list[Counter]:
        """The counters of passes that the cost depends on, which dropout's masks come from."""
        return [leaf for leaf in self.graph.leaves if isinstance(leaf, Counter)]

    def explain(self) -> str:
        """What the last capture did, or why it fell back to the plain loop."""
        return self._captures.how

    def __str__(self) -> str:
        trained = ", ".join(p.name or str(p) for p in self._trained)
        return f"{equations(self.graph)}\nupdate\n  {type(self.optimizer).__name__}: {trained}\n{self.explain()}"

    def snapshot(self) -> TrainerState:
        """All that training goes on from, on the host; waits until it is there, and changes nothing."""
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
            optimizer = self._optimizer_state(state)
            return TrainerState(
                values, names, optimizer, [counter.number for counter in self.counters], self.learning_rate
            )

    def restore(self, state: TrainerState) -> None:
        """Let the next step be the one that would have followed on this snapshot, which must fit."""
        backend = get_backend()
        values = [from_host(value, name, backend) for value, name in zip(state.values, state.dtypes, strict=True)]
        with self._captures.turn:
            for parameter, value in zip(self.parameters, values, strict=True):
                parameter.value = value
            for counter, number in zip(self.counters, state.passes, strict=True):
                counter.value = number
            self._loaded, self._stale = state.optimizer, True
            self.learning_rate = state.learning_rate

    def _optimizer_state(self, state: Sequence[Array] = ()) -> OptimizerState:
        """What the optimizer remembers now; ``state``: its arrays, where they are on the host already."""
        with self._captures.turn:
            return self._loaded or self._held.layout.optimizer_state(state or [to_numpy(a) for a in self._held.state()])

    @property
    def _captured(self) -> Capture | None:
        """The capture that the last step ran; None before the first step."""
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
        layout = Layout.of(arrays, self.optimizer, backend.flat_state, len(self._trained))
        remembered = self._optimizer_state()
        with backend.activate():
            initial = layout.pack(backend, arrays, self._rate, remembered)
        self._held, self._stale, self._loaded = DeviceState(backend, layout, initial), False, None
        self._key = self._keys.setdefault((layout, self._made_with), len(self._keys))  # each step hashes it: a number
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

    def _function(self, _: Hashable, call: Call = called) -> tuple[Callable[..., list[Array]], Runner]:
        layout, run = self._held.layout, Runner(self.graph, call)
        numbers = {parameter: n for n, parameter in enumerate(self.parameters)}
        moving = len(self.graph.outputs) - len(self.parameters) + len(self._trained)  # the first output that moves one

        def step(xp: Namespace, *args: Array) -> list[Array]:
            state, data = args[: layout.size], iter(args[layout.size :])
            values = layout.unpack(xp, state)
            arrays = [values[numbers[leaf]] if leaf in numbers else next(data) for leaf in self.graph.leaves]
            outputs, gradients, _ = run(xp, arrays)
            new = call(None, "update", layout.update, xp, self.optimizer, state, gradients, outputs[moving:])
            return [*new, *outputs[:moving]]

        return step, run

    def _update(self, _: Hashable) -> tuple[Callable[..., list[Array]], Runner]:
        is_mean = not isinstance(self.cost, Loss) or self.cost.reduction == "mean"
        return update_along(self._held.layout, self.optimizer, len(self._trained), is_mean), Runner(self.graph)


def portable(value: Any, backend: Backend) -> Any:
    """A parameter's value for another backend: on the host, but for bfloat16."""
    return from_host(to_numpy(value), dtypes.name_of(value) if hasattr(value, "dtype") else "", backend)


def from_host(host: Array, dtype: str, backend: Backend) -> Array:
    """``host``; on the backend where it is bfloat16, which NumPy does not have."""
    return backend.asarray(host, dtype) if dtype == "bfloat16" and backend.storable(dtype) == dtype else host


def check_parameters(cost: Node, parameters: Sequence[Node]) -> None:
    """Raise GraphError unless there are Parameters, each once."""
    if not parameters:
        raise GraphError(str(cost), "no Parameter is trained", "a Trainer needs some", "Make weights Parameters")
    for n, node in enumerate(parameters):
        if not isinstance(node, Parameter):
            raise GraphError(str(node), "it is no Parameter", "only Parameters are trained", "Make it a Parameter")
        if node in parameters[:n]:
            raise GraphError(str(node), "it is named twice", "each Parameter is trained once", "Name it once")
