"""Checkpoints: training saved in one file, and resumed as if it had never stopped.

    keeper = Keeper("runs/first")
    state = keeper.latest()
    if state is not None:
        restore(trainer, state)
    with keeper:  # keeps other runs out of the folder
        ...
        keeper.save(step, trainer_state(trainer), score=validation_loss)

A resumed run is bit-identical to the uninterrupted one on the same backend. Nothing is pickled: a file holds numbers
and text only, so that reading one from a stranger runs no code.
"""

from miniflow_xp.checkpoints.file import State, load, save
from miniflow_xp.checkpoints.keeper import Keeper
from miniflow_xp.checkpoints.training import restore, trainer_state

__all__ = ["Keeper", "State", "load", "restore", "save", "trainer_state"]
