"""Logistic regression by maximum likelihood, with an L2 penalty."""

import numpy as np


def loss(weights, X, labels, penalty=0.01):
    """Minus the mean log-likelihood of labels 0 and 1; ``weights`` (d + 1,), the last one the bias."""
    scores = np.dot(X, weights[:-1]) + weights[-1]
    likelihood = labels * scores - np.logaddexp(0.0, scores)
    return -np.mean(likelihood) + penalty * np.sum(weights[:-1] ** 2)


def problem(n=500, d=20, seed=0):
    """Weights to start from, and data."""
    random = np.random.default_rng(seed)
    X = random.normal(size=(n, d))
    return random.normal(size=d + 1), X, (X[:, 0] - X[:, 1] > 0).astype(float)
