"""Training by back-propagation, with the lesson's functions.

    rng = numpy.random.default_rng(0)
    split = hold_out(load("digits"), 0.2, rng)
    network = classifier(64, 256, 10, ReLU, rng, "float32")
    for epoch in train(network, split, CLASSIFICATION, rng):
        print(epoch)

Everything random is drawn by NumPy on the host: the same seed gives the same losses on every backend, to rounding.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from miniflow_xp.backend import Array
from miniflow_xp.data import Split, Table
from miniflow_xp.errors import DivergedError
from miniflow_xp.feed import float_setting
from miniflow_xp.gradcheck import first_not_finite
from miniflow_xp.graph import forward_and_backward, forward_pass, topological_sort
from miniflow_xp.network import Network, classifier, regressor
from miniflow_xp.node import Node
from miniflow_xp.optim import sgd_update
from miniflow_xp.settings import Settings
from miniflow_xp.switch import get_backend


class Epoch(NamedTuple):
    """What one pass over the training rows gave.

    ``loss``: mean cost of the training rows, each at the moment when it was trained on. ``score``: of the held-out
    rows, the accuracy in classification, R² in regression.
    """

    number: int
    loss: float
    score: float


def host_dtype() -> str:
    """The float dtype in which numbers are drawn and split: MINIFLOW_DTYPE where it is one of NumPy's, else float32."""
    asked = float_setting()
    return asked if asked in ("float16", "float64") else "float32"


def network_for(table: Table, settings: Settings, rng: np.random.Generator) -> Network:
    """The network that fits a table: as many inputs as features, as many outputs as classes or one."""
    inputs = len(table.feature_names)
    if table.classes:
        return classifier(inputs, settings.hidden, len(table.classes), settings.activation, rng, host_dtype())
    return regressor(inputs, settings.hidden, settings.activation, rng, host_dtype())


def train(network: Network, split: Split, settings: Settings, rng: np.random.Generator) -> Iterator[Epoch]:
    """Train on the backend in use; yields an Epoch after each pass over the training rows.

    Raises DivergedError, which names step and node, where a value is not finite.
    """
    graph = topological_sort({network.X: split.X_train, network.y: split.y_train}, network.cost)
    for number in range(1, settings.epochs + 1):
        batches = in_batches(rng.permutation(len(split.y_train)), settings.batch_size)
        start = [parameter.value for parameter in network.parameters]
        with np.errstate(all="ignore"):  # what overflows is reported below, with its place
            loss = train_epoch(network, graph, split, batches, settings.learning_rate)
            score = held_out_score(network, graph, split)
            if not np.isfinite([loss, score]).all():
                for parameter, value in zip(network.parameters, start, strict=True):
                    parameter.value = value
                raise diverged(network, graph, split, batches, settings.learning_rate, number)
        yield Epoch(number, loss, score)


def in_batches(order: Array, size: int) -> list[Array]:
    """Row numbers in batches of ``size``; the last one may be smaller."""
    return [order[start : start + size] for start in range(0, len(order), size)]


def train_epoch(
    network: Network, graph: Sequence[Node], split: Split, batches: Sequence[Array], learning_rate: float
) -> float:
    """One step for each batch; returns the mean cost of the rows, which is read from the device once, at the end."""
    loss = 0.0
    for rows in batches:
        step(network, graph, split, rows, learning_rate)
        with get_backend().activate():
            loss = loss + network.cost.value * (len(rows) / len(split.y_train))
    return float(get_backend().to_numpy(loss))


def step(network: Network, graph: Sequence[Node], split: Split, rows: Array, learning_rate: float) -> None:
    """Find the gradients of the parameters for the batch of these rows, and go a little downhill."""
    backpropagate(network, graph, split, rows)
    sgd_update(network.parameters, learning_rate)


def backpropagate(network: Network, graph: Sequence[Node], split: Split, rows: Array) -> None:
    """Feed a batch; afterwards the nodes hold its cost and the gradients of the parameters."""
    network.X.value, network.y.value = split.X_train[rows], split.y_train[rows]
    forward_and_backward(graph, wrt=network.parameters)


def held_out_score(network: Network, graph: Sequence[Node], split: Split) -> float:
    """Accuracy or R² of the held-out rows; NaN where an output is not finite."""
    network.X.value, network.y.value = split.X_held, split.y_held
    forward_pass(graph)
    output = get_backend().to_numpy(network.output.value).astype("float64")
    if not np.isfinite(output).all():
        return float("nan")
    if split.target is None:
        return float(np.mean(output.argmax(axis=1) == split.y_held))
    y = split.y_held.astype("float64")
    return float(1 - np.sum((y - output[:, 0]) ** 2) / np.sum((y - y.mean()) ** 2))


def diverged(
    network: Network, graph: Sequence[Node], split: Split, batches: Sequence[Array], learning_rate: float, epoch: int
) -> DivergedError:
    """Go through an epoch again, from the parameters it began with, and tell where a value first was not finite."""
    where = f"epoch {epoch}"
    for number, rows in enumerate(batches, 1):
        backpropagate(network, graph, split, rows)
        place = first_not_finite(graph, get_backend())
        if place:
            where = f"epoch {epoch}, step {number} of {len(batches)}"
            break
        sgd_update(network.parameters, learning_rate)
    else:
        held_out_score(network, graph, split)
        place = first_not_finite(graph, get_backend())
        where = f"epoch {epoch}, held-out rows after step {len(batches)}"
    got = f"{place[0]} at {list(place[1])} is {place[2]}" if place else "the loss or the score is not finite"
    return DivergedError(
        where, got, "training needs finite numbers", f"Lower --learning-rate, which is {learning_rate:g}"
    )
