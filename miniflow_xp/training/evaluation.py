"""How good a network is on a set of rows, part by part: the same as in one part."""

import pickle
from collections.abc import Callable, Iterable, Mapping, Sequence
from threading import Event
from typing import Any, NamedTuple

import numpy as np

from miniflow_xp.backend import Array
from miniflow_xp.checks import of_kind, real, shown
from miniflow_xp.distributed.world import Alone, World
from miniflow_xp.engine.program import Program
from miniflow_xp.errors import FeedError, GraphError, SettingError, ShapeError
from miniflow_xp.node import Input, Node, as_nodes
from miniflow_xp.ops.batch_normalisation import moves_of
from miniflow_xp.ops.dropout import Counter
from miniflow_xp.ops.losses import Loss, Weight, as_sum, loss_of
from miniflow_xp.switch import to_numpy

Metric = Callable[[Any, Any], float]
"""``metric(predictions, targets)`` of host arrays of a whole set."""


class Validation(NamedTuple):
    """A set that is not trained on: its feeds, in parts, and what to compute of it.

    ``output`` and ``target``: the node that predicts, and the Input that is fed with what it should be; ``metrics``:
    {name: function of both, of the whole set, on the host}. ``cost``: where it is another node than the one trained on,
    as with Dropout, which is built with ``training=False`` here. ``feeds`` may be anything that can be gone through
    again and again.
    """

    feeds: Iterable[Mapping[Input, Any]]
    output: Node | None = None
    target: Input | None = None
    metrics: Mapping[str, Metric] = {}
    cost: Node | None = None


class Part(NamedTuple):
    """What a feed gave: its place in the order, the sum and the weight of its cost, predictions and targets."""

    number: int
    total: float
    weight: float
    pair: tuple[Array, Array] | None


class Evaluation:
    """The program for a cost and a Validation, captured once and run as often as asked.

    The processes of a ``world`` take turns with the feeds, and all get what rank 0 makes of them.
    """

    def __init__(self, cost: Node, validation: Validation, world: World | None = None) -> None:
        check(validation)
        self.world = world or Alone()
        self.validation, cost = validation, cost if validation.cost is None else validation.cost
        (cost,) = as_nodes([cost], "Validation, cost")
        loss = loss_of(cost)
        outputs: list[Node] = [as_sum(cost) if isinstance(cost, Loss) else cost, *([Weight(loss)] if loss else [])]
        self._costs, self._is_mean = len(outputs), not isinstance(cost, Loss)
        if validation.metrics and validation.output is not None:
            outputs.append(validation.output)
        self._program = whole_network("Validation", outputs)

    def __call__(self, stop: Event | None = None) -> dict[str, float]:
        """Cost and metrics of the whole set; nothing where ``stop`` was set before its end.

        A loss is that of all rows together, however uneven the parts are, and so is what is made of one; any other
        cost is the mean of the parts'.
        """
        parts: list[Part] = []
        for number, feed in enumerate(self.validation.feeds):
            if number % self.world.size == self.world.rank:
                parts.append(self._part(number, feed))
            if stop is not None and stop.is_set() and self.world.size == 1:
                return {}
        if self.world.size == 1:
            return self._figures(parts)
        found = [part for data in self.world.gather(pickle.dumps(parts)) for part in pickle.loads(data)]
        figures = self._figures(sorted(found, key=lambda part: part.number)) if self.world.rank == 0 else {}
        shared: dict[str, float] = pickle.loads(self.world.share(pickle.dumps(figures)))
        return shared

    def _part(self, number: int, feed: Mapping[Input, Any]) -> Part:
        found = [to_numpy(value) for value in self._program(feed).values]
        weight = float(found[1]) if self._costs == 2 else 1.0
        pair = (found[-1], self._target(feed)) if len(found) > self._costs else None
        return Part(number, float(found[0]) * (weight if self._is_mean else 1.0), weight, pair)

    def _figures(self, parts: Sequence[Part]) -> dict[str, float]:
        """Cost and metrics of all parts together."""
        weight = sum(part.weight for part in parts)
        if not weight:
            raise nothing("Validation")
        pairs = [part.pair for part in parts if part.pair is not None]
        metrics = self._metrics([p for p, _ in pairs], [t for _, t in pairs])
        return {"cost": sum(part.total for part in parts) / weight, **metrics}

    def _target(self, feed: Mapping[Input, Any]) -> Array:
        """What the output should be."""
        target = self.validation.target
        if target is None or target not in feed:
            raise FeedError(
                "Validation, target",
                f"{target} is not in a feed",
                "metrics compare predictions with what was fed as the target",
                "Feed it, or name another target",
            )
        return to_numpy(feed[target])

    def _metrics(self, predictions: Sequence[Array], targets: Sequence[Array]) -> dict[str, float]:
        if not predictions:
            return {}
        whole, wanted = np.concatenate(predictions), np.concatenate(targets)
        return {name: figure(name, metric(whole, wanted)) for name, metric in self.validation.metrics.items()}


