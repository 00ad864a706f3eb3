"""fit with dropout, clipping, a schedule, validation and checkpoints, alone or by the processes of a world.

As a program: ``world_fit.py ENGINE FOLDER TROUBLE`` resumes or starts a run. TROUBLE is ``none``; ``kill``, ``raise``
or ``nan``, which come to the last rank in step 12; ``callback``, where one sets a parameter and ends the training; or
``Ctrl-C`` or ``SIGTERM``, which are waited for: each step takes a while and is told.
Rank 0 prints, as JSON, why it ended, the parameters of all ranks, and the costs.
"""

import json
import os
import signal
import sys
import time

import numpy as np
from world_steps import network, values

import miniflow_xp as mf
from miniflow_xp.distributed import Alone, join
from miniflow_xp.engine.optim import Adam
from miniflow_xp.metrics import accuracy
from miniflow_xp.schedules import cosine

EPOCHS, ROWS, BATCH = 4, 47, 9  # the last batch has 2 rows: of 3 ranks and more some have none
STEPS = EPOCHS * 6
TROUBLED = 12  # after the checkpoint of step 10


def data():
    rng = np.random.default_rng(5)
    return rng.normal(size=(ROWS, 5)), rng.integers(3, size=ROWS)


class Troubled(mf.Batches):
    """Batches to whose reading something happens."""

    def __init__(self, world, trouble, **settings):
        super().__init__(*data(), BATCH, seed=3, **settings)
        self.world, self.trouble = world, trouble

    def epoch(self, number, start=0):
        for step, batch in enumerate(super().epoch(number, start), number * 6 + start + 1):
            if self.trouble in ("Ctrl-C", "SIGTERM"):
                time.sleep(0.02)
                if self.world.rank == 0:
                    print("step", step, flush=True)
            is_here = step == TROUBLED and self.world.rank == self.world.size - 1
            yield trouble_with(batch, self.trouble) if is_here else batch


def trouble_with(batch, trouble):
    if trouble == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if trouble == "raise":
        raise RuntimeError("a mistake of one rank")
    return batch._replace(X=np.full_like(batch.X, np.nan)) if trouble == "nan" else batch


def train(world=None, folder=None, trouble="none", seed=0, **settings):
    """The trainer and its history."""
    X, y, cost = network(seed)
    trainer = mf.Trainer(cost, Adam(0.01).clipped(0.5), across=world, **settings)
    logits = judged(trainer)
    rows, labels = data()
    parts = [{X: rows[:20], y: labels[:20]}, {X: rows[20:], y: labels[20:]}]
    history = mf.fit(
        trainer,
        [X, y],
        Troubled(world or Alone(), trouble),
        EPOCHS,
        validation=mf.Validation(parts, logits, y, {"accuracy": accuracy}, cost=mf.CrossEntropy(y, logits)),
        schedule=cosine(STEPS, warm_up=3),
        callbacks=[meddling(trainer)] if trouble == "callback" and (world is None or world.rank == 0) else [],
        checkpoints=folder,
        checkpoint_every=None if folder is None else 5,
        resume=folder is not None,
        progress=False,
    )
    return trainer, history


def meddling(trainer):
    """A callback that sets a parameter, and ends the training after the third epoch."""

    def meddle(epoch):
        trainer.parameters[1].value = np.full(7, 0.1)
        return epoch.number == 2

    return meddle


def judged(trainer):
    """The same network without dropout."""
    W1, b1, W2, b2 = trainer.parameters
    X = next(leaf for leaf in trainer.graph.leaves if leaf.name == "X")
    return mf.Linear(mf.Tanh(mf.Linear(X, W1, b1)), W2, b2)


def figures(history):
    return [
        [epoch.cost, epoch.validation["cost"], epoch.validation["accuracy"]] for epoch in history if epoch.validation
    ]


def main(engine, folder, trouble):
    world = join(engine)
    trainer, history = train(world, folder or None, trouble, seed=world.rank)
    every = [np.frombuffer(found).tolist() for found in world.gather(values(trainer).tobytes())]
    if world.rank == 0:
        print(json.dumps({"ended": history.ended, "values": every, "figures": figures(history)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
