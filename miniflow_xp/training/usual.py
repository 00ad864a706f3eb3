"""What was found to be good on tables: the settings that ``train`` and the estimators take where nothing else is said.

Chosen on tables of 60 to 100,000 standardised rows, such as ``python -m benchmarks.tables`` makes: few steps have to
suffice for small ones, and those of large ones must not be so rough that they miss what the rows tell.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from miniflow_xp.engine.optim import SGD, Adam, AdamW, Optimizer, RMSProp
from miniflow_xp.errors import SettingError

HIDDEN = 128  # units
EPOCHS = 30
BATCH_SIZE = 32
OPTIMIZER = "adamw"


class Method(NamedTuple):
    """An optimizer by name: what makes it from a learning rate; the usual rate for each task; what decay it knows."""

    make: Callable[..., Optimizer]
    classification: float
    regression: float
    decays: bool  # does it take ``weight_decay``?
    usual: bool = False  # does it decay where nothing is said?


OPTIMIZERS = {
    "sgd": Method(SGD, 0.1, 0.01, True),
    "momentum": Method(partial(SGD, momentum=0.9), 0.01, 0.001, True),
    "rmsprop": Method(RMSProp, 0.001, 0.001, False),
    "adam": Method(Adam, 0.001, 0.001, False),
    "adamw": Method(AdamW, 0.003, 0.003, True, True),
}


def weight_decay(rows: int) -> float:
    """λ of AdamW for so many rows to train on: few are soon learned by heart, noise included, which large weights do.

    A decay that falls as 1 / rows shrinks weights equally much in an epoch, however many steps that has.
    """
    return min(0.3, 1000 / rows)


def make_optimizer(name: str, rate: float, rows: int, decay: float | None = None) -> Optimizer:
    """A new optimizer for so many rows to train on; ``decay``: λ, or None for the usual one.

    Raises SettingError for a decay that the optimizer does not know.
    """
    method = OPTIMIZERS[name]
    if decay is None:
        decay = weight_decay(rows) if method.usual else 0.0
    if not method.decays:
        if decay:
            those = ", ".join(other for other, found in OPTIMIZERS.items() if found.decays)
            raise SettingError(
                "weight decay", f"it is {decay:g}", f"{name} does not decay weights", f"Choose one of {those}"
            )
        return method.make(rate)
    return method.make(rate, weight_decay=decay)
