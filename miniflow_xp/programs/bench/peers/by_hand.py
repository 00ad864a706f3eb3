"""The step as a NumPy or CuPy programmer writes it, and the matrix products alone."""

from typing import Any

import numpy as np

from miniflow_xp.backend import Backend
from miniflow_xp.programs.bench.peers import Step
from miniflow_xp.programs.bench.peers.problem import RATE, Problem


def with_numpy(p: Problem, backend: Backend) -> Step:
    """In NumPy."""
    return written_out(np, p, backend)


def with_cupy(p: Problem, backend: Backend) -> Step:
    """The same in CuPy: one kernel or more for each operation."""
    import cupy

    return written_out(cupy, p, backend)


def written_out(library: Any, p: Problem, backend: Backend) -> Step:
    """No graph, nothing computed twice, updates in place."""
    X, y = backend.asarray(p.X), backend.asarray(p.y)
    (W1, W2, W3), (b1, b2, b3) = ([backend.asarray(v).copy() for v in values] for values in (p.weights, p.biases))

    def sigmoid(x: Any) -> Any:
        return 1 / (1 + library.exp(-x))

    def step() -> Any:
        a1 = sigmoid(X @ W1 + b1)
        a2 = sigmoid(a1 @ W2 + b2)
        d = a2 @ W3 + b3 - y
        cost = library.mean(d * d)
        g3 = d * np.float32(2 / d.size)
        g2 = g3 @ W3.T * a2 * (1 - a2)
        g1 = g2 @ W2.T * a1 * (1 - a1)
        for W, b, a, g in ((W1, b1, X, g1), (W2, b2, a1, g2), (W3, b3, a2, g3)):
            W -= np.float32(RATE) * (a.T @ g)
            b -= np.float32(RATE) * g.sum(axis=0)
        return cost

    return step


def bare_products(p: Problem, backend: Backend) -> Step:  # noqa: ARG001  NumPy's alone
    """The eight matrix products of the step and nothing else, into fixed results: the floor. It returns nothing."""
    n, (d, h) = len(p.X), p.weights[0].shape
    X, W1, W2, W3 = p.X, *p.weights
    a, g, c, w1, w2, w3 = (np.ones(s, np.float32) for s in ((n, h), (n, h), (n, 1), (d, h), (h, h), (h, 1)))
    o = np.empty((n, h), np.float32)
    products: list[Any] = [np.ndarray.dot if x.size <= 1 << 14 else np.matmul for x in (o, w1, w2)]

    def step() -> None:
        products[0](X, W1, o)
        products[0](a, W2, o)
        a.dot(W3, c)
        a.T.dot(c, w3)
        c.dot(W3.T, o)
        products[2](a.T, g, w2)
        products[0](g, W2.T, o)
        products[1](X.T, g, w1)

    return step
