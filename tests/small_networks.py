"""Small networks of random numbers, the same at every call, and when two results of one agree."""

import numpy as np
from closeness import assert_close, rounding

import miniflow_xp as mf


def sigmoid_and_tanh(rows=6, dtype="float64"):
    """(cost, its parameters, a feed): two layers, a bias of each usual shape."""
    rng = np.random.default_rng(0)
    X, y = mf.Input("X"), mf.Input("y")
    W1, b1 = (mf.Parameter(rng.normal(size=s).astype(dtype)) for s in ((4, 5), (5,)))
    W2, b2 = (mf.Parameter(rng.normal(size=s).astype(dtype)) for s in ((5, 1), (1, 1)))
    hidden = mf.Sigmoid(mf.Linear(X, W1, b1))
    cost = mf.MSE(y, mf.Linear(mf.Tanh(hidden * 2.0), W2, b2))
    feed = {X: rng.normal(size=(rows, 4)).astype(dtype), y: rng.normal(size=(rows, 1)).astype(dtype)}
    return cost, [W1, b1, W2, b2], feed


class TwoLayers:
    """X (n, 3) → 4 → 2 and a cost; labels (n,) or targets (n, 2)."""

    def __init__(self, dtype="float64", labels=False):
        rng = np.random.default_rng(7)
        self.dtype, self.labels = dtype, labels
        self.X, self.y = mf.Input("X"), mf.Input("y", dtype=int if labels else None)
        shapes = {"W1": (3, 4), "b1": (4,), "W2": (4, 2), "b2": (2,)}
        self.parameters = [mf.Parameter(rng.uniform(-1, 1, s).astype(dtype), name) for name, s in shapes.items()]
        W1, b1, W2, b2 = self.parameters
        self.hidden = mf.Sigmoid(mf.Linear(self.X, W1, b1, name="first"), name="hidden")
        self.output = mf.Linear(self.hidden, W2, b2, name="output")
        self.cost = (mf.CrossEntropy if labels else mf.MSE)(self.y, self.output, name="cost")

    def batch(self, rows, *seed):
        """A feed of so many rows."""
        rng = np.random.default_rng(seed)
        y = rng.integers(2, size=rows) if self.labels else rng.uniform(-1, 1, (rows, 2)).astype(self.dtype)
        return {self.X: rng.uniform(-1, 1, (rows, 3)).astype(self.dtype), self.y: y}


def agree(got, expected, dtype="float64", steps=1):
    """Equal up to rounding: in each step at most 24 rules and gradients add theirs, and a step enlarges no error."""
    got, expected = mf.to_numpy(got), np.asarray(expected)
    assert str(got.dtype) == str(expected.dtype)
    assert_close(got, expected, steps * 24 * rounding(dtype, expected, np.ones(24)))
