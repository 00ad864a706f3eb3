"""A block of a transformer: attention of several heads, and two layers, each with a residual and a normalisation."""

import math

import numpy as np
from array_api_compat import array_namespace


def normalised(x):
    """x with mean 0 and variance 1 along the last axis."""
    xp = array_namespace(x)
    centred = x - xp.mean(x, axis=-1, keepdims=True)
    return centred / xp.sqrt(xp.mean(centred**2, axis=-1, keepdims=True) + 1e-5)


def softmax(x):
    """eˣ / Σ eˣ along the last axis."""
    xp = array_namespace(x)
    e = xp.exp(x - xp.max(x, axis=-1, keepdims=True))
    return e / xp.sum(e, axis=-1, keepdims=True)


def block(weights, x, heads):
    """``x`` (batch, tokens, width); the result has its shape."""
    xp = array_namespace(weights["out"], x)
    batch, tokens, width = x.shape

    def split(name):
        y = xp.reshape(normalised(x) @ weights[name], (batch, tokens, heads, width // heads))
        return xp.permute_dims(y, (0, 2, 1, 3))

    q, k, v = split("query"), split("key"), split("value")
    mixed = softmax(q @ k.mT / math.sqrt(width // heads)) @ v
    x = x + xp.reshape(xp.permute_dims(mixed, (0, 2, 1, 3)), (batch, tokens, width)) @ weights["out"]
    return x + xp.tanh(normalised(x) @ weights["up"]) @ weights["down"]


def loss(weights, x, target, heads=4):
    """Mean squared error of the block's output; ``weights``: a dict of matrices; a scalar."""
    xp = array_namespace(weights["out"], x)
    return xp.mean((block(weights, x, heads) - target) ** 2)


def problem(tokens=16, batch=2, width=32, seed=0):
    """Weights to start from, and sequences."""
    random = np.random.default_rng(seed)
    shapes = dict.fromkeys(("query", "key", "value", "out"), (width, width))
    shapes |= {"up": (width, 4 * width), "down": (4 * width, width)}
    weights = {name: random.normal(size=shape) / math.sqrt(shape[0]) for name, shape in shapes.items()}
    return weights, random.normal(size=(batch, tokens, width)), random.normal(size=(batch, tokens, width))
