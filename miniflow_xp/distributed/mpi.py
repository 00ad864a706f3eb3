"""MPI, by mpi4py: ``mpirun -n 4 python train.py``.

Every MPI has a launcher of its own. CuPy arrays go by way of the host, as an MPI that knows no CUDA ends in a
segmentation fault where it is handed one; ``cuda_aware=True`` says that this one does.
"""

import os
from typing import Any

import numpy as np
from mpi4py import MPI

from miniflow_xp.backend import Array
from miniflow_xp.checks import truth
from miniflow_xp.distributed.joining import launched
from miniflow_xp.distributed.world import HostWorld
from miniflow_xp.errors import WorldError
from miniflow_xp.switch import get_backend


class MPIWorld(HostWorld):
    """The processes of a communicator, which is MPI.COMM_WORLD unless another is given."""

    def __init__(self, communicator: Any = None, cuda_aware: bool = False) -> None:
        self.communicator = MPI.COMM_WORLD if communicator is None else communicator
        self.cuda_aware = truth(cuda_aware, "join, cuda_aware")
        self.rank, self.size = self.communicator.rank, self.communicator.size
        launcher, count = launched()
        if communicator is None and launcher == "mpirun" and count != self.size:
            raise WorldError(
                "world 'mpi'",
                f"mpirun started {count} processes, and MPI sees {self.size}",
                f"the launcher belongs to the library, {MPI.Get_library_version().split(chr(10))[0].strip()}",
                "Start with the mpirun of that MPI",
            )

    def sum(self, array: Array) -> Array:
        if not self.cuda_aware:
            return super().sum(array)
        get_backend().synchronize()  # MPI knows nothing of the stream that computes the array
        total = get_backend().xp.empty_like(array)
        self.communicator.Allreduce(array, total)
        return total

    def sum_on_host(self, array: Array) -> Array:
        total = np.empty_like(array)
        self.communicator.Allreduce(np.ascontiguousarray(array), total)
        return total

    def gather(self, data: bytes) -> list[bytes]:
        found: list[bytes] = self.communicator.allgather(data)
        return found

    def share(self, data: bytes) -> bytes:
        found: bytes = self.communicator.bcast(data)
        return found

    def abort(self, code: int = 1) -> None:
        self.communicator.Abort(code)
        os._exit(code)  # some MPI's Abort returns
