"""Our step, on any backend."""

from miniflow_xp.backend import Backend
from miniflow_xp.engine.optim import SGD
from miniflow_xp.engine.trainer import Trainer
from miniflow_xp.programs.bench.networks import sigmoids
from miniflow_xp.programs.bench.peers import Step
from miniflow_xp.programs.bench.peers.problem import RATE, Problem


def trained(p: Problem, backend: Backend) -> Step:
    """A captured step of Trainer."""
    network = sigmoids(list(zip(p.weights, p.biases, strict=True)))
    trainer = Trainer(network.cost, SGD(RATE))
    feed = {network.X: backend.asarray(p.X), network.y: backend.asarray(p.y)}
    return lambda: trainer.step(feed)
