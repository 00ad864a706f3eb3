"""Networks that the checks train, and a backend that captures nothing to compare with."""

import numpy as np

from miniflow_xp.backend import Backend
from miniflow_xp.backends.cupy.adapter import CupyBackend
from miniflow_xp.programs.bench.networks import first_values, sigmoids
from miniflow_xp.programs.network import Network


class Eager(CupyBackend):
    """CuPy with the plain loop."""

    capture = Backend.capture


def mlp(inputs: int, hidden: int, dtype: str, seed: int = 0) -> Network:
    """inputs → hidden → hidden → 1, Sigmoid between, MSE; the same numbers for the same seed."""
    return sigmoids(first_values((inputs, hidden, hidden, 1), np.random.default_rng(seed), dtype))
