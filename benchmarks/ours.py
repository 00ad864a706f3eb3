"""This package's step, on any backend."""

from collections.abc import Callable

from benchmarks.problem import RATE, Problem
from miniflow_xp import MSE, SGD, Input, Linear, Parameter, Sigmoid, Trainer, set_backend, to_numpy


def ours(p: Problem, backend: str) -> Callable[[], float]:
    """A captured step of Trainer, data already on the device; the process keeps this backend."""
    device = set_backend(backend)
    X, y = Input("X"), Input("y")
    weights, biases = [Parameter(w) for w in p.weights], [Parameter(b) for b in p.biases]
    a = Sigmoid(Linear(X, weights[0], biases[0]))
    a = Sigmoid(Linear(a, weights[1], biases[1]))
    trainer = Trainer(MSE(y, Linear(a, weights[2], biases[2])), SGD(RATE))
    feed = {X: device.asarray(p.X), y: device.asarray(p.y)}

    def step() -> float:
        return float(to_numpy(trainer.step(feed)))

    return step
