"""A way back: what a trainer was at a look, on the host."""

from typing import NamedTuple

from miniflow_xp.engine.trainer import OnHost, Trainer
from miniflow_xp.training.position import Position


class Snapshot(NamedTuple):
    """What a trainer was in the middle of, and the position in the data."""

    found: OnHost
    position: Position

    @classmethod
    def of(cls, trainer: Trainer, position: Position) -> "Snapshot":
        """Now."""
        return cls(trainer.on_host(), position)

    def restore(self, trainer: Trainer) -> None:
        """As it was then."""
        trainer.take_up(self.found)
