"""The network of the lesson on real data, trained twice: by the lesson's own loop, and by Trainer, Batches and fit.

Ten facts about each of 442 patients (age, body mass index, blood pressure, six blood values and so on) shall foretell
how far their diabetes has gone one year later. Both ways start from the same numbers and see the same batches, so they
end at the same network, but for rounding. A straight linear fit, given for comparison, foretells it a little better:
with so few patients a network has nothing to add.

    python examples/diabetes.py
"""

from typing import NamedTuple

import numpy as np

from miniflow_xp import (
    MSE,
    SGD,
    Batches,
    Input,
    Linear,
    Node,
    Parameter,
    Sigmoid,
    Trainer,
    fit,
    forward_and_backward,
    predict,
    sgd_update,
    to_numpy,
    topological_sort,
)
from miniflow_xp.data import load
from miniflow_xp.metrics import r_squared

HIDDEN, LEARNING_RATE = 10, 0.01


class Patients(NamedTuple):
    """Facts and progression of the disease, of the patients to train on and of those held out."""

    X_train: np.ndarray
    y_train: np.ndarray
    X_held: np.ndarray
    y_held: np.ndarray


def patients(seed: int) -> Patients:
    """A fifth is held out; each column has mean 0 and standard deviation 1 over those to train on."""
    table = load("diabetes")
    columns = np.column_stack([table.features, table.target])
    order = np.random.default_rng(seed).permutation(len(columns))
    held, kept = columns[order[:88]], columns[order[88:]]
    mean, deviation = kept.mean(axis=0), kept.std(axis=0)
    held, kept = (held - mean) / deviation, (kept - mean) / deviation
    return Patients(kept[:, :-1], kept[:, -1], held[:, :-1], held[:, -1])


class Network(NamedTuple):
    """The nodes that the loops below need by name."""

    X: Input
    y: Input
    parameters: list[Parameter]
    output: Node
    cost: Node


def network(seed: int) -> Network:
    """Linear, Sigmoid, Linear and the mean squared error; the weights are drawn from a normal distribution."""
    rng = np.random.default_rng(seed)
    X, y = Input("X"), Input("y")
    W1, b1 = Parameter(rng.normal(size=(10, HIDDEN)), "W1"), Parameter(np.zeros(HIDDEN), "b1")
    W2, b2 = Parameter(rng.normal(size=(HIDDEN, 1)), "W2"), Parameter(np.zeros(1), "b2")
    output = Linear(Sigmoid(Linear(X, W1, b1)), W2, b2)
    return Network(X, y, [W1, b1, W2, b2], output, MSE(y, output))


def by_the_lessons_loop(net: Network, batches: Batches, epochs: int) -> list[float]:
    """The mean cost of each epoch, over its rows. Every node keeps value and gradients, for you to look at."""
    first = next(batches.epoch(0))
    graph = topological_sort({net.X: first.X, net.y: first.y})
    costs = []
    for epoch in range(epochs):
        total, rows = 0.0, 0
        for batch in batches.epoch(epoch):
            net.X.value, net.y.value = batch
            forward_and_backward(graph)
            sgd_update(net.parameters, LEARNING_RATE)
            total += float(graph[-1].value) * len(batch.y)  # the last node of a sorted graph is the cost, here a mean
            rows += len(batch.y)
        costs.append(total / rows)
    return costs


def by_fit(net: Network, batches: Batches, epochs: int) -> list[float]:
    """The same, in three lines; forward, backward and update are captured as one step."""
    trainer = Trainer(net.cost, SGD(LEARNING_RATE))
    history = fit(trainer, [net.X, net.y], batches, epochs)
    return [epoch.cost for epoch in history]


def by_a_linear_fit(data: Patients) -> float:
    """Held out R² of ordinary least squares."""
    X_train, X_held = (np.column_stack([X, np.ones(len(X))]) for X in (data.X_train, data.X_held))
    coefficients = np.linalg.lstsq(X_train, data.y_train)[0]
    return r_squared(X_held @ coefficients, data.y_held)


def main(epochs: int = 50, seed: int = 0) -> dict[str, object]:
    """Train both networks; returns of each the costs by epoch, parameters and held out R², and R² of the linear fit."""
    data = patients(seed)
    batches = Batches(data.X_train, data.y_train, batch_size=11, seed=seed)
    print(f"{len(data.y_train)} patients to train on, {len(data.y_held)} held out")
    found = {"costs": [], "parameters": [], "r_squared": [], "linear": by_a_linear_fit(data)}
    for way in (by_the_lessons_loop, by_fit):
        net = network(seed)
        costs = way(net, batches, epochs)
        r2 = r_squared(predict(net.output, [{net.X: data.X_held}]), data.y_held)
        print(
            f"{way.__name__}: cost {costs[0]:.4f} in epoch 1, {costs[-1]:.4f} in epoch {epochs}; held out R² {r2:.3f}"
        )
        found["costs"].append(costs)
        found["parameters"].append([to_numpy(parameter.value) for parameter in net.parameters])
        found["r_squared"].append(r2)
    apart = max(float(abs(a - b).max()) for a, b in zip(*found["parameters"], strict=True))
    print(f"The parameters of the two are at most {apart:.0e} apart.")
    print(f"A linear fit: held out R² {found['linear']:.3f}")
    return found


if __name__ == "__main__":
    main()
