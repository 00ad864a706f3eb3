"""Training a network on a table, with ``fit``.

    rng = numpy.random.default_rng(0)
    split = hold_out(load("digits"), 0.2, rng)
    network = classifier(64, 128, 10, ReLU, rng, "float32")
    history = train(network, split, USUAL)
    print(history[-1].validation["accuracy"])

Everything random is drawn by NumPy on the host: the same seed gives the same losses on every backend, to rounding.
"""

from collections.abc import Callable, Sequence
from math import isfinite
from typing import Any

import numpy as np

from miniflow_xp.data import Split, Table
from miniflow_xp.distributed import World
from miniflow_xp.engine.trainer import Trainer
from miniflow_xp.errors import DivergedError
from miniflow_xp.feed import float_setting
from miniflow_xp.gradcheck.differences import first_not_finite
from miniflow_xp.graph import forward_pass, topological_sort
from miniflow_xp.metrics import accuracy, r_squared
from miniflow_xp.programs.network import Network
from miniflow_xp.programs.train.network import classifier, regressor
from miniflow_xp.programs.train.scaled import Parts, ScaledBatches
from miniflow_xp.programs.train.settings import Settings
from miniflow_xp.switch import get_backend, to_numpy
from miniflow_xp.training import Validation, fit
from miniflow_xp.training.history import Epoch, History

METRICS = {"classification": {"accuracy": accuracy}, "regression": {"R²": r_squared}}
"""What is measured of rows that are not trained on, by task."""


def host_dtype() -> str:
    """The float dtype to draw and scale numbers in: MINIFLOW_DTYPE where it is one of NumPy's, else float32."""
    asked = float_setting()
    return asked if asked in ("float16", "float64") else "float32"


def network_for(table: Table, settings: Settings, rng: np.random.Generator) -> Network:
    """The network that fits a table: as many inputs as features, as many outputs as classes or one."""
    inputs = len(table.feature_names)
    if table.classes:
        return classifier(inputs, settings.hidden, len(table.classes), settings.activation, rng, host_dtype())
    return regressor(inputs, settings.hidden, settings.activation, rng, host_dtype())


def train(
    network: Network,
    split: Split,
    settings: Settings,
    callbacks: Sequence[Callable[[Epoch], Any]] = (),
    batches: ScaledBatches | None = None,
    across: World | None = None,
    **options: Any,
) -> History:
    """Train on the backend in use, watching the held-out rows; ``options`` are those of ``fit``.

    ``batches``: those of ``training_rows``, which makes them where they are left out; ``across``: the world that trains
    together. Raises DivergedError, which names
    step and node, where a value is not finite, and what ``fit`` raises.
    """
    watched = held_out_rows(network, split)

    def stays_finite(epoch: Epoch) -> None:
        if not all(map(isfinite, epoch.validation.values())):
            raise overflowed(network, watched, epoch, settings)

    try:
        with np.errstate(all="ignore"):  # an overflow is reported with its place
            history = fit(
                Trainer(network.cost, settings.make_optimizer(len(split.y_train)), network.parameters, across=across),
                [network.X, network.y],
                training_rows(split, settings) if batches is None else batches,
                settings.epochs,
                validation=watched,
                callbacks=[stays_finite, *callbacks],
                **options,
            )
            if history and not all(np.isfinite(to_numpy(p.value)).all() for p in network.parameters):
                raise overflowed(network, watched, history[-1], settings)
            return history
    except DivergedError as error:
        raise DivergedError(error.where, error.got, error.expected, remedy(settings)) from None


def training_rows(split: Split, settings: Settings) -> ScaledBatches:
    """The batches to train on."""
    X, y = split.X_train, split.y_train
    return ScaledBatches(X, y, split.features, split.dtype, settings.batch_size, settings.seed)


def held_out_rows(network: Network, split: Split) -> Validation:
    """The held-out rows, and what to measure of them."""
    feeds = Parts((network.X, network.y), split.X_held, split.y_held, split.features, split.dtype)
    task = "classification" if split.target is None else "regression"
    return Validation(feeds, network.output, network.y, METRICS[task])


def overflowed(network: Network, watched: Validation, epoch: Epoch, settings: Settings) -> DivergedError:
    """The error for a network that is no longer finite although every cost was: the last update did it."""
    got = "a value is not finite"
    for feed in watched.feeds:
        graph = topological_sort(dict(feed), network.cost)
        forward_pass(network.cost, graph)
        place = first_not_finite(graph, get_backend())
        if place:
            got = f"{place[0]} at {list(place[1])} is {place[2]}"
            break
    return DivergedError(
        f"epoch {epoch.number + 1}, held-out rows after step {epoch.steps}",
        got,
        "training needs finite numbers",
        remedy(settings),
    )


def remedy(settings: Settings) -> str:
    """What to do about numbers that grow without end."""
    return f"Lower --learning-rate, which is {settings.learning_rate:g}, or look at the data of this step"
