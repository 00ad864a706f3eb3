"""On JAX with 4 devices of the host: a training on all of them, as on one; prints what was found as JSON.

XLA_FLAGS must say that there are 4 devices before JAX starts: it is a program of its own.
"""

import json
import re

import numpy as np
import world_steps

import miniflow_xp as mf
from miniflow_xp.checkpoints import restore, trainer_state
from miniflow_xp.engine.optim import Adam

COLLECTIVES = "all-reduce|all-gather|reduce-scatter|all-to-all|collective-permute"
WAYS = {"rows dealt": {"devices": "all"}, "parameters split": {"devices": "all", "split_parameters": True}}


def network(dropout):
    """(n, 8) → 12 → 4 classes: all divisible by 4."""
    rng = np.random.default_rng(0)
    X, y = mf.Input("X"), mf.Input("y", dtype=int)
    shapes = {"W1": (8, 12), "b1": (12,), "W2": (12, 4), "b2": (4,)}
    W1, b1, W2, b2 = (mf.Parameter(rng.normal(size=shape), name) for name, shape in shapes.items())
    hidden = mf.Tanh(mf.Linear(X, W1, b1))
    hidden = mf.Dropout(0.3, seed=4)(hidden, training=True) if dropout else hidden
    return X, y, mf.CrossEntropy(y, mf.Linear(hidden, W2, b2), name="cost")


def train(rows, dropout=True, steps=20, state=None, **options):
    with mf.use_backend("jax", **options):
        X, y, cost = network(dropout)
        trainer = mf.Trainer(cost, Adam(0.01).clipped(0.5))
        before = world_steps.values(trainer)
        if state is not None:
            restore(trainer, state)
        for number in range(steps):
            rng = np.random.default_rng([number, 7])
            feed = {X: rng.normal(size=(rows, 8)), y: rng.integers(4, size=rows)}
            trainer.step(feed)
        return before, world_steps.values(trainer), trainer, feed


def collectives(trainer, feed):
    """The collectives in the text that XLA compiled."""
    captured, backend = trainer._captured, trainer._held.backend
    others = [backend.asarray(feed[leaf]) for leaf in trainer._captures.leaves]
    state = captured._done[0][: len(captured._renewed)]
    text = captured._step.lower(state, captured._fixed, others).compile().as_text()
    return re.findall(rf"= .*? ({COLLECTIVES})(?:-start)?\(", text), "input_output_alias" in text


def shares(trainer):
    """For each array of the state what part of its bytes device 0 holds."""
    arrays = trainer._captured._done[0][: len(trainer._captured._renewed)]
    return [a.addressable_shards[0].data.nbytes / a.nbytes for a in arrays if a.ndim]


def distance(found, expected, before):
    return float(np.abs(found - expected).max() / np.abs(expected - before).max())


def main():
    found = {}
    before, alone, *_ = train(48)
    for name, options in WAYS.items():
        found[f"{name}, 48 rows"] = distance(train(48, **options)[1], alone, before)
    before, alone, trainer, _ = train(50, dropout=False)
    with mf.use_backend("jax"):
        state = trainer_state(trainer)
    _, further, *_ = train(48, dropout=False, state=state)
    for name, options in WAYS.items():
        # 50 rows cannot be dealt: each device has a copy
        found[f"{name}, 50 rows"] = distance(train(50, dropout=False, steps=20, **options)[1], alone, before)
        _, values, trainer, feed = train(48, dropout=False, state=state, **options)
        found[f"{name}, resumed"] = distance(values, further, before)
        with mf.use_backend("jax", **options):
            found[f"{name}: collectives"], found[f"{name}: donated"] = collectives(trainer, feed)
        found[f"{name}: shares"] = shares(trainer)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
