"""A small network, its data, and a run of it that saves checkpoints: what the tests of checkpoints share.

As a program: ``python small_training.py FOLDER STEPS OPTIMIZER BACKEND`` lets fit resume or start a run of so many
steps, with a checkpoint after every third and every epoch, prints ``step N`` before each and ``over`` after the last,
and stays until its standard input ends.
"""

import sys

import numpy as np

import miniflow_xp as mf
from miniflow_xp.engine.optim import SGD, Adam, AdamW, RMSProp
from miniflow_xp.schedules import cosine

OPTIMIZERS = {
    "SGD": lambda: SGD(0.1),
    "momentum": lambda: SGD(0.1, momentum=0.9, nesterov=True, weight_decay=1e-3),
    "RMSProp": lambda: RMSProp(0.01),
    "Adam": lambda: Adam(0.01),
    "AdamW": lambda: AdamW(0.01),
}


STEPS_AN_EPOCH = 50


class Training:
    """X (8, 5) → 7 → dropout → 3 with labels; the same numbers, masks and feeds every time."""

    def __init__(self, optimizer="Adam", dtype="float32", seed=3):
        rng = np.random.default_rng(seed)
        self.dtype = dtype
        self.X, self.y = mf.Input("X"), mf.Input("y", dtype=int)
        shapes = {"W1": (5, 7), "b1": (7,), "W2": (7, 3), "b2": (3,)}
        self.parameters = [mf.Parameter(rng.uniform(-1, 1, s).astype(dtype), name) for name, s in shapes.items()]
        W1, b1, W2, b2 = self.parameters
        output = mf.Linear(mf.Dropout(0.2, seed=5)(mf.Tanh(mf.Linear(self.X, W1, b1)), training=True), W2, b2)
        self.trainer = mf.Trainer(mf.CrossEntropy(self.y, output, name="cost"), OPTIMIZERS[optimizer]())

    def batch(self, number):
        rng = np.random.default_rng([number, 11])
        return rng.uniform(-1, 1, (8, 5)).astype(self.dtype), rng.integers(3, size=8)

    def step(self, number):
        self.trainer.learning_rate = 0.05 / (1 + number)  # a schedule, which the resumed run has to go on with
        return self.trainer.step(dict(zip((self.X, self.y), self.batch(number), strict=True)))

    def epoch(self, number, start=0):
        """What fit takes batches from."""
        for step in range(number * STEPS_AN_EPOCH + start, (number + 1) * STEPS_AN_EPOCH):
            print("step", step + 1, flush=True)
            yield self.batch(step)

    def values(self):
        return [np.array(mf.to_numpy(p.value)) for p in self.parameters]


def same_bits(got, expected):
    """Are these lists of arrays the same to the last bit?"""
    for a, b in zip(got, expected, strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        np.testing.assert_array_equal(a.reshape(-1).view(np.uint8), b.reshape(-1).view(np.uint8))


def run(folder, steps, optimizer):
    """Go on from the last checkpoint, if any, until so many steps are made; returns the Training."""
    training = Training(optimizer)
    mf.fit(
        training.trainer,
        [training.X, training.y],
        training,
        steps // STEPS_AN_EPOCH,
        schedule=cosine(steps, warm_up=20),
        checkpoints=folder,
        checkpoint_every=3,
        resume=True,
    )
    return training


if __name__ == "__main__":
    _, folder, steps, optimizer, choice = sys.argv
    mf.set_backend(choice)
    run(folder, int(steps), optimizer)
    print("over", flush=True)
    sys.stdin.read()
