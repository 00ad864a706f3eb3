"""What fit takes beyond the captured steps: ``python -m benchmarks.fit_overhead`` prints the ratio with its interval.

As many batches of the same data go through ``fit`` and through a bare loop of ``trainer.step``, in turns, in one run;
beside them the bare loop once more, whose ratio shows the noise.
"""

import argparse
import random
import time

import numpy as np

from miniflow_xp import Adam, Batches, CrossEntropy, Dense, Input, ReLU, Sequential, Trainer, fit, set_backend, to_numpy
from miniflow_xp.programs.bench.scheduler import Group, interleave
from miniflow_xp.programs.bench.statistics import paired_ratio, quartiles

ROWS, PIXELS, HIDDEN, BATCH = 64 * 400, 784, 256, 64


class Bare:
    """An epoch of captured steps, and nothing else."""

    def __init__(self, name, training):
        self.name, self.training = name, training
        self.epochs = 0

    def sample(self):
        """Seconds a step of one epoch."""
        self.epochs += 1
        start = time.perf_counter()
        self.run(self.epochs)
        return (time.perf_counter() - start) / len(self.training.batches)

    def run(self, number):
        """The steps, and the wait for the last."""
        training = self.training
        for batch in training.batches.epoch(number):
            cost = training.trainer.step({training.X: batch.X, training.y: batch.y})
        float(to_numpy(cost))


class Fitted(Bare):
    """The same epoch by ``fit``, its beginning and end included."""

    def run(self, number):  # noqa: ARG002  fit counts its own epochs
        """One epoch."""
        training = self.training
        fit(training.trainer, [training.X, training.y], training.batches, 1, progress=False)


class Training:
    """A network 784-256-10 and rows of noise: what is learned does not matter here."""

    def __init__(self):
        random_rows = np.random.default_rng(0)
        self.X, self.y = Input("X", dtype="float32"), Input("y", dtype=int)
        model = Sequential([Dense(PIXELS, HIDDEN, ReLU), Dense(HIDDEN, 10)], seed=0)
        self.trainer = Trainer(CrossEntropy(self.y, model(self.X)), Adam(1e-4))
        rows = random_rows.standard_normal((ROWS, PIXELS), dtype="float32")
        self.batches = Batches(rows, random_rows.integers(0, 10, ROWS), batch_size=BATCH, seed=0)


def main(rounds=15):
    """Measure; returns {contestant: Ratio to the bare loop}."""
    training = Training()
    contestants = [Bare("bare", training), Fitted("fit", training), Bare("bare again", training)]
    for contestant in contestants:
        contestant.sample()  # capture, and memory that is touched for the first time
    found = interleave([Group("epoch", contestants)], rounds, float("inf"), random.Random(0))
    times = {name: series.samples for name, series in found.items()}
    ratios = {name: paired_ratio(samples, times["bare"]) for name, samples in times.items()}
    for name, ratio in ratios.items():
        low, middle, high = (1e6 * t for t in quartiles(times[name]))
        print(
            f"{name:10}  {middle:8.0f} µs a step (quartiles {low:.0f}, {high:.0f})  "
            f"{ratio.estimate:.3f} times bare ({ratio.low:.3f} to {ratio.high:.3f})"
        )
    return ratios


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Time of fit over bare steps at (64, 784, 256).")
    parser.add_argument("--backend", default="numpy")
    parser.add_argument("--rounds", type=int, default=15)
    chosen = parser.parse_args()
    print(set_backend(chosen.backend).describe())
    main(chosen.rounds)
