"""NCCL, by CuPy: each process has its own GPU; where they meet, RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT say.

Not yet run on a GPU.
"""

import os

import cupy
import numpy as np
from cupyx import distributed

from miniflow_xp.backend import Array
from miniflow_xp.distributed.world import World
from miniflow_xp.errors import WorldError


class NCCLWorld(World):
    """The processes of an NCCL communicator. Arrays stay on the GPU; bytes travel as arrays of them."""

    def __init__(self) -> None:
        missing = [name for name in ("RANK", "WORLD_SIZE") if not os.environ.get(name, "").isdecimal()]
        if missing:
            raise WorldError(
                "world 'nccl'",
                f"{' and '.join(missing)} not set",
                "a launcher says how many processes there are, and where they meet",
                "Start the program by torchrun, or set them, MASTER_ADDR and MASTER_PORT yourself",
            )
        self.rank, self.size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
        host, port = os.environ.get("MASTER_ADDR", "127.0.0.1"), int(os.environ.get("MASTER_PORT", "13333")) + 1
        self._group = distributed.init_process_group(self.size, self.rank, host=host, port=port)

    def sum(self, array: Array) -> Array:
        total = cupy.empty_like(array)
        self._group.all_reduce(array, total)
        return total

    def gather(self, data: bytes) -> list[bytes]:
        lengths = [int(n) for n in self._all(np.array([len(data)], "int64"))]
        padded = np.frombuffer(data.ljust(max(lengths), b"\0"), "uint8")
        rows = self._all(padded).reshape(self.size, -1)
        return [row[:length].tobytes() for row, length in zip(rows, lengths, strict=True)]

    def _all(self, array: Array) -> Array:
        """The arrays of all processes, of one length, end to end on the host."""
        if not array.size:
            return np.empty(0, array.dtype)
        every = cupy.empty(self.size * array.size, array.dtype)
        self._group.all_gather(cupy.asarray(array), every, array.size)
        return cupy.asnumpy(every)

    def abort(self, code: int = 1) -> None:
        os._exit(code)  # the launcher ends the others
