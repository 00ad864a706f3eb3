"""The pictures of docs/draw.md, beside this file: ``python docs/pictures/make.py``. A test compares them."""

from pathlib import Path

import numpy as np
from array_api_compat import array_namespace

import miniflow_xp as mf
from miniflow_xp import (
    MSE,
    Dense,
    Dropout,
    Input,
    Layer,
    LayerNorm,
    Linear,
    MultiHeadAttention,
    ReLU,
    Sequential,
    Sigmoid,
)
from miniflow_xp.drawing import Drawing


def lesson() -> tuple[Drawing, Drawing]:
    """The lesson's network, before and after a pass."""
    X, y, W, b = Input("X"), Input("y"), Input("W"), Input("b")
    cost = MSE(y, Sigmoid(Linear(X, W, b)))
    before = mf.draw(cost, title="The lesson's network")
    feed = {
        X: np.array([[0.0, 1.0], [1.0, 1.0]]),
        y: np.array([[0.0], [1.0]]),
        W: np.array([[2.0], [-1.0]]),
        b: np.array([1.0]),
    }
    graph = mf.topological_sort(feed)
    mf.forward_and_backward(graph)
    return before, mf.draw(graph, title="The lesson's network after a pass")


def digits() -> Drawing:
    """The network of examples/digits.py, before it is trained."""
    model = Sequential([Dense(64, 256), ReLU, Dropout(0.5), Dense(256, 10)], seed=0)
    images, labels = Input("images"), Input("labels", dtype=int)
    return mf.draw(mf.Trainer(mf.CrossEntropy(labels, model(images))), title="The network of the digits")


class Block(Layer):
    """A block of a transformer: attention, then two dense layers, each beside a way around it."""

    def __init__(self, units: int, heads: int) -> None:
        self.norms = LayerNorm(units), LayerNorm(units)
        self.attention = MultiHeadAttention(units, heads)
        self.up, self.down = Dense(units, 4 * units, ReLU), Dense(4 * units, units)
        super().__init__(children=[self.norms[0], self.attention, self.norms[1], self.up, self.down])

    def build(self, x: mf.Node, training: bool) -> mf.Node:
        """The nodes of the block."""
        x = x + self.attention(self.norms[0](x, training), training)
        return x + self.down(self.up(self.norms[1](x, training), training), training)


def transformer() -> Drawing:
    """Eight blocks of a transformer, 260 boxes."""
    return mf.draw(Sequential([*(Block(8, 2) for _ in range(8)), Dense(8, 3)], seed=0), title="A transformer")


def function() -> Drawing:
    """The gradient of a function of arrays."""

    def loss(p: dict[str, np.ndarray], x: np.ndarray, y: np.ndarray) -> np.ndarray:
        xp = array_namespace(x)
        return xp.mean((p["a"] * xp.exp(-p["b"] * x) - y) ** 2)

    p = {"a": np.array(1.5), "b": np.array(0.5)}
    return mf.draw(mf.grad(loss), p, np.linspace(0, 2, 5), np.ones(5), title="The gradient of a function")


def drawings() -> dict[str, Drawing]:
    """{name of the file, without its end: what is drawn}."""
    before, after = lesson()
    return {
        "lesson-before": before,
        "lesson-after": after,
        "digits": digits(),
        "transformer": transformer(),
        "function": function(),
    }


if __name__ == "__main__":
    for name, drawing in drawings().items():
        drawing.save(Path(__file__).with_name(f"{name}.svg"))
