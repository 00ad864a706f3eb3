"""The peers of fashion_mnist.py: the same network, optimizer, rate and batch size, on the same arrays in memory.

All train in one process, epoch by epoch in turn, so that whatever slows the machine down meets each of them. Before
each there is a pause: threads of a library wait actively for about 0.1 s after its last product, on the cores that the
next one needs. A time is that of training alone; nobody stops early.

scikit-learn draws its own starting weights and its own order; one call of partial_fit goes through all batches of an
epoch, which is its quickest way. The PyTorch loop starts from our weights and sees our batches, so its costs are ours
but for rounding; the order is made before the clock starts.
"""

import os
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from miniflow_xp import Batches, Layer, to_numpy
from miniflow_xp.programs.bench.environment import blas

PAUSE = 0.2  # seconds


class Contestant:
    """Trains an epoch at a time and notes seconds and costs."""

    name = ""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.costs: list[float] = []

    def epoch(self, number: int) -> None:
        """Train an epoch between two pauses."""
        prepared = self.prepare(number)
        time.sleep(PAUSE)
        start = time.perf_counter()
        cost = self.train(prepared)
        self.seconds.append(time.perf_counter() - start)
        self.costs.append(cost)
        time.sleep(PAUSE)

    def prepare(self, number: int) -> Any:  # noqa: ARG002  scikit-learn needs nothing
        """What the clock shall not count."""
        return None


class ScikitLearn(Contestant):
    """MLPClassifier; ``alpha=0`` switches its penalty off, which we do not have."""

    def __init__(self, X: np.ndarray, y: np.ndarray, hidden: int, batch: int, rate: float, seed: int) -> None:
        from sklearn import __version__
        from sklearn.neural_network import MLPClassifier

        super().__init__()
        self.name = f"scikit-learn {__version__}"
        self.X, self.y, self.classes = X, y, np.unique(y)
        self.network = MLPClassifier(
            (hidden,), solver="adam", alpha=0, batch_size=batch, learning_rate_init=rate, random_state=seed
        )

    def train(self, _: None) -> float:
        """One call, which goes through all batches."""
        self.network.partial_fit(self.X, self.y, classes=self.classes)
        return float(self.network.loss_)

    def accuracy(self, X: np.ndarray, y: np.ndarray) -> float:
        """The part of rows that it tells right."""
        return float(self.network.score(X, y))


class PyTorch(Contestant):
    """The loop that its tutorials show, with the quickest of its Adams; costs are fetched at the end of the epoch."""

    def __init__(self, model: Layer, X: np.ndarray, y: np.ndarray, batches: Batches, rate: float) -> None:
        import torch

        super().__init__()
        self.name, self.torch = f"PyTorch {torch.__version__}", torch
        threads = [library["threads"] for library in blas() if library["library"] == "openblas"]
        torch.set_num_threads(threads[0] if threads else os.cpu_count() or 1)
        W1, b1, W2, b2 = (torch.tensor(to_numpy(parameter.value)) for parameter in model.parameters)
        first, second = torch.nn.Linear(*W1.shape), torch.nn.Linear(*W2.shape)
        with torch.no_grad():
            for layer, W, b in ((first, W1, b1), (second, W2, b2)):
                layer.weight.copy_(W.T)
                layer.bias.copy_(b)
        self.network = torch.nn.Sequential(first, torch.nn.ReLU(), second)
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=rate, fused=True)
        self.X, self.y = torch.from_numpy(X), torch.from_numpy(y)
        self.order = Batches(np.arange(len(y)), batch_size=batches.batch_size, seed=batches.seed)

    def prepare(self, number: int) -> list[Any]:
        """The row numbers of our batches of this epoch."""
        return [self.torch.from_numpy(batch.X) for batch in self.order.epoch(number)]

    def train(self, order: Sequence[Any]) -> float:
        """One step for each batch; returns the mean cost of a row."""
        costs = []
        for rows in order:
            self.optimizer.zero_grad()
            cost = self.torch.nn.functional.cross_entropy(self.network(self.X[rows]), self.y[rows])
            cost.backward()
            self.optimizer.step()
            costs.append(cost.detach() * len(rows))
        return float(self.torch.stack(costs).sum()) / len(self.y)

    def accuracy(self, X: np.ndarray, y: np.ndarray) -> float:
        """The part of rows that it tells right."""
        with self.torch.no_grad():
            return float((self.network(self.torch.from_numpy(X)).argmax(1).numpy() == y).mean())


def contestants(model: Layer, X: np.ndarray, y: np.ndarray, batches: Batches, rate: float) -> list[Contestant]:
    """Those that are installed; a message for each other."""
    hidden = model.parameters[0].value.shape[1]
    ways = {
        "scikit-learn": lambda: ScikitLearn(X, y, hidden, batches.batch_size, rate, batches.seed),
        "PyTorch": lambda: PyTorch(model, X, y, batches, rate),
    }
    found = []
    for name, make in ways.items():
        try:
            found.append(make())
        except ImportError:
            print(f"{name} is not installed: left out")
    return found


def say_threads() -> None:
    """Print the BLAS libraries that are loaded, and warn where a kernel is forced that may not suit this processor."""
    for library in blas():
        print("BLAS: {library} {version}, kernel {kernel}, {threads} threads".format(**library))
    if kernel := os.environ.get("OPENBLAS_CORETYPE"):
        print(f"Warning: OPENBLAS_CORETYPE={kernel} forces a kernel on NumPy, and no figure here is fair: unset it.")
