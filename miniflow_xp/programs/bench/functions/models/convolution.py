"""A two-dimensional convolution, and the mean of what a rectifier leaves of it."""

import numpy as np
from array_api_compat import array_namespace


def convolved(images, kernels):
    """``images`` (n, c, h, w) and ``kernels`` (k, c, i, j); (n, k, h - i + 1, w - j + 1): a sum over shifted images."""
    xp = array_namespace(images, kernels)
    _, _, rows, columns = kernels.shape
    height, width = images.shape[2] - rows + 1, images.shape[3] - columns + 1
    total = 0.0
    for i in range(rows):
        for j in range(columns):
            shifted = images[:, :, i : i + height, j : j + width]
            total = total + xp.tensordot(shifted, kernels[:, :, i, j], axes=((1,), (1,)))
    return xp.permute_dims(total, (0, 3, 1, 2))


def loss(layer, images, target):
    """``layer``: {"kernels": (k, c, i, j), "bias": (k,)}; ``target`` (n, k); a scalar."""
    xp = array_namespace(layer["bias"], images)
    y = convolved(images, layer["kernels"]) + layer["bias"][:, None, None]
    return xp.mean((xp.mean(xp.where(y > 0, y, xp.zeros_like(y)), axis=(2, 3)) - target) ** 2)


def problem(size=16, n=8, c=3, k=4, seed=0):
    """A layer to start from, images, and numbers to fit."""
    random = np.random.default_rng(seed)
    layer = {"kernels": random.normal(size=(k, c, 3, 3)) / 5, "bias": random.normal(size=k) / 5}
    return layer, random.normal(size=(n, c, size, size)), random.normal(size=(n, k))
