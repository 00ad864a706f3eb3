"""The arguments of an estimator, checked when it is fitted: scikit-learn asks that they are kept as they came."""

from collections.abc import Callable
from copy import deepcopy
from math import inf
from typing import Any, NamedTuple

from miniflow_xp import dtypes
from miniflow_xp.checks import as_number, each, function, not_negative, one_of, positive, real, shown, truth, whole
from miniflow_xp.engine.optim import Optimizer
from miniflow_xp.errors import SettingError
from miniflow_xp.node import Node
from miniflow_xp.ops import ReLU, Sigmoid, Tanh
from miniflow_xp.training.usual import OPTIMIZERS, make_optimizer

ACTIVATIONS = {"relu": ReLU, "tanh": Tanh, "logistic": Sigmoid, "identity": None}
MAKES = "The optimizer has its own: set it there, or name the optimizer by text"


class Options(NamedTuple):
    """What an estimator was asked for."""

    hidden: tuple[int, ...]
    activation: Callable[[Node], Node] | None
    batch_size: int
    epochs: int
    tol: float
    patience: float
    fraction: float | None  # of the rows, held out for early stopping
    shuffle: bool
    standardise: bool
    warm_start: bool
    verbose: bool
    dtype: str | None


def options_of(estimator: Any) -> Options:
    """The arguments of an estimator, checked; raises SettingError, which names the argument."""
    name = type(estimator).__name__

    def said(argument: str) -> tuple[Any, str]:
        return getattr(estimator, argument), f"{name}, {argument}"

    patience = estimator.n_iter_no_change
    return Options(
        sizes(*said("hidden_layer_sizes")),
        activation(*said("activation")),
        whole(*said("batch_size"), 1),
        whole(*said("max_iter"), 1),
        not_negative(*said("tol")),
        inf if patience == inf else whole(*said("n_iter_no_change"), 1),
        share(*said("validation_fraction")) if truth(*said("early_stopping")) else None,
        truth(*said("shuffle")),
        truth(*said("standardise")),
        truth(*said("warm_start")),
        bool(estimator.verbose),
        None if estimator.dtype is None else dtypes.parse(*said("dtype"), floats_only=True),
    )


def sizes(value: Any, name: str) -> tuple[int, ...]:
    """Units of the hidden layers: one number, or several, or none for a linear model."""
    listed = (value,) if as_number(value) is not None else value
    rule, remedy = "it is the number of units of each hidden layer", "Write (128,), for instance"
    return tuple(whole(n, name, 1) for n in each(listed, lambda n: as_number(n) is not None, name, rule, remedy))


def activation(value: Any, name: str) -> Callable[[Node], Node] | None:
    """An activation by its name, or a node class, or a function of a node."""
    if isinstance(value, str):
        return ACTIVATIONS[one_of(value, ACTIVATIONS, name)]
    rule = f"it is one of {', '.join(ACTIVATIONS)}, a node class, or a function of a node"
    found: Callable[[Node], Node] = function(value, name, rule, "Write 'relu'")
    return found


def share(value: Any, name: str) -> float:
    """A part of the rows."""
    return real(value, name, lambda x: 0 < x < 1, "it is a number above 0 and below 1")


def optimizer_of(estimator: Any, task: str, rows: int) -> Optimizer:
    """A new optimizer for so many rows: the one that is named, or a copy of the one that is given."""
    name, chosen = type(estimator).__name__, estimator.optimizer
    rate, decay = estimator.learning_rate_init, estimator.alpha
    if isinstance(chosen, Optimizer):
        for argument, value in (("learning_rate_init", rate), ("alpha", decay)):
            if value is not None:
                raise SettingError(f"{name}, {argument}", f"it is {shown(value)}", "it is None here", MAKES)
        return deepcopy(chosen)
    method = OPTIMIZERS[one_of(chosen, OPTIMIZERS, f"{name}, optimizer")]
    rate = getattr(method, task) if rate is None else positive(rate, f"{name}, learning_rate_init")
    return make_optimizer(chosen, rate, rows, None if decay is None else not_negative(decay, f"{name}, alpha"))
