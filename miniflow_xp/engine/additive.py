"""The additive vector of a loss, which parts of a batch add up to however uneven they are, and the step along it."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from math import prod
from typing import Any

from miniflow_xp.backend import Array, Namespace
from miniflow_xp.dtypes import as_wide_as, wide
from miniflow_xp.engine.captures import CaptureCache
from miniflow_xp.engine.frozen import FrozenGraph, Runner
from miniflow_xp.engine.layout import Layout, flat_array
from miniflow_xp.engine.optim import Optimizer
from miniflow_xp.errors import GraphError
from miniflow_xp.node import Input, Node
from miniflow_xp.ops.losses import Loss, Weight, as_mean, as_sum


class Additive:
    """Gradients of the loss's sum, this sum and its weight, end to end in one 1-D array: captured.

    They are those of the mean, times the weight, as half precision does not hold those of the sum; and those of the sum
    where the weight is no number of terms: it may be 0, and there is no mean.
    """

    def __init__(self, cost: Node, trained: Sequence[Node]) -> None:
        if not isinstance(cost, Loss):
            raise GraphError(str(cost), "it is no loss", "a sum and a weight are needed", "End in a loss")
        self._is_mean = cost.counts_terms
        loss = as_mean(cost) if self._is_mean else as_sum(cost)
        self.graph = FrozenGraph([loss], trained, aside=[Weight(cost)])
        self._captures = CaptureCache(self.graph.leaves, f"gradients of {cost}")

    def __call__(self, feed: Mapping[Input, Any]) -> Array:
        captured, arrays = self._captures.prepare(feed, (), None, self._function)
        return captured(*arrays)[0]

    def _function(self, _: Hashable) -> tuple[Callable[..., list[Array]], Runner]:
        run = Runner(self.graph)

        def vector(xp: Namespace, *arrays: Array) -> list[Array]:
            (value, weight), gradients, _ = run(xp, arrays)
            parts = [wide(xp, a) for a in (*gradients, value)]
            sums = [p * as_wide_as(xp, weight, p) if self._is_mean else p for p in parts]
            return [flat_array(xp, [*sums, as_wide_as(xp, weight, sums[0])])]

        return vector, run


def update_along(layout: Layout, optimizer: Optimizer, trained: int, is_mean: bool) -> Callable[..., list[Array]]:
    """``function(xp, *state, vector)``: the state after a step along a sum of such vectors, cost, and weight."""

    def update(xp: Namespace, *args: Array) -> list[Array]:
        state, vector = args[: layout.size], args[layout.size]
        weight = vector[-1]
        values = vector[:-1] / weight if is_mean else vector[:-1]
        gradients = cut(xp, values, [wide(xp, theta) for theta in layout.unpack(xp, state)[:trained]])
        return [*layout.update(xp, optimizer, state, gradients), values[-1], weight]

    return update


def cut(xp: Namespace, vector: Array, models: Sequence[Array]) -> list[Array]:
    """The parts of a vector, one for each of the models, in their shapes and dtypes."""
    found, start = [], 0
    for model in models:
        stop = start + prod(model.shape)
        found.append(as_wide_as(xp, xp.reshape(vector[start:stop], model.shape), model))
        start = stop
    return found
