"""How to train: the numbers that a user may choose, checked before anything starts."""

from math import inf
from typing import Any, NamedTuple

from miniflow_xp.errors import SettingError
from miniflow_xp.node import Elementwise
from miniflow_xp.ops import ReLU, Sigmoid


class Settings(NamedTuple):
    """``hidden``: units of the hidden layer; ``held_out``: the fraction of the rows that is not trained on."""

    hidden: int
    epochs: int
    batch_size: int
    learning_rate: float
    held_out: float
    seed: int
    activation: type[Elementwise]


CLASSIFICATION = Settings(256, 30, 32, 0.1, 0.2, 0, ReLU)
REGRESSION = Settings(10, 100, 11, 0.01, 0.2, 0, Sigmoid)  # the lesson's demo

RULES = {  # setting: (above, below, in words)
    "hidden": (0, inf, "a whole number above 0"),
    "epochs": (0, inf, "a whole number above 0"),
    "batch_size": (0, inf, "a whole number above 0"),
    "learning_rate": (0, inf, "a finite number above 0"),
    "held_out": (0, 1, "a number above 0 and below 1"),
    "seed": (-1, inf, "a whole number, 0 or above"),
}


def settings_for(task: str, **chosen: Any) -> Settings:
    """The usual settings of a task, but for those ``chosen``; None leaves the usual one. Raises SettingError."""
    usual = CLASSIFICATION if task == "classification" else REGRESSION
    settings = usual._replace(**{name: value for name, value in chosen.items() if value is not None})
    for name, (above, below, words) in RULES.items():
        value = getattr(settings, name)
        if not above < value < below:
            raise SettingError(
                f"--{name.replace('_', '-')}",
                f"it is {value:g}",
                f"it must be {words}",
                f"Leave it out for {getattr(usual, name)}",
            )
    return settings
