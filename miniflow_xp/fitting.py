"""fit: train over epochs, watch a validation set, stop when told, and never lose what was learned.

Costs stay on the device and are looked at a few times a second. A cost that is not finite ends the training, with the
parameters of the last look, and tells the first node and step that went wrong.
"""

import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple, Protocol

import numpy as np

from miniflow_xp.errors import MiniflowError, SettingError
from miniflow_xp.graph import forward_pass, topological_sort
from miniflow_xp.history import Epoch, History
from miniflow_xp.node import Input, Node
from miniflow_xp.ops.dropout import Counter
from miniflow_xp.ops.losses import Loss, Weight, as_sum
from miniflow_xp.program import Program
from miniflow_xp.schedules import Schedule
from miniflow_xp.switch import to_numpy
from miniflow_xp.trainer import Memory, Trainer

LOOK_EVERY = 0.5  # seconds between looks at the costs
LOOK_SHARE = 0.02  # of the time that keeping the parameters at a look may take

Metric = Callable[[Any, Any], float]
"""``metric(predictions, targets)`` of host arrays of a whole set."""


class DivergedError(MiniflowError):
    """A cost, or a value on the way to it, is no longer finite."""


class Source(Protocol):
    """Batches by epoch: the same ones in the same order for the same number."""

    def epoch(self, number: int, start: int = 0) -> Iterator[Any]:
        """The batches of an epoch, from one of them on: each an array for every Input, in their order."""


class Validation(NamedTuple):
    """A set that is not trained on: feeds in parts, and what to compute of it."""

    feeds: Sequence[Mapping[Input, Any]]
    output: Node | None = None
    target: Input | None = None
    metrics: Mapping[str, Metric] = {}


def fit(
    trainer: Trainer,
    inputs: Sequence[Input],
    batches: Source,
    epochs: int,
    *,
    validation: Validation | None = None,
    schedule: Schedule | None = None,
    patience: int | None = None,
    callbacks: Sequence[Callable[[Epoch], Any]] = (),
) -> History:
    """Train for ``epochs``: each batch of ``batches`` feeds ``inputs``, in their order; returns the history.

    ``schedule(step)`` is the factor of the optimizer's learning rate. ``patience``: stop after so many epochs in which
    the validation cost (without a validation set the training cost) did not fall. A callback that returns True stops
    too. Ctrl-C stops after the step in progress; the history says why it ended. Raises DivergedError where a cost is
    not finite; parameters and optimizer are then those of the last look before it.
    """
    if epochs < 1 or (patience is not None and patience < 1):
        raise SettingError("fit", f"epochs={epochs}, patience={patience}", "both are at least 1", "Give it more")
    history = History()
    progress = Progress(trainer, inputs, batches, schedule)
    evaluate = evaluation(trainer.cost, validation) if validation is not None else None
    with interrupts() as asked:
        for number in range(epochs):
            start = time.perf_counter()
            cost = progress.epoch(number, asked)
            measured = evaluate() if evaluate is not None and not asked.is_set() else {}
            history.append(Epoch(number, progress.steps, cost, measured, time.perf_counter() - start))
            stop = [callback(history[-1]) for callback in callbacks]
            if asked.is_set():
                history.ended = "interrupted"
            elif any(answer is True for answer in stop):
                history.ended = "a callback asked for it"
            elif patience is not None and history.stale >= patience:
                history.ended = f"no better for {patience} epochs"
            if history.ended:
                return history
    history.ended = "all epochs done"
    return history


class Snapshot(NamedTuple):
    """Parameters, optimizer and dropout's counters at a look, on the host, and the batch that came next."""

    values: list[Any]
    memory: Memory
    counters: dict[Counter, int]
    epoch: int
    batch: int
    step: int

    @classmethod
    def of(cls, trainer: Trainer, epoch: int, batch: int, step: int) -> "Snapshot":
        """Now."""
        values = [to_numpy(p.value) for p in trainer.parameters]
        counters = {n: n.number for n in trainer.schedule.leaves if isinstance(n, Counter)}
        return cls(values, trainer.memory(), counters, epoch, batch, step)

    def restore(self, trainer: Trainer) -> None:
        """As it was then."""
        for parameter, value in zip(trainer.parameters, self.values, strict=True):
            parameter.value = value
        for counter, number in self.counters.items():
            counter.value = number
        trainer.remember(self.memory)


