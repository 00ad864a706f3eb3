"""A way back: what a trainer was at a look, on the host."""

from typing import Any, NamedTuple

from miniflow_xp.fitting.position import Position
from miniflow_xp.ops.dropout import Counter
from miniflow_xp.trainer import Memory, Trainer


class Snapshot(NamedTuple):
    """Parameters, optimizer and dropout's counters at a position."""

    values: list[Any]
    memory: Memory
    counters: dict[Counter, int]
    position: Position

    @classmethod
    def of(cls, trainer: Trainer, position: Position) -> "Snapshot":
        """Now."""
        found = trainer.on_host()
        return cls(found.values, found.memory, {n: n.number for n in trainer.counters}, position)

    def restore(self, trainer: Trainer) -> None:
        """As it was then."""
        for parameter, value in zip(trainer.parameters, self.values, strict=True):
            parameter.value = value
        for counter, number in self.counters.items():
            counter.value = number
        trainer.remember(self.memory)
