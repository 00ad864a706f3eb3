"""Contestants that run in a process with NumPy alone."""

from collections.abc import Callable

import numpy as np

from benchmarks.ours import ours
from benchmarks.problem import RATE, Problem

Step = Callable[[], float]
"""One training step; returns its cost."""


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def by_hand(p: Problem) -> Step:
    """The step as a NumPy programmer writes it: no graph, nothing computed twice, updates in place."""
    (W1, W2, W3), (b1, b2, b3) = [w.copy() for w in p.weights], [b.copy() for b in p.biases]

    def step() -> float:
        a1 = sigmoid(p.X @ W1 + b1)
        a2 = sigmoid(a1 @ W2 + b2)
        d = a2 @ W3 + b3 - p.y
        cost = float(np.mean(d * d))
        g3 = d * np.float32(2 / d.size)
        g2 = g3 @ W3.T * a2 * (1 - a2)
        g1 = g2 @ W2.T * a1 * (1 - a1)
        for W, b, a, g in ((W1, b1, p.X, g1), (W2, b2, a1, g2), (W3, b3, a2, g3)):
            W -= np.float32(RATE) * (a.T @ g)
            b -= np.float32(RATE) * g.sum(axis=0)
        return cost

    return step


class Cell:
    """A node in the manner of the lesson: it holds its value, and a gradient for each input."""

    def __init__(self, *inputs: "Cell") -> None:
        self.inputs, self.outputs, self.value, self.gradients = inputs, [], None, {}
        for cell in inputs:
            cell.outputs.append(self)

    def forward(self) -> None:
        """A leaf's value is set from outside."""

    def backward(self) -> None:
        self.gradients = {self: sum(cell.gradients[self] for cell in self.outputs)}

    def arriving(self) -> list[np.ndarray]:
        self.gradients = {cell: np.zeros_like(cell.value) for cell in self.inputs}
        return [cell.gradients[self] for cell in self.outputs]


class Affine(Cell):
    def forward(self) -> None:
        X, W, b = (cell.value for cell in self.inputs)
        self.value = np.dot(X, W) + b

    def backward(self) -> None:
        for gradient in self.arriving():
            X, W, b = self.inputs
            self.gradients[X] += np.dot(gradient, W.value.T)
            self.gradients[W] += np.dot(X.value.T, gradient)
            self.gradients[b] += np.sum(gradient, axis=0, keepdims=False)


class Squash(Cell):
    def forward(self) -> None:
        self.value = sigmoid(self.inputs[0].value)

    def backward(self) -> None:
        for gradient in self.arriving():
            self.gradients[self.inputs[0]] += self.value * (1 - self.value) * gradient


class SquaredError(Cell):
    def forward(self) -> None:
        y, a = (cell.value.reshape(-1, 1) for cell in self.inputs)
        self.difference = y - a
        self.value = np.mean(self.difference**2)

    def backward(self) -> None:
        y, a = self.inputs
        scale = np.float32(2 / self.difference.shape[0])
        self.gradients = {y: scale * self.difference, a: -scale * self.difference}


def as_in_the_lesson(p: Problem) -> Step:
    """Nodes that hold arrays and compute every gradient, the data's too, as a learner of the lesson writes them."""
    X, y, *leaves = (Cell() for _ in range(8))
    X.value, y.value = p.X, p.y
    for leaf, value in zip(leaves, [*p.weights, *p.biases], strict=True):
        leaf.value = value.copy()
    W, b = leaves[:3], leaves[3:]
    f1 = Affine(X, W[0], b[0])
    a1 = Squash(f1)
    f2 = Affine(a1, W[1], b[1])
    a2 = Squash(f2)
    f3 = Affine(a2, W[2], b[2])
    cost = SquaredError(y, f3)
    graph = [X, y, *leaves, f1, a1, f2, a2, f3, cost]

    def step() -> float:
        for cell in graph:
            cell.forward()
        for cell in reversed(graph):
            cell.backward()
        for leaf in leaves:
            leaf.value -= np.float32(RATE) * leaf.gradients[leaf]
        return float(cost.value)

    return step


def bare_products(p: Problem) -> Step:
    """The eight matrix products of the step and nothing else, into fixed results: the floor."""
    n, (d, h) = len(p.X), p.weights[0].shape
    X, W1, W2, W3 = p.X, *p.weights
    a, g, c, w1, w2, w3 = (np.ones(s, np.float32) for s in ((n, h), (n, h), (n, 1), (d, h), (h, h), (h, 1)))
    o = np.empty((n, h), np.float32)
    small = [x.size <= 1 << 14 for x in (o, w1, w2)]
    products = [np.ndarray.dot if s else np.matmul for s in small]

    def step() -> float:
        products[0](X, W1, o)
        products[0](a, W2, o)
        a.dot(W3, c)
        a.T.dot(c, w3)
        c.dot(W3.T, o)
        products[2](a.T, g, w2)
        products[0](g, W2.T, o)
        products[1](X.T, g, w1)
        return float("nan")

    return step


CONTESTANTS: dict[str, Callable[[Problem], Step]] = {
    "ours, numpy": lambda p: ours(p, "numpy"),
    "by hand, numpy": by_hand,
    "lesson": as_in_the_lesson,
    "products": bare_products,
}
