"""The state of a training, on the host: what ``Trainer.snapshot`` gives and ``Trainer.restore`` takes."""

from typing import Any, NamedTuple


class OptimizerState(NamedTuple):
    """What an optimizer remembers: {number of a parameter: its slots}, on the host, and how many steps were made."""

    slots: dict[int, list[Any]]
    steps: float


class TrainerState(NamedTuple):
    """All that a training is in the middle of, with NumPy arrays.

    ``values`` of the parameters; ``dtypes``: their names, as NumPy has no bfloat16; ``passes``: dropout's counters.
    """

    values: list[Any]
    dtypes: list[str]
    optimizer: OptimizerState
    passes: list[int]
    learning_rate: float
