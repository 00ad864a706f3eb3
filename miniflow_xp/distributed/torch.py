"""torch.distributed, under torchrun: gloo on the host, NCCL on a GPU."""

import atexit
import os

import torch
from torch import distributed

from miniflow_xp.backend import Array
from miniflow_xp.distributed.world import HostWorld
from miniflow_xp.errors import WorldError
from miniflow_xp.switch import get_backend

WANTED = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


class TorchWorld(HostWorld):
    """The processes of the default process group, which is made where there is none yet.

    Tensors on a GPU are added by NCCL, everything else by gloo.
    """

    def __init__(self) -> None:
        if not distributed.is_initialized():
            missing = [name for name in WANTED if name not in os.environ]
            if missing:
                raise WorldError(
                    "world 'torch'",
                    f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set",
                    "a launcher says how many processes there are, and where they meet",
                    "Start the program by torchrun, as docs/scale-out.md shows",
                )
            distributed.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
            atexit.register(leave)
        self.rank, self.size = distributed.get_rank(), distributed.get_world_size()

    def sum(self, array: Array) -> Array:
        if not get_backend().device.startswith("cuda") or not isinstance(array, torch.Tensor):
            return super().sum(array)
        total = array.clone()
        distributed.all_reduce(total)
        return total

    def sum_on_host(self, array: Array) -> Array:
        total = torch.tensor(array)
        distributed.all_reduce(total)
        return total.numpy()

    def gather(self, data: bytes) -> list[bytes]:
        found: list[bytes] = [b""] * self.size
        distributed.all_gather_object(found, data)
        return found

    def abort(self, code: int = 1) -> None:
        os._exit(code)  # torchrun ends the others; leaving the group would wait for them


def leave() -> None:
    """Leave the process group at the end of the program, unless somebody has done so."""
    if distributed.is_initialized():
        distributed.destroy_process_group()
