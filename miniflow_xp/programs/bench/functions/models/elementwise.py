"""Thirteen elementwise operations and a sum."""

import numpy as np
from array_api_compat import array_namespace


def loss(x, y):
    """``x`` and ``y`` (n,); a scalar."""
    xp = array_namespace(x, y)
    z = x * y + xp.exp(-x)
    z = z / (1 + xp.sqrt(y))
    z = xp.tanh(z) * x - xp.log(y)
    return xp.sum(xp.sin(z) + z * z)


def problem(n=1000, seed=0):
    """Numbers between a half and one."""
    random = np.random.default_rng(seed)
    return random.uniform(0.5, 1, n), random.uniform(0.5, 1, n)
