"""How costs of parts are averaged: by the number of terms, so that a short part counts for as much as it holds."""

from collections.abc import Hashable, Mapping
from typing import Any, NamedTuple

import numpy as np

from miniflow_xp.engine.program import Program
from miniflow_xp.graph import ancestors
from miniflow_xp.node import Input, Node
from miniflow_xp.ops.dropout import Counter
from miniflow_xp.ops.losses import Loss, Weight
from miniflow_xp.switch import to_numpy


class Share(NamedTuple):
    """What a part adds to an average: ``factor`` times its cost, and ``weight`` to what the sum is divided by."""

    factor: float = 1.0
    weight: float = 1.0


class Weighing:
    """The Share of a step, by the shapes of its feed.

    A mean counts by its number of terms, a sum for itself, so that both give the mean over all terms of all parts.
    """

    def __init__(self, cost: Node) -> None:
        self._loss = loss_of(cost)
        self._known: dict[Hashable, Share] = {}

    def __call__(self, feed: Mapping[Input, Any]) -> Share:
        if self._loss is None:
            return Share()
        shapes = tuple(tuple(x.shape) if hasattr(x, "shape") else np.shape(x) for x in feed.values())
        if shapes not in self._known:
            terms = terms_of(self._loss, feed)
            self._known[shapes] = Share(1.0 if self._loss.reduction == "sum" else terms, terms)
        return self._known[shapes]


def loss_of(cost: Node) -> Loss | None:
    """The loss whose terms a cost is weighed by: itself, or the only one that it is made of, as with a penalty added.

    None where there is none, several, or one that is a sum inside of something else: parts then count alike.
    """
    if isinstance(cost, Loss):
        return cost
    found = [node for node in ancestors([cost]) if isinstance(node, Loss)]
    return found[0] if len(found) == 1 and found[0].reduction == "mean" else None


def terms_of(loss: Loss, feed: Mapping[Input, Any]) -> float:
    """The number of terms of a loss for a feed; dropout does not count this as a pass."""
    program = Program(Weight(loss))  # not kept: its capture may hold a copy of the batch
    leaves = program.graph.leaves
    passes: dict[Input, Any] = {leaf: leaf.value for leaf in leaves if isinstance(leaf, Counter)}
    return float(to_numpy(program({**{n: x for n, x in feed.items() if n in leaves}, **passes}).values))
