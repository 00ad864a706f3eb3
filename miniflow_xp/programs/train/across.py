"""The option ``--across``: one training by several processes."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from miniflow_xp.distributed import Alone, World, join
from miniflow_xp.distributed.ending import end_all
from miniflow_xp.distributed.joining import launched
from miniflow_xp.errors import DivergedError, MiniflowError, SettingError, WorldError
from miniflow_xp.programs.options import tell_mistake

OF_ALL = DivergedError, WorldError
"""Errors that all processes have at the same time."""


@contextmanager
def across_processes(name: str | None) -> Iterator[World]:
    """The world of this name, else that of this process alone; a mistake of one process ends all."""
    world = world_named(name)
    try:
        yield world
    except OF_ALL as error:
        if world.size == 1:
            raise
        if world.rank == 0:
            tell_mistake(error)
        world.gather(b"")  # the others end after it is told
        raise typer.Exit(1) from None
    except (typer.Exit, SystemExit):
        raise
    except BaseException as error:
        if world.size > 1:
            if isinstance(error, MiniflowError):
                tell_mistake(error)
            end_all(world, type(error).__name__)
        raise


def world_named(name: str | None) -> World:
    """The world; raises SettingError for an unknown name, and where a launcher started processes that name none."""
    if name is not None:
        try:
            return join(name)
        except SettingError as error:
            raise SettingError("--across", error.got, error.expected, error.remedy) from None
    launcher, count = launched()
    if count > 1:
        raise SettingError(
            "train",
            f"{launcher} started {count} processes",
            "each would train by itself, and write to the same files",
            f"Add --across {'torch' if launcher == 'torchrun' else 'mpi'}",
        )
    return Alone()
