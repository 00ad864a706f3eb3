"""Checkpoints of a training: when they are saved, and how it goes on from one."""

import pickle
import warnings
from pathlib import Path

from miniflow_xp.checkpoints import Keeper, State, restore, trainer_state
from miniflow_xp.checkpoints.matching import named
from miniflow_xp.checks import whole
from miniflow_xp.distributed.agreeing import alike
from miniflow_xp.engine.trainer import Trainer
from miniflow_xp.errors import DataError, SettingError
from miniflow_xp.system.callers import stacklevel
from miniflow_xp.training.history import History
from miniflow_xp.training.position import Position, Source, from_meta, to_meta


class Saver:
    """Saves a trainer into a Keeper's folder, every so many steps if ``every`` says so; of several processes, rank 0.

    Raises SettingError, GraphError where parameters have no names of their own.
    """

    def __init__(self, keeper: Keeper | str | Path, every: int | None, trainer: Trainer, batches: Source) -> None:
        self.every = None if every is None else whole(every, "fit, checkpoint_every", 1, remedy="Leave it out")
        self.keeper = keeper if isinstance(keeper, Keeper) else Keeper(keeper)
        self.trainer, self.batches, self.world = trainer, batches, trainer.dealing.world
        named(trainer)

    def resume(self) -> tuple[Position, History]:
        """Go on from the last checkpoint, or from the beginning where there is none; nothing changes on an error."""
        state = self.keeper.latest() if self.world.rank == 0 else None
        if self.world.size > 1:
            state = pickle.loads(self.world.share(pickle.dumps(state)))
        if state is None:
            return Position(), History()
        found = from_meta(state.meta, self.batches)
        restore(self.trainer, state)
        return found

    def start(self) -> None:
        """Refuse a folder that holds another run."""
        if alike(self.world, self.world.rank == 0 and bool(self.keeper.paths())):
            raise SettingError(
                "fit, checkpoints",
                f"{self.keeper.folder} holds checkpoints",
                "the checkpoints of one run come one after the other",
                "Go on from them with resume=True, or choose another folder",
            )

    def due(self, step: int) -> bool:
        """Is a checkpoint to be saved after this step?"""
        return self.every is not None and step % self.every == 0

    def save(self, position: Position, history: History, rate: float, last: bool) -> None:
        """Save what there is, with the learning ``rate`` before a schedule changed it.

        A failure is a warning while training goes on, and an error at its end.
        """
        if self.world.rank:
            return
        score = history[-1].watched if position.batch == 0 and history else None
        state = trainer_state(self.trainer)
        meta = {**state.meta, "learning_rate": rate, "fit": to_meta(position, history, self.batches)}
        try:
            self.keeper.save(position.step, State(state.arrays, meta), score)
        except DataError as error:
            if last:
                raise
            warnings.warn(f"This checkpoint is missing, and training goes on. {error}", stacklevel=stacklevel())
