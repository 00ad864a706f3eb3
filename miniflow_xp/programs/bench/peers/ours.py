"""Our step, on any backend."""

from miniflow_xp import MSE, SGD, Input, Linear, Parameter, Sigmoid, Trainer
from miniflow_xp.backend import Backend
from miniflow_xp.programs.bench.peers import Step
from miniflow_xp.programs.bench.peers.problem import RATE, Problem


def trained(p: Problem, backend: Backend) -> Step:
    """A captured step of Trainer."""
    X, y = Input("X"), Input("y")
    weights, biases = [Parameter(w) for w in p.weights], [Parameter(b) for b in p.biases]
    a = Sigmoid(Linear(X, weights[0], biases[0]))
    a = Sigmoid(Linear(a, weights[1], biases[1]))
    trainer = Trainer(MSE(y, Linear(a, weights[2], biases[2])), SGD(RATE))
    feed = {X: backend.asarray(p.X), y: backend.asarray(p.y)}
    return lambda: trainer.step(feed)
