"""How costs of parts are averaged: by the number of terms, so that a short part counts for as much as it holds."""

from collections.abc import Hashable, Mapping
from typing import Any, NamedTuple

import numpy as np

from miniflow_xp.engine.program import Program
from miniflow_xp.node import Input, Node
from miniflow_xp.ops.dropout import Counter
from miniflow_xp.ops.losses import Loss, Weight, loss_of
from miniflow_xp.switch import to_numpy


class Share(NamedTuple):
    """What a part adds to an average: ``factor`` times its cost, and ``weight`` to what the sum is divided by."""

    factor: float = 1.0
    weight: float = 1.0


class Weighing:
    """The Share of a step: by the shapes of its feed, or by the weight that the step found.

    A mean counts by its weight, a sum for itself, so that both give the mean over all terms of all parts.
    """

    def __init__(self, cost: Node) -> None:
        self._loss = loss_of(cost)
        self._known: dict[Hashable, Share] = {}

    def of(self, weight: float) -> Share:
        """For a loss of this weight."""
        return Share(1.0 if self._loss is not None and self._loss.reduction == "sum" else weight, weight)

    def __call__(self, feed: Mapping[Input, Any]) -> Share:
        if self._loss is None:
            return Share()
        shapes = tuple(tuple(x.shape) if hasattr(x, "shape") else np.shape(x) for x in feed.values())
        if shapes not in self._known:
            self._known[shapes] = self.of(terms_of(self._loss, feed))
        return self._known[shapes]


def terms_of(loss: Loss, feed: Mapping[Input, Any]) -> float:
    """The number of terms of a loss for a feed; dropout does not count this as a pass."""
    program = Program(Weight(loss))  # not kept: its capture may hold a copy of the batch
    leaves = program.graph.leaves
    passes: dict[Input, Any] = {leaf: leaf.value for leaf in leaves if isinstance(leaf, Counter)}
    return float(to_numpy(program({**{n: x for n, x in feed.items() if n in leaves}, **passes}).values))