class Progress:
    """The steps so far, the costs that are still on the device, and the snapshot of the last look."""

    def __init__(self, trainer: Trainer, inputs: Sequence[Input], batches: Source, schedule: Schedule | None) -> None:
        self.trainer, self.inputs, self.batches, self.schedule = trainer, inputs, batches, schedule
        self.rate = trainer.learning_rate
        self.steps = 0
        self._pending: list[Any] = []
        self._costs: list[float] = []
        self._kept = Snapshot.of(trainer, 0, 0, 0)
        self._next_look = time.perf_counter() + LOOK_EVERY

    def epoch(self, number: int, stop: threading.Event) -> float:
        """One epoch, or the part of it until ``stop`` is set; returns the mean cost of its steps."""
        self._costs = []
        for batch, arrays in enumerate(self.batches.epoch(number)):
            self._pending.append(self._step(self._feed(arrays), self.steps))
            self.steps += 1
            if time.perf_counter() >= self._next_look:
                self._look(number, batch + 1)
            if stop.is_set():
                break
        self._look(number + 1, 0)
        return float(np.mean(self._costs)) if self._costs else float("nan")

    def _feed(self, arrays: Any) -> dict[Input, Any]:
        parts = arrays if isinstance(arrays, tuple | list) else (arrays,)
        return dict(zip(self.inputs, [part for part in parts if part is not None], strict=True))

    def _step(self, feed: Mapping[Input, Any], number: int) -> Any:
        if self.schedule is not None:
            self.trainer.learning_rate = self.rate * self.schedule(number)
        return self.trainer.step(feed)

    def _look(self, epoch: int, batch: int) -> None:
        """Fetch the costs; raise DivergedError where one is not finite, else keep a snapshot."""
        start = time.perf_counter()
        found = [float(to_numpy(cost)) for cost in self._pending]
        bad = next((n for n, cost in enumerate(found) if not np.isfinite(cost)), None)
        if bad is not None:
            self._fail(self._kept.step + bad, found[bad])
        self._costs += found
        self._pending.clear()
        self._kept = Snapshot.of(self.trainer, epoch, batch, self.steps)
        took = time.perf_counter() - start
        self._next_look = start + max(LOOK_EVERY, took / LOOK_SHARE)

    def _fail(self, number: int, cost: float) -> None:
        """Go the way from the last look to the bad step again, name the node, and put the snapshot back."""
        kept = self._kept
        kept.restore(self.trainer)
        where: Node | str = "in the update before it"
        for step, arrays in enumerate(self.batches.epoch(kept.epoch, kept.batch), kept.step):
            if step == number:
                where = first_bad_node(self.trainer.cost, self._feed(arrays))
                break
            self._step(self._feed(arrays), step)
        kept.restore(self.trainer)
        raise DivergedError(
            f"step {number}, {where}",
            f"the cost is {cost}",
            f"training goes on while it is finite; the parameters are those of step {kept.step}",
            "Lower the learning rate, clip gradients, or look at the data of this step",
        )


def first_bad_node(cost: Node, feed: Mapping[Input, Any]) -> Node | str:
    """The first node, in the order of computing, whose value is not finite."""
    graph = topological_sort(dict(feed))
    with suppress(MiniflowError, FloatingPointError), np.errstate(all="ignore"):
        forward_pass(cost, graph)
    for node in graph:
        value = node.value
        if value is not None and hasattr(value, "dtype") and not np.isfinite(to_numpy(value)).all():
            return node
    return "in its update"


def evaluation(cost: Node, validation: Validation) -> Callable[[], dict[str, float]]:
    """A function that computes cost and metrics of the whole set, part by part; the same as in one part."""
    loss = Program([as_sum(cost), Weight(cost)]) if isinstance(cost, Loss) else None
    plain = Program(cost) if loss is None else None
    output = Program(validation.output) if validation.output is not None and validation.metrics else None

    def evaluate() -> dict[str, float]:
        total = weight = 0.0
        predictions, targets = [], []
        for feed in validation.feeds:
            if loss is not None:
                part, parts_weight = (float(to_numpy(v)) for v in loss(feed).values)
                total, weight = total + part, weight + parts_weight
            elif plain is not None:
                total, weight = total + float(to_numpy(plain(feed).values)), weight + 1
            if output is not None and validation.target is not None:
                reads = {k: v for k, v in feed.items() if k in output.schedule.leaves}
                predictions.append(to_numpy(output(reads).values))
                targets.append(np.asarray(feed[validation.target]))
        found = {"cost": total / weight if weight else float("nan")}
        if predictions:
            whole, wanted = np.concatenate(predictions), np.concatenate(targets)
            found |= {name: metric(whole, wanted) for name, metric in validation.metrics.items()}
        return found

    return evaluate


def predict(output: Node, feeds: Iterable[Mapping[Input, Any]]) -> np.ndarray:
    """Values of a node for feeds of parts, end to end on the host; as many rows as all parts have together."""
    program = Program(output)
    return np.concatenate([to_numpy(program(feed).values) for feed in feeds])


@contextmanager
def interrupts() -> Iterator[threading.Event]:
    """An event that Ctrl-C sets; the second Ctrl-C interrupts as ever. In other threads nothing is caught."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = signal.getsignal(signal.SIGINT)

    def told(number: int, frame: Any) -> None:
        if asked.is_set() and callable(before):
            before(number, frame)
        asked.set()

    signal.signal(signal.SIGINT, told)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)
