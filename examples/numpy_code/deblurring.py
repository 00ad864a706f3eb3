"""A blurred image restored: a convolution by slices, and a penalty on edges (total variation)."""

import numpy as np

KERNEL = np.outer([1.0, 4.0, 6.0, 4.0, 1.0], [1.0, 4.0, 6.0, 4.0, 1.0]) / 256


def blurred(image):
    """The image convolved with a kernel of 5 × 5, and zeros round it."""
    rows, columns = image.shape
    wide = np.pad(image, ((2, 2), (2, 2)), mode="constant")
    found = np.zeros_like(image)
    for i in range(5):
        for j in range(5):
            found = found + KERNEL[i, j] * wide[i : i + rows, j : j + columns]
    return found


def loss(image, seen, penalty=0.01):
    """Half the squared error of the blurred image, and a smooth total variation."""
    across, down = np.diff(image, axis=1)[:-1, :], np.diff(image, axis=0)[:, :-1]
    variation = np.sum(np.sqrt(across**2 + down**2 + 1e-4))
    return np.sum((blurred(image) - seen) ** 2) / 2 + penalty * variation


def problem(size=48, seed=0):
    """An image to start from, and what was seen of a square."""
    random = np.random.default_rng(seed)
    image = np.zeros((size, size))
    image[size // 4 : size // 2, size // 4 : 3 * size // 4] = 1.0
    seen = blurred(image) + 0.05 * random.normal(size=image.shape)
    return seen + 0.01 * random.normal(size=image.shape), seen
