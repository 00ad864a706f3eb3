"""20 steps by two processes of JAX, whose devices work as one.

As a program: ``jax_processes.py RANK ADDRESS`` is one of them, and prints the parameters that it ends with, as JSON.
"""

import json
import sys

import jax
import world_steps

import miniflow_xp as mf
from miniflow_xp.engine.optim import Adam


def main(rank, address):
    jax.config.update("jax_enable_x64", True)
    jax.distributed.initialize(address, 2, int(rank))
    mf.set_backend("jax", devices="all")
    X, y, cost = world_steps.network()
    trainer = mf.Trainer(cost, Adam(0.01).clipped(0.5))
    for number in range(world_steps.STEPS):
        trainer.step(dict(zip((X, y), world_steps.batch(number), strict=True)))
    print(json.dumps(world_steps.values(trainer).tolist()))
    jax.distributed.shutdown()


if __name__ == "__main__":
    main(*sys.argv[1:])
