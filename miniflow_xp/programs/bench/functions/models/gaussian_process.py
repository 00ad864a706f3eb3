"""The marginal likelihood of a Gaussian process, as a function of its kernel's parameters (Rasmussen 2006, eq. 2.30).

log p(y | x) = -½ yᵀ K⁻¹ y - ½ log |K| - n/2 log 2π,  K = a² exp(-½ (x - x')² / l²) + s² I
"""

import math

import numpy as np
from array_api_compat import array_namespace


def loss(log_parameters, x, y):
    """``log_parameters`` (3,): logarithms of length, amplitude and noise; ``x`` and ``y`` (n,); a scalar."""
    xp = array_namespace(log_parameters, x, y)
    length, amplitude, noise = (xp.exp(log_parameters[k]) for k in range(3))
    difference = (x[:, None] - x[None, :]) / length
    n = x.shape[0]
    K = amplitude**2 * xp.exp(-0.5 * difference**2) + noise**2 * xp.eye(n, dtype=x.dtype)
    L = xp.linalg.cholesky(K)
    half = xp.linalg.solve(L, y[:, None])
    return 0.5 * xp.sum(half**2) + xp.sum(xp.log(xp.linalg.diagonal(L))) + n / 2 * math.log(2 * math.pi)


def problem(n=50, seed=0):
    """Parameters to start from, and noisy samples of a sine."""
    random = np.random.default_rng(seed)
    x = np.sort(random.uniform(0, 6, n))
    return np.array([0.1, -0.2, -1.0]), x, np.sin(x) + 0.2 * random.normal(size=n)
