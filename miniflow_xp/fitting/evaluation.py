"""How good a network is on a set of rows, part by part: the same as in one part."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from threading import Event
from typing import Any, NamedTuple

import numpy as np

from miniflow_xp.backend import Array
from miniflow_xp.errors import FeedError, GraphError
from miniflow_xp.node import Input, Node
from miniflow_xp.ops.dropout import Counter
from miniflow_xp.ops.losses import Loss, Weight, as_sum
from miniflow_xp.program import Program
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


class Evaluation:
    """The program for a cost and a Validation, captured once and run as often as asked."""

    def __init__(self, cost: Node, validation: Validation) -> None:
        self.validation, cost = validation, validation.cost or cost
        measured = validation.metrics and validation.output is not None and validation.target is not None
        outputs = [as_sum(cost), Weight(cost)] if isinstance(cost, Loss) else [cost]
        self._program = Program([*outputs, validation.output] if measured else outputs)  # type: ignore[list-item]
        self._costs = len(outputs)
        if any(isinstance(leaf, Counter) for leaf in self._program.schedule.leaves):
            raise GraphError(
                "Validation",
                "it drops out",
                "a network is judged whole, and the masks of training do not depend on it",
                "Build its cost and output with model(x, training=False), and name them: Validation(..., cost=...)",
            )

    def __call__(self, stop: Event | None = None) -> dict[str, float]:
        """Cost and metrics of the whole set; nothing where ``stop`` was set before its end.

        A loss is that of all rows together, however uneven the parts are; any other cost is the mean of the parts'.
        """
        total = weight = 0.0
        predictions: list[Array] = []
        targets: list[Array] = []
        for feed in self.validation.feeds:
            found = [to_numpy(value) for value in self._program(feed).values]
            total += float(found[0])
            weight += float(found[1]) if self._costs == 2 else 1.0
            if len(found) > self._costs and self.validation.target is not None:
                predictions.append(found[-1])
                targets.append(to_numpy(feed[self.validation.target]))
            if stop is not None and stop.is_set():
                return {}
        return {"cost": total / weight if weight else float("nan"), **self._metrics(predictions, targets)}

    def _metrics(self, predictions: Sequence[Array], targets: Sequence[Array]) -> dict[str, float]:
        if not predictions:
            return {}
        whole, wanted = np.concatenate(predictions), np.concatenate(targets)
        return {name: float(metric(whole, wanted)) for name, metric in self.validation.metrics.items()}


def evaluate(cost: Node, validation: Validation) -> dict[str, float]:
    """{"cost": of the whole set, and each metric by its name}, as ``fit`` computes them of its validation set.

    Raises GraphError where Dropout is on.
    """
    return Evaluation(cost, validation)()


def predict(output: Node, feeds: Iterable[Mapping[Input, Any]]) -> Array:
    """Values of a node for feeds of parts, end to end on the host; as many rows as all parts have together.

    Raises FeedError where there is no part.
    """
    program = Program(output)
    parts = [to_numpy(program(feed).values) for feed in feeds]
    if not parts:
        raise FeedError("predict", "there are no feeds", "at least one part is predicted", "Feed some rows")
    return np.concatenate(parts)
