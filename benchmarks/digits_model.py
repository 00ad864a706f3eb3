"""The digits network as ``advise`` wants it: ``miniflow-xp advise benchmarks/digits_model.py:build``."""

import numpy as np

from miniflow_xp import Tanh
from miniflow_xp.programs.train.network import classifier


def build(batch):
    """Cost and feed of 64 → 64 → 10 on so many rows."""
    random = np.random.default_rng(0)
    network = classifier(64, 64, 10, Tanh, random, "float32")
    rows = random.standard_normal((batch, 64), dtype="float32")
    return network.cost, {network.X: rows, network.y: random.integers(0, 10, batch)}
