"""The pictures of these pages: the course's, drawn by `mf.draw`, its step-through by `mf.steps`, and that of design.md.

python docs/pictures/course.py    writes them all
"""

# ruff: noqa: ARG002  a rule has the arguments of its contract, used or not, and its source is shown to learners

from collections.abc import Callable
from pathlib import Path

import floors
import numpy as np

import miniflow_xp as mf
from miniflow_xp import MSE, Add, Input, Linear, MatMul, Mul, Neg, Node, Sigmoid
from miniflow_xp.drawing import Drawing

DOCS = Path(__file__).resolve().parent.parent
FOLDER = DOCS / "course" / "pictures"


def graph() -> Drawing:
    """Page 1: nothing has been computed."""
    n, p, v = Input("n"), Input("p"), Input("v")
    paid = Mul(n, Add(p, Neg(v, name="minus"), name="each"), name="paid")
    return mf.draw(paid, title="what is paid")


def forward() -> Drawing:
    """Page 2: after a forward pass."""
    x, y = Input("x"), Input("y")
    product = Mul(Add(x, y, name="total"), x, name="product")
    sorted_nodes = mf.topological_sort({x: 3.0, y: 4.0})
    mf.forward_pass(sorted_nodes)
    return mf.draw(product, title="a forward pass")


def linear() -> Drawing:
    """Page 3: a batch of three examples, two sums."""
    X, W, b = Input("X"), Input("W"), Input("b")
    score = Linear(X, W, b, name="score")
    batch = np.array([[1.0, 2.0], [3.0, 1.0], [0.0, 1.0]])
    feed = {X: batch, W: np.array([[0.5, 1.0], [-1.0, 0.0]]), b: np.array([0.25, 0.0])}
    mf.forward_pass(mf.topological_sort(feed))
    return mf.draw(score, title="a batch through Linear")


def sigmoid() -> Drawing:
    """Page 4: the sum of five sigmoids, whose gradient is σ'."""
    x = Input("x")
    total = MatMul(np.ones(5), Sigmoid(x, name="squeezed"), name="total")
    mf.forward_and_backward(mf.topological_sort({x: [-4.0, -1.0, 0.0, 1.0, 4.0]}))
    return mf.draw(total, title="the slope of a sigmoid")


class Careless(Sigmoid):
    """A sigmoid whose slope lacks a factor: a mistake of page 5."""

    def vjp(self, xp, gradient, value, x):
        return (lambda: gradient * value,)


def neuron(kind: type[Sigmoid] = Sigmoid) -> tuple[list[Node], dict[Input, np.ndarray]]:
    """Page 5: one neuron, sorted, and its feed."""
    X, W, b, y = Input("X"), Input("W"), Input("b"), Input("y")
    MSE(y, kind(Linear(X, W, b, name="f"), name="a"), name="cost")
    feed = {
        X: np.array([[1.0, 2.0], [3.0, 1.0]]),
        W: np.array([[0.5], [-1.0]]),
        b: np.array([0.25]),
        y: np.array([[1.0], [0.0]]),
    }
    return mf.topological_sort(feed), feed


def backward() -> Drawing:
    """Page 5: after both passes."""
    nodes, _ = neuron()
    mf.forward_and_backward(nodes)
    return mf.draw(nodes, title="values and gradients of one neuron")


def sgd() -> Drawing:
    """Page 6: where the first step starts."""
    w = Input("w")
    off = w - 3.0
    cost = Mul(off, off, name="cost")
    mf.forward_and_backward(mf.topological_sort({w: 0.0}))
    return mf.draw(cost, title="the slope at w = 0")


def step_through(kind: type[Sigmoid] = Sigmoid) -> str:
    """Page 5: the same neuron, node by node, as a page."""
    nodes, feed = neuron(kind)
    return mf.steps(nodes, feed).html


PICTURES: dict[str, Callable[[], Drawing]] = {
    "1-graph": graph,
    "2-forward": forward,
    "3-linear": linear,
    "4-sigmoid": sigmoid,
    "5-backward": backward,
    "6-sgd": sgd,
}

PAGES: dict[str, type[Sigmoid]] = {"5-backward": Sigmoid, "5-careless": Careless}


def main() -> None:
    """Write all of them."""
    FOLDER.mkdir(exist_ok=True)
    for name, made in PICTURES.items():
        (FOLDER / f"{name}.svg").write_text(made().svg + "\n", encoding="utf-8")
    for name, kind in PAGES.items():
        (FOLDER / f"{name}.html").write_text(step_through(kind) + "\n", encoding="utf-8")
    (DOCS / "design.svg").write_text(floors.svg() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
