"""``join``: this process becomes one of those that train together."""

import logging
import os
import socket
from difflib import get_close_matches
from importlib import import_module
from typing import Any

from miniflow_xp.checks import shown
from miniflow_xp.distributed.ending import end_all_at_an_exception
from miniflow_xp.distributed.world import World
from miniflow_xp.errors import MiniflowError, PackageMissingError, SettingError, WorldError
from miniflow_xp.system.packages import first_line

BUILT_IN = {
    "mpi": "miniflow_xp.distributed.mpi:MPIWorld",
    "torch": "miniflow_xp.distributed.torch:TorchWorld",
    "nccl": "miniflow_xp.distributed.nccl:NCCLWorld",
}
INSTALL = {
    "mpi": "pip install 'miniflow_xp[mpi]' beside an MPI, or 'miniflow_xp[mpi-local]', which brings one",
    "torch": "pip install 'miniflow_xp[torch]'",
    "nccl": "pip install 'miniflow_xp[cupy13]' nvidia-nccl-cu13, or with 12 in place of 13",
}
SIZES = {  # set by launchers for each process that they start: how many there are
    "OMPI_COMM_WORLD_SIZE": "mpirun",
    "PMI_SIZE": "mpirun",
    "WORLD_SIZE": "torchrun",
    "SLURM_STEP_NUM_TASKS": "srun",
}


def join(name: str, **options: Any) -> World:
    """The world of the processes that were started with this one: ``join("mpi")``, under ``mpirun -n 4``.

    ``"mpi"``: by mpi4py; ``"torch"``: by torch.distributed, under torchrun; ``"nccl"``: CuPy arrays, by NCCL. Others by
    entry points. ``options`` are the world's own. From now on an exception that nobody catches ends all processes: the
    others would wait for this one. Raises SettingError for an unknown name, PackageMissingError, and WorldError where
    the processes do not find each other.
    """
    known = worlds()
    if not isinstance(name, str) or name not in known:
        close = get_close_matches(str(name), known, n=1)
        remedy = f"Did you mean {close[0]!r}?" if close else "Use one of these"
        raise SettingError("join", f"it is {shown(name)}", f"it is one of {', '.join(known)}", remedy)
    kind = world_class(name, known[name])
    try:
        found: World = kind(**options)
    except MiniflowError:
        raise
    except Exception as error:  # of the library; each has its own
        remedy = "Look at how the processes were started, and at what the library says"
        raise WorldError(f"world {name!r}", "its library cannot be used", first_line(error), remedy) from error
    if found.size > 1:
        end_all_at_an_exception(found)
        tell_who_is_who(name, found)
    return found


def tell_who_is_who(name: str, world: World) -> None:
    """Rank 0 says which process has which rank: some launchers name one that was killed by its process alone."""
    members = [data.decode() for data in world.gather(f"{os.getpid()} on {socket.gethostname()}".encode())]
    if world.rank == 0:
        ranks = ", ".join(f"rank {rank} is process {member}" for rank, member in enumerate(members))
        logging.getLogger("miniflow_xp").warning("world %s: %s", name, ranks)


def world_class(name: str, where: str) -> Any:
    """The class at ``where``, "module:class"; raises PackageMissingError."""
    module, _, attribute = where.partition(":")
    try:
        return getattr(import_module(module), attribute)
    except (ImportError, AttributeError, RuntimeError) as error:  # mpi4py without an MPI raises a RuntimeError
        remedy = f"Run: {INSTALL[name]}" if name in INSTALL else f"Look at the package that brings {where!r}"
        raise PackageMissingError(f"world {name!r}", "it cannot be imported", first_line(error), remedy) from None


def worlds() -> dict[str, str]:
    """{name: "module:class"} of the built-in worlds and those of installed packages; a built-in name stays ours."""
    from importlib.metadata import entry_points

    others = {entry.name: entry.value for entry in entry_points(group="miniflow_xp.worlds")}
    return others | BUILT_IN


def launched() -> tuple[str, int]:
    """The launcher that started this process beside others, and how many they are; ("", 1) where none did."""
    for name, launcher in SIZES.items():
        text = os.environ.get(name, "")
        if text.isdecimal() and int(text) > 1:
            return launcher, int(text)
    return "", 1
