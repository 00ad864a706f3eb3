"""Trainers of several processes become the same one."""

import pickle
from typing import TYPE_CHECKING

from miniflow_xp.broadcasting import shape_of
from miniflow_xp.distributed.agreeing import check_alike
from miniflow_xp.ops.dropout import Mask
from miniflow_xp.switch import get_backend
from miniflow_xp.system.version import __version__

if TYPE_CHECKING:
    from miniflow_xp.engine.trainer import Trainer


def agree(trainer: "Trainer") -> None:
    """Raise WorldError where ranks differ; then all go on from the state of rank 0."""
    world = trainer.dealing.world
    if world.size == 1:
        return
    import numpy as np  # here, so that importing this package imports no array library

    parameters = [f"{p.name} {shape_of(p.value)}" for p in trainer.parameters]
    items = {
        "the version of miniflow_xp": __version__,
        "the version of NumPy": np.__version__,
        "the backend": get_backend().name,
        "the network": [type(node).__name__ for node in trainer.graph.forward],
        "the parameters": parameters,
        "the optimizer": f"{type(trainer.optimizer).__name__} {vars(trainer.optimizer)}",
        "accumulate": trainer.dealing.accumulate,
        "shards": trainer.dealing.shards,
        "the seeds of dropout": [(node.key, node.rate) for node in trainer.graph.forward if isinstance(node, Mask)],
    }
    check_alike(world, "Trainer", items)
    trainer.restore(pickle.loads(world.share(pickle.dumps(trainer.snapshot()))))