def figure(name: str, found: Any) -> float:
    """What a metric gave as a float; raises SettingError."""
    if isinstance(found, bool | np.bool_):
        return float(found)
    return real(found, f"Validation, metric {name!r}", lambda _: True, "a metric gives a number")


def check(validation: Validation) -> None:
    """Raise SettingError for what is no Validation and for metrics of nothing, FeedError for what are no feeds."""
    remedy = "Write Validation(feeds, output, target, metrics)"
    of_kind(validation, Validation, "Validation", "it is a Validation", remedy)
    if not isinstance(validation.metrics, Mapping) or not all(map(callable, validation.metrics.values())):
        raise SettingError(
            "Validation, metrics",
            f"they are {shown(validation.metrics)}",
            "they are functions of predictions and targets, by name",
            "Write {'accuracy': accuracy}",
        )
    if validation.target is not None:
        of_kind(validation.target, Input, "Validation, target", "it is the Input that is fed with targets", remedy)
    if validation.output is not None:
        as_nodes([validation.output], "Validation, output")
    if validation.metrics and (validation.output is None or validation.target is None):
        raise SettingError(
            "Validation, metrics",
            "there is no output or no target",
            "a metric compares the two",
            "Name both: Validation(feeds, output, target, metrics)",
        )
    if not are_feeds(validation.feeds) or hasattr(validation.feeds, "__next__"):
        raise FeedError(
            "Validation, feeds",
            f"they are a {type(validation.feeds).__name__}",
            "they are a list of feeds, gone through after every epoch",
            "Write [{X: rows, y: targets}]",
        )


def are_feeds(feeds: Any) -> bool:
    """Can feeds be taken from this, one after the other?"""
    return isinstance(feeds, Iterable) and not isinstance(feeds, str | bytes | Mapping)


def whole_network(where: str, outputs: Node | list[Node]) -> Program:
    """The program for these outputs; raises GraphError where Dropout is on, or statistics are those of a batch."""
    program = Program(outputs)
    drops, normalises = (
        any(isinstance(leaf, Counter) for leaf in program.graph.leaves),
        moves_of(*program.graph.outputs),
    )
    if drops or normalises:
        raise GraphError(
            where,
            "it drops out" if drops else "it normalises by the statistics of a batch",
            "a network is judged and used whole",
            "Build it with model(x, training=False); for a Validation, its cost too: Validation(..., cost=...)",
        )
    return program


def nothing(where: str) -> FeedError:
    """The error for a set of no rows."""
    return FeedError(where, "there are no feeds", "at least one part with rows is needed", "Feed some rows")


def evaluate(cost: Node, validation: Validation) -> dict[str, float]:
    """{"cost": of the whole set, and each metric by its name}, as ``fit`` computes them of its validation set.

    Raises GraphError where Dropout is on, SettingError or FeedError for a Validation that cannot be gone through.
    """
    return Evaluation(cost, validation)()


def predict(output: Node, feeds: Iterable[Mapping[Input, Any]]) -> Array:
    """Values of a node for feeds of parts, end to end on the host; as many rows as all parts have together.

    Raises GraphError where Dropout is on, FeedError where there is no part, ShapeError where a value has no rows.
    """
    program = whole_network("predict", as_nodes([output], "predict")[0])
    if not are_feeds(feeds):
        raise FeedError(
            "predict", f"the feeds are a {type(feeds).__name__}", "they are a list of feeds", "Write [{X: rows}]"
        )
    parts = [to_numpy(program(feed).values) for feed in feeds]
    if not parts:
        raise nothing("predict")
    if not parts[0].shape:
        raise ShapeError("predict", f"{output} is a scalar", "what is predicted has rows", "Use evaluate for a cost")
    return np.concatenate(parts)
