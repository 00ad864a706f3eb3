"""The lesson's network, with the chapter's numbers: of our nodes, and of nodes as a learner writes them."""

import numpy as np

from miniflow_xp import MSE as OurMSE  # noqa: N811  a class
from miniflow_xp import Input, Node, get_backend
from miniflow_xp import Linear as OurLinear
from miniflow_xp import Sigmoid as OurSigmoid


class Linear(Node):
    """A learner's own."""

    def __init__(self, X, W, b):
        Node.__init__(self, [X, W, b])

    def forward(self):
        X, W, b = (node.value for node in self.inbound_nodes)
        self.value = X @ W + b

    def backward(self):
        X, W, b = self.inbound_nodes
        xp = get_backend().xp
        self.gradients = {node: xp.zeros_like(node.value) for node in self.inbound_nodes}
        for reader in self.outbound_nodes:
            cost = reader.gradients[self]
            self.gradients[X] = self.gradients[X] + cost @ xp.matrix_transpose(W.value)
            self.gradients[W] = self.gradients[W] + xp.matrix_transpose(X.value) @ cost
            self.gradients[b] = self.gradients[b] + xp.sum(cost, axis=0)


class Sigmoid(Node):
    """A learner's own."""

    def __init__(self, x):
        Node.__init__(self, [x])

    def forward(self):
        self.value = 1 / (1 + get_backend().xp.exp(-self.inbound_nodes[0].value))

    def slope(self):
        return self.value * (1 - self.value)

    def backward(self):
        x = self.inbound_nodes[0]
        self.gradients = {x: get_backend().xp.zeros_like(x.value)}
        for reader in self.outbound_nodes:
            self.gradients[x] = self.gradients[x] + self.slope() * reader.gradients[self]


class MSE(Node):
    """A learner's own."""

    sign = -1

    def __init__(self, y, a):
        Node.__init__(self, [y, a])

    def forward(self):
        xp = get_backend().xp
        y, a = (xp.reshape(node.value, (-1, 1)) for node in self.inbound_nodes)
        self.difference = y - a
        self.value = xp.mean(self.difference**2)

    def backward(self):
        y, a = self.inbound_nodes
        count = self.difference.shape[0]
        self.gradients = {y: 2 / count * self.difference, a: self.sign * 2 / count * self.difference}


class FaultyLinear(Linear):
    """Its gradient of W's last row is doubled."""

    kind = "Linear"

    def backward(self):
        super().backward()
        W = self.inbound_nodes[1]
        xp = get_backend().xp
        self.gradients[W] = self.gradients[W] * xp.asarray([[1.0], [2.0]], dtype=W.value.dtype)


class FaultySigmoid(Sigmoid):
    """It forgets 1 - σ."""

    kind = "Sigmoid"

    def slope(self):
        return self.value


class FaultyMSE(MSE):
    """It forgets the minus sign."""

    kind = "MSE"
    sign = 1


planted = {"Linear": FaultyLinear, "Sigmoid": FaultySigmoid, "MSE": FaultyMSE}


def feed_of(X, y, W, b):
    """The chapter's numbers."""
    return {
        X: np.array([[-1.0, -2.0], [-1.0, -2.0]]),
        y: np.array([1, 2]),
        W: np.array([[2.0], [3.0]]),
        b: np.array([-3.0]),
    }


def lesson_network():
    """Cost and feed, of our nodes."""
    X, y, W, b = (Input(name) for name in ("X", "y", "W", "b"))
    return OurMSE(y, OurSigmoid(OurLinear(X, W, b))), feed_of(X, y, W, b)


def learners_network(fault=None):
    """Cost and feed, of a learner's nodes; ``fault``: the one whose backward is wrong."""
    X, y, W, b = (Input(name) for name in ("X", "y", "W", "b"))
    kinds = {"Linear": Linear, "Sigmoid": Sigmoid, "MSE": MSE}
    if fault is not None:
        kinds[fault] = planted[fault]
    feed = feed_of(X, y, W, b)
    feed[b] = np.array([5.0])  # where σ is not almost 0
    return kinds["MSE"](y, kinds["Sigmoid"](kinds["Linear"](X, W, b))), feed


def lesson_training_network():
    """Cost and feed of the last chapter: 13 features, 10 hidden units, a batch of 11."""
    X, y, W1, b1, W2, b2 = (Input(name) for name in ("X", "y", "W1", "b1", "W2", "b2"))
    cost = OurMSE(y, OurLinear(OurSigmoid(OurLinear(X, W1, b1)), W2, b2))
    draw = np.random.default_rng(0).standard_normal
    feed = {X: draw((11, 13)), y: draw(11), W1: draw((13, 10)), b1: np.zeros(10), W2: draw((10, 1)), b2: np.zeros(1)}
    return cost, feed
