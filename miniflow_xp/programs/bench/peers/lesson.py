"""The step in the manner of the lesson: nodes hold arrays, and every gradient is computed, the data's too."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from miniflow_xp.backend import Backend
from miniflow_xp.programs.bench.peers import Step
from miniflow_xp.programs.bench.peers.problem import RATE, Problem


class Cell:
    """A node: it holds its value, and a gradient for each input."""

    value: Any = None

    def __init__(self, *inputs: "Cell") -> None:
        self.inputs, self.outputs = inputs, list[Cell]()
        self.gradients: dict[Cell, Any] = {}
        for cell in inputs:
            cell.outputs.append(self)

    def forward(self) -> None:
        """A leaf's value is set from outside."""

    def backward(self) -> None:
        """What arrives from all readers."""
        self.gradients = {self: sum(cell.gradients[self] for cell in self.outputs)}

    def arriving(self) -> Iterator[Any]:
        """The gradient from each reader, after the gradients of the inputs were set to zero."""
        self.gradients = {cell: np.zeros_like(cell.value) for cell in self.inputs}
        return (cell.gradients[self] for cell in self.outputs)


class Affine(Cell):
    """X W + b."""

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
    """1 / (1 + e⁻ˣ)."""

    def forward(self) -> None:
        self.value = 1 / (1 + np.exp(-self.inputs[0].value))

    def backward(self) -> None:
        for gradient in self.arriving():
            self.gradients[self.inputs[0]] += self.value * (1 - self.value) * gradient


class SquaredError(Cell):
    """The mean of (y - a)²."""

    def forward(self) -> None:
        y, a = (cell.value.reshape(-1, 1) for cell in self.inputs)
        self.difference = y - a
        self.value = np.mean(self.difference**2)

    def backward(self) -> None:
        y, a = self.inputs
        scale = np.float32(2 / self.difference.shape[0])
        self.gradients = {y: scale * self.difference, a: -scale * self.difference}


def as_in_the_lesson(p: Problem, backend: Backend) -> Step:  # noqa: ARG001  NumPy's alone
    """A pass forward, a pass backward, an update."""
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

    def step() -> Any:
        for cell in graph:
            cell.forward()
        for cell in reversed(graph):
            cell.backward()
        for leaf in leaves:
            leaf.value -= np.float32(RATE) * leaf.gradients[leaf]
        return cost.value

    return step
