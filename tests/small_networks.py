"""Small networks of random numbers, the same at every call: what tests of captured steps run."""

import numpy as np

import miniflow_xp as mf


def two_layers(rows=6, dtype="float64"):
    """(cost, its parameters, a feed): two layers, a bias of each usual shape."""
    rng = np.random.default_rng(0)
    X, y = mf.Input("X"), mf.Input("y")
    W1, b1 = (mf.Parameter(rng.normal(size=s).astype(dtype)) for s in ((4, 5), (5,)))
    W2, b2 = (mf.Parameter(rng.normal(size=s).astype(dtype)) for s in ((5, 1), (1, 1)))
    hidden = mf.Sigmoid(mf.Linear(X, W1, b1))
    cost = mf.MSE(y, mf.Linear(mf.Tanh(hidden * 2.0), W2, b2))
    feed = {X: rng.normal(size=(rows, 4)).astype(dtype), y: rng.normal(size=(rows, 1)).astype(dtype)}
    return cost, [W1, b1, W2, b2], feed
