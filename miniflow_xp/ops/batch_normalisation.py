"""Batch normalisation: each channel by its mean and variance, of the batch in training, and of all batches after it."""

from collections.abc import Mapping
from math import prod

from miniflow_xp.backend import Array, Namespace
from miniflow_xp.broadcasting import shape_of
from miniflow_xp.dtypes import as_wide_as, wide
from miniflow_xp.errors import ShapeError
from miniflow_xp.graph import ancestors
from miniflow_xp.node import Node, Operand, Parameter

STATISTICS = ("mean", "variance")


class Running(Parameter):
    """A leaf that a Trainer moves by no gradient: after a step it is a mean of what it was and what the batch shows."""


class BatchNormalise(Node):
    """(x - mean) / √(variance + ε) · scale + shift for each channel; x is (n, channels, …), all others (channels,).

    ``running``: mean and variance, which are inputs; without them they are those of the batch. Ioffe and Szegedy,
    arXiv:1502.03167 (2015), algorithms 1 and 2.
    """

    takes_numbers = False

    def __init__(
        self, x: Operand, scale: Operand, shift: Operand, *running: Operand, epsilon: float, name: str | None = None
    ) -> None:
        super().__init__([x, scale, shift, *running], name)
        self.epsilon = epsilon

    def check(self, x: Array, *others: Array) -> None:
        shape = shape_of(x)
        if len(shape) < 2 or any(shape_of(other) != shape[1:2] for other in others):
            raise ShapeError(
                str(self),
                f"x is {shape}, and there are {shape_of(others[0])[0]} channels",
                "x is (n, channels, …)",
                "Write BatchNorm for as many channels as the second axis has",
            )

    def compute(self, xp: Namespace, x: Array, *others: Array) -> Array:
        wider = wide(xp, x)
        scale, shift, *running = (along_channels(xp, wide(xp, other), x) for other in others)
        mean, variance = running or [along_channels(xp, s, x) for s in moments(xp, wider, correction=0)]
        return as_wide_as(xp, (wider - mean) / xp.sqrt(variance + self.epsilon) * scale + shift, x)


class BatchTraining(BatchNormalise):
    """BatchNormalise by the statistics of the batch, which move two Running averages: r ← (1 - m) r + m s."""

    def __init__(
        self,
        x: Operand,
        scale: Operand,
        shift: Operand,
        *,
        averages: tuple[Parameter, Parameter],
        momentum: float,
        epsilon: float,
        name: str | None = None,
    ) -> None:
        super().__init__(x, scale, shift, epsilon=epsilon, name=name)
        self.averages, self.momentum = averages, momentum

    def check(self, x: Array, *others: Array) -> None:
        super().check(x, *others)
        if prod(shape_of(x)) == shape_of(x)[1]:
            raise ShapeError(
                str(self),
                f"x is {shape_of(x)}",
                "a batch has more than one number for each channel: else there is no variance",
                "Feed more examples, or build with training=False",
            )

    def moves(self, before: Mapping[Parameter, Node]) -> dict[Parameter, Node]:
        """{average: the node of its next value}; ``before``: those that other nodes of the graph have moved."""
        return {r: Moved(before.get(r, r), self, number) for number, r in enumerate(self.averages)}


class Moved(Node):
    """The next value of a running average; a node that its inbound nodes do not know of, for frozen graphs only."""

    def __init__(self, average: Node, batch: BatchTraining, number: int) -> None:
        super().__init__(name=f"next {STATISTICS[number]} of {batch}")
        self.inbound_nodes = [average, batch.inbound_nodes[0]]
        self.number, self.momentum = number, batch.momentum

    def compute(self, xp: Namespace, average: Array, x: Array) -> Array:
        batch = moments(xp, wide(xp, x), correction=1)[self.number]
        return as_wide_as(xp, (1 - self.momentum) * wide(xp, average) + self.momentum * batch, average)

    def vjp(self, xp: Namespace, gradient: Array, value: Array, average: Array, x: Array) -> tuple[None, None]:
        return None, None


def moves_of(*outputs: Node) -> dict[Parameter, Node]:
    """{average: its next value} of all batch normalisations that outputs depend on."""
    found: dict[Parameter, Node] = {}
    for node in ancestors(outputs):
        if isinstance(node, BatchTraining):
            found |= node.moves(found)
    return found


def moments(xp: Namespace, x: Array, correction: int) -> tuple[Array, Array]:
    """Mean and variance of each channel."""
    axes = (0, *range(2, x.ndim))
    return xp.mean(x, axis=axes), xp.var(x, axis=axes, correction=correction)


def along_channels(xp: Namespace, statistic: Array, x: Array) -> Array:
    """A number for each channel, as it broadcasts to x."""
    return xp.reshape(statistic, (-1,) + (1,) * (x.ndim - 2))
