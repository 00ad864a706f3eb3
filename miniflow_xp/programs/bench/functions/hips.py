"""The same models in HIPS/autograd's NumPy, which lacks the Array API's names; value and gradient by it."""

import math
from collections.abc import Callable
from typing import Any

import autograd.numpy as np
from autograd import value_and_grad
from autograd.numpy import linalg

from miniflow_xp.backend import Backend
from miniflow_xp.programs.bench.functions import Model, Step
from miniflow_xp.programs.bench.functions.ours import arguments, flat


def elementwise(x: Any, y: Any) -> Any:
    """Thirteen operations and a sum."""
    z = x * y + np.exp(-x)
    z = z / (1 + np.sqrt(y))
    z = np.tanh(z) * x - np.log(y)
    return np.sum(np.sin(z) + z * z)


def logistic_regression(weights: Any, X: Any, signs: Any, penalty: float = 0.1) -> Any:
    """With an L2 penalty."""
    margins = signs * np.dot(X, weights)
    return np.mean(np.logaddexp(0.0, -margins)) + penalty / 2 * np.sum(weights**2)


def gaussian_process(log_parameters: Any, x: Any, y: Any) -> Any:
    """The marginal likelihood."""
    length, amplitude, noise = np.exp(log_parameters)
    difference = (x[:, None] - x[None, :]) / length
    K = amplitude**2 * np.exp(-0.5 * difference**2) + noise**2 * np.eye(len(x))
    L = linalg.cholesky(K)
    half = linalg.solve(L, y)
    return 0.5 * np.sum(half**2) + np.sum(np.log(np.diag(L))) + len(x) / 2 * math.log(2 * math.pi)


def lotka_volterra(rates: Any, start: Any, observed: Any, every: int = 10, h: float = 0.05) -> Any:
    """Fitted through a Runge-Kutta solver."""

    def slope(state: Any) -> Any:
        u, v = state[0], state[1]
        met = u * v
        return np.array([rates[0] * u - rates[1] * met, rates[3] * met - rates[2] * v])

    state, total = start, 0.0
    for seen in observed:
        for _ in range(every):
            k1 = slope(state)
            k2 = slope(state + h / 2 * k1)
            k3 = slope(state + h / 2 * k2)
            k4 = slope(state + h * k3)
            state = state + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        total = total + np.sum((state - seen) ** 2)
    return total / len(observed)


def matrix_factorisation(factors: Any, Y: Any, known: Any, penalty: float = 1e-3) -> Any:
    """With missing entries."""
    A, B = factors["A"], factors["B"]
    error = np.where(known, Y - np.dot(A, B.T), 0.0)
    return np.sum(error**2) / np.sum(known) + penalty * (np.sum(A**2) + np.sum(B**2))


def kalman_filter(model: Any, observed: Any, H: Any) -> Any:
    """The likelihood of observations."""
    F = model["F"]
    d, p = F.shape[0], H.shape[0]
    identity = np.eye(d)
    Q, R = np.exp(model["q"]) * identity, np.exp(model["r"]) * np.eye(p)
    x, P, total = np.zeros(d), identity, 0.0
    for seen in observed:
        x, P = np.dot(F, x), np.dot(np.dot(F, P), F.T) + Q
        error, S = seen - np.dot(H, x), np.dot(np.dot(H, P), H.T) + R
        gain = linalg.solve(S, np.dot(H, P)).T
        total = total + np.sum(error * linalg.solve(S, error)) + linalg.slogdet(S)[1]
        x, P = x + np.dot(gain, error), np.dot(identity - np.dot(gain, H), P)
    return (total + len(observed) * p * math.log(2 * math.pi)) / 2


def attention(weights: Any, x: Any, target: Any, heads: int = 4) -> Any:
    """A block of a transformer."""
    batch, tokens, width = x.shape

    def normalised(x: Any) -> Any:
        centred = x - np.mean(x, axis=-1, keepdims=True)
        return centred / np.sqrt(np.mean(centred**2, axis=-1, keepdims=True) + 1e-5)

    def split(name: str) -> Any:
        y = np.reshape(np.matmul(normalised(x), weights[name]), (batch, tokens, heads, width // heads))
        return np.transpose(y, (0, 2, 1, 3))

    q, k, v = split("query"), split("key"), split("value")
    scores = np.matmul(q, np.swapaxes(k, -1, -2)) / math.sqrt(width // heads)
    e = np.exp(scores - np.max(scores, axis=-1, keepdims=True))
    mixed = np.matmul(e / np.sum(e, axis=-1, keepdims=True), v)
    y = x + np.matmul(np.reshape(np.transpose(mixed, (0, 2, 1, 3)), (batch, tokens, width)), weights["out"])
    y = y + np.matmul(np.tanh(np.matmul(normalised(y), weights["up"])), weights["down"])
    return np.mean((y - target) ** 2)


def convolution(layer: Any, images: Any, target: Any) -> Any:
    """Two-dimensional, and the mean of what a rectifier leaves."""
    kernels = layer["kernels"]
    _, _, rows, columns = kernels.shape
    height, width = images.shape[2] - rows + 1, images.shape[3] - columns + 1
    total = 0.0
    for i in range(rows):
        for j in range(columns):
            shifted = images[:, :, i : i + height, j : j + width]
            total = total + np.tensordot(shifted, kernels[:, :, i, j], axes=((1,), (1,)))
    y = np.transpose(total, (0, 3, 1, 2)) + layer["bias"][:, None, None]
    return np.mean((np.mean(np.where(y > 0, y, 0.0), axis=(2, 3)) - target) ** 2)


LOSSES: dict[str, Callable[..., Any]] = {
    loss.__name__: loss
    for loss in (
        elementwise,
        logistic_regression,
        gaussian_process,
        lotka_volterra,
        matrix_factorisation,
        kalman_filter,
        attention,
        convolution,
    )
}


def value_and_gradient(model: Model, size: int, backend: Backend) -> Step:
    """By ``autograd.value_and_grad``."""
    args, both = arguments(model, size, backend), value_and_grad(LOSSES[model.name])
    return lambda: flat(both(*args))
