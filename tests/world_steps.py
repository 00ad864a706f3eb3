"""20 steps of Adam with dropout and clipping in float64, alone or by the processes of a world.

As a program: ``world_steps.py ENGINE BACKEND BACKEND…`` makes them for every way to deal the rows, and prints for each,
as JSON, the parameters and costs that each rank ends with.
"""

import json
import sys

import numpy as np

import miniflow_xp as mf
from miniflow_xp.distributed import World, join
from miniflow_xp.engine.optim import Adam

STEPS = 20
ROWS = 12
DEALS = {  # rows of a batch of 12: where rank r of n begins
    "even": lambda r, n: ROWS * r // n,
    "uneven": lambda r, n: ROWS if r == n else min(r * r, ROWS),
    "all on rank 0": lambda r, n: ROWS * min(r, 1),
}


def network(seed=0):
    """(12, 5) → 7 → dropout → 3 classes."""
    rng = np.random.default_rng(seed)
    X, y = mf.Input("X"), mf.Input("y", dtype=int)
    shapes = {"W1": (5, 7), "b1": (7,), "W2": (7, 3), "b2": (3,)}
    W1, b1, W2, b2 = (mf.Parameter(rng.normal(size=shape), name) for name, shape in shapes.items())
    hidden = mf.Dropout(0.3, seed=4)(mf.Tanh(mf.Linear(X, W1, b1)), training=True)
    return X, y, mf.CrossEntropy(y, mf.Linear(hidden, W2, b2), name="cost")


def batch(number):
    rng = np.random.default_rng([number, 7])
    return rng.normal(size=(ROWS, 5)), rng.integers(3, size=ROWS)


class MeanOfMeans(World):
    """What must not be done: every process counts alike, however many rows it has."""

    def __init__(self, world):
        self.world, self.rank, self.size = world, world.rank, world.size

    def sum(self, vector):
        vector = mf.get_backend().to_numpy(vector)
        return mf.get_backend().asarray(self.world.sum_on_host(vector / max(vector[-1], 1.0)))

    def gather(self, data):
        return self.world.gather(data)

    def abort(self, code=1):
        self.world.abort(code)


def values(trainer):
    return np.concatenate([mf.to_numpy(p.value).ravel() for p in trainer.parameters])


def train(rows=slice(None), seed=0, **settings):
    """The parameters before, those after, and the costs."""
    X, y, cost = network(seed)
    trainer = mf.Trainer(cost, Adam(0.01).clipped(0.5), **settings)
    before = values(trainer)
    feeds = (dict(zip((X, y), (a[rows] for a in batch(number)), strict=True)) for number in range(STEPS))
    costs = [float(trainer.step(feed)) for feed in feeds]
    return before, values(trainer), costs


def ends(world, backend):
    """{how the rows were dealt: what each rank ends with}"""
    mf.set_backend(backend)
    found = {}
    for name, begin in DEALS.items():
        rows = slice(begin(world.rank, world.size), begin(world.rank + 1, world.size))
        for across in [world, MeanOfMeans(world)] if name == "uneven" else [world]:
            label = name if across is world else "mean of means"
            _, after, costs = train(rows, seed=world.rank, across=across)  # ranks start different
            every = [np.frombuffer(data).tolist() for data in world.gather(np.append(after, costs).tobytes())]
            found[label] = every
    mine = slice(6 * world.rank // world.size * 2, 6 * (world.rank + 1) // world.size * 2)
    _, after, costs = train(mine, across=world, shards=6)
    found["6 shards"] = [np.append(after, costs).tolist()] * world.size
    return {f"{backend}, {name}": ranks for name, ranks in found.items()}


def main(engine, *backends):
    world = join(engine)
    found = {}
    for backend in backends:
        found |= ends(world, backend)
    if world.rank == 0:
        print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
