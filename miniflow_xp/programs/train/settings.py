"""How to train: what a user may choose, checked before anything starts."""

from math import inf
from typing import Any, NamedTuple

from miniflow_xp.data.split import USUAL_HELD_OUT
from miniflow_xp.engine.optim import Optimizer
from miniflow_xp.errors import SettingError
from miniflow_xp.node import Elementwise
from miniflow_xp.ops import ReLU
from miniflow_xp.training.usual import BATCH_SIZE, EPOCHS, HIDDEN, OPTIMIZER, OPTIMIZERS, make_optimizer


class Settings(NamedTuple):
    """``hidden``: units of the hidden layer; ``held_out``: the fraction of the rows that is not trained on."""

    hidden: int
    epochs: int
    batch_size: int
    learning_rate: float
    held_out: float
    seed: int
    activation: type[Elementwise]
    optimizer: str = OPTIMIZER

    def make_optimizer(self, rows: int) -> Optimizer:
        """A new optimizer with the learning rate, for so many rows to train on."""
        return make_optimizer(self.optimizer, self.learning_rate, rows)


RATE = OPTIMIZERS[OPTIMIZER].classification  # that of a regression is the same
USUAL = Settings(HIDDEN, EPOCHS, BATCH_SIZE, RATE, USUAL_HELD_OUT, 0, ReLU, OPTIMIZER)

RULES = {  # setting: (above, below, in words)
    "hidden": (0, inf, "a whole number above 0"),
    "epochs": (0, inf, "a whole number above 0"),
    "batch_size": (0, inf, "a whole number above 0"),
    "learning_rate": (0, inf, "a finite number above 0"),
    "held_out": (0, 1, "a number above 0 and below 1"),
    "seed": (-1, 2**64, "a whole number, 0 or above, of 64 bits"),
}


def settings_for(task: str, optimizer: str | None = None, **chosen: Any) -> Settings:
    """The usual settings of a task, but for those ``chosen``; None leaves the usual one. Raises SettingError."""
    usual = USUAL if optimizer is None else with_optimizer(task, optimizer)
    settings = usual._replace(**{name: value for name, value in chosen.items() if value is not None})
    for name in RULES:
        check_rule(name, getattr(settings, name), getattr(usual, name))
    return settings


def with_optimizer(task: str, optimizer: str) -> Settings:
    """The usual settings with this optimizer and its usual learning rate; raises SettingError for an unknown one."""
    if optimizer not in OPTIMIZERS:
        raise SettingError(
            "--optimizer", f"it is {optimizer!r}", f"it is one of {', '.join(OPTIMIZERS)}", "Use one of these"
        )
    return USUAL._replace(optimizer=optimizer, learning_rate=getattr(OPTIMIZERS[optimizer], task))


def check_rule(name: str, value: float, usual: float) -> None:
    """Raise SettingError where a setting is out of its range."""
    above, below, words = RULES[name]
    if not above < value < below:
        raise SettingError(
            f"--{name.replace('_', '-')}", f"it is {value:g}", f"it must be {words}", f"Leave it out for {usual}"
        )
