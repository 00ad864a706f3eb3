"""A matrix with missing entries as a product of two thin ones.

Σ over known entries (Y - A Bᵀ)² / their number + λ (|A|² + |B|²)
"""

import numpy as np
from array_api_compat import array_namespace


def loss(factors, Y, known, penalty=1e-3):
    """``factors``: {"A": (m, k), "B": (n, k)}; ``Y`` (m, n); ``known`` (m, n) of True and False; a scalar."""
    A, B = factors["A"], factors["B"]
    xp = array_namespace(A, Y)
    error = xp.where(known, Y - A @ B.mT, xp.zeros_like(Y))
    return xp.sum(error**2) / xp.sum(xp.astype(known, Y.dtype)) + penalty * (xp.sum(A**2) + xp.sum(B**2))


def problem(m=60, n=40, k=5, seed=0):
    """Factors to start from, and a matrix of which 40 % are known."""
    random = np.random.default_rng(seed)
    Y = random.normal(size=(m, k)) @ random.normal(size=(k, n))
    return {"A": random.normal(size=(m, k)), "B": random.normal(size=(n, k))}, Y, random.random((m, n)) < 0.4
