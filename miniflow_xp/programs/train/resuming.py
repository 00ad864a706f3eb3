"""The options ``--checkpoint`` and ``--resume``: the folder, and the checkpoint that training goes on from."""

from math import inf
from pathlib import Path
from typing import NamedTuple

from miniflow_xp.checkpoints import Keeper, load
from miniflow_xp.checks import as_number
from miniflow_xp.distributed import World
from miniflow_xp.distributed.agreeing import alike
from miniflow_xp.errors import DataError, SettingError
from miniflow_xp.programs.outputs import check_folder
from miniflow_xp.programs.train.settings import Settings


class Checkpoint(NamedTuple):
    """A checkpoint of an earlier run: the name of its file, and the learning rate in it."""

    name: str
    learning_rate: float | None


def check_checkpoints(folder: Path | None, every: int | None, resume: bool) -> None:
    """Raise an error where there is no folder, or one that belongs to another run or cannot be written to."""
    if folder is None:
        for option, given in (("--resume", resume), ("--checkpoint-every", every is not None)):
            if given:
                raise SettingError(
                    option, "it came without --checkpoint", "checkpoints lie in a folder", "Add --checkpoint FOLDER"
                )
        return
    if every is not None and every < 1:
        raise SettingError("--checkpoint-every", f"it is {every}", "it is a number of steps above 0", "Leave it out")
    check_folder("--checkpoint", folder)
    if folder.exists():
        with Keeper(folder):  # raises where another run is at work
            pass
    if not resume and Keeper(folder).paths():
        raise SettingError(
            f"--checkpoint {folder}",
            "it holds the checkpoints of another run",
            "a folder belongs to one run",
            "Add --resume to go on from the last of them, or choose another folder",
        )


def last_checkpoint(folder: Path | None, world: World) -> Checkpoint | None:
    """The last checkpoint that rank 0 can read; None where there is none. ``fit`` warns of those that are damaged."""
    found = alike(world, last_here(folder) if world.rank == 0 else None)
    return Checkpoint(*found) if found else None


def last_here(folder: Path | None) -> Checkpoint | None:
    """The last checkpoint that can be read."""
    for path in [] if folder is None else Keeper(folder).paths()[::-1]:
        try:
            rate = load(path).meta.get("learning_rate")
        except DataError:
            continue
        number = as_number(rate)
        return Checkpoint(path.name, number if number is not None and 0 < number < inf else None)
    return None


def going_on(settings: Settings, last: Checkpoint | None, asked: float | None) -> Settings:
    """The settings, with the run's own learning rate unless another was ``asked`` for; ``restore`` warns then."""
    if last is None or last.learning_rate is None or asked is not None:
        return settings
    return settings._replace(learning_rate=last.learning_rate)
