"""Logistic regression with an L2 penalty: the negative log-likelihood of 0-1 labels.

Σᵢ log(1 + exp(-sᵢ xᵢ·w)) / n + λ |w|² / 2, with s = ±1
"""

import numpy as np
from array_api_compat import array_namespace


def loss(weights, X, signs, penalty=0.1):
    """``weights`` (d,), ``X`` (n, d), ``signs`` (n,) of -1 and 1; a scalar."""
    xp = array_namespace(weights, X)
    margins = signs * xp.matmul(X, weights)
    zeros = xp.zeros_like(margins)
    return xp.mean(xp.logaddexp(zeros, -margins)) + penalty / 2 * xp.sum(weights**2)


def problem(n=200, d=10, seed=0):
    """Weights to start from, and data."""
    random = np.random.default_rng(seed)
    X = random.normal(size=(n, d))
    return random.normal(size=d), X, np.where(X[:, 0] + 0.5 * random.normal(size=n) > 0, 1.0, -1.0)
