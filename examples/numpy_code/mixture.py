"""A mixture of Gaussian distributions: minus the log-likelihood of points."""

import numpy as np


def loss(parameters, points):
    """``points`` (n, d); means (k, d), logarithms of the scales (k, d), and scores of the k weights."""
    scores = parameters["scores"]
    log_weights = scores - np.log(np.sum(np.exp(scores)))
    away = points[:, np.newaxis, :] - parameters["means"]
    z = away / np.exp(parameters["log_scales"])
    log_density = -0.5 * np.sum(z**2 + np.log(2 * np.pi), axis=-1) - np.sum(parameters["log_scales"], axis=-1)
    terms = log_weights + log_density
    largest = np.max(terms, axis=1, keepdims=True)
    return -np.mean(largest[:, 0] + np.log(np.sum(np.exp(terms - largest), axis=1)))


def problem(n=300, d=2, k=4, seed=0):
    """Parameters to start from, and points round k centres."""
    random = np.random.default_rng(seed)
    centres = 3 * random.normal(size=(k, d))
    points = np.concatenate([c + random.normal(size=(n // k, d)) for c in centres])
    return {"means": random.normal(size=(k, d)), "log_scales": np.zeros((k, d)), "scores": np.zeros(k)}, points
