"""A loss as a sum with a weight, and one flat array whose parts over a batch add up to the whole."""

import numpy as np
import pytest

from miniflow_xp import (
    MSE,
    SGD,
    CrossEntropy,
    Input,
    Linear,
    Parameter,
    Sigmoid,
    Trainer,
    forward_and_backward,
    forward_pass,
    gradcheck,
    to_numpy,
    topological_sort,
)
from miniflow_xp.errors import GraphError, SettingError

RANDOM = np.random.default_rng(0)
X, Y, LABELS = RANDOM.normal(size=(11, 3)), RANDOM.normal(size=(11, 2)), RANDOM.integers(0, 2, 11)


def network(kind):
    x = Input("x")
    W, b = Parameter(RANDOM.normal(size=(3, 2)), "W"), Parameter(RANDOM.normal(size=2), "b")
    y = Input("y", dtype=int) if kind is CrossEntropy else Input("y")
    return x, y, kind(y, Linear(x, W, b), name="cost"), [W, b]


@pytest.mark.parametrize(("kind", "targets"), [(MSE, Y), (CrossEntropy, LABELS)])
def test_uneven_parts_add_up_to_the_whole_and_means_do_not(backend, kind, targets):
    x, y, cost, parameters = network(kind)
    before = [list(node.outbound_nodes) for node in cost.inbound_nodes]
    trainer = Trainer(cost, SGD(0.1), parameters)
    whole = to_numpy(trainer.additive({x: X, y: targets}))
    cuts = [slice(0, 1), slice(1, 8), slice(8, 11)]
    parts = [to_numpy(trainer.additive({x: X[c], y: targets[c]})) for c in cuts]
    np.testing.assert_allclose(sum(parts), whole, rtol=1e-12)
    assert [list(node.outbound_nodes) for node in cost.inbound_nodes] == before
    means = [part / part[-1] for part in parts]
    assert not np.allclose(np.mean(means, axis=0), whole / whole[-1], rtol=1e-3)

    forward_and_backward(topological_sort({x: X, y: targets}, cost))
    gradients = [to_numpy(p.gradients[p]).reshape(-1) for p in parameters]
    np.testing.assert_allclose(whole[:-2] / whole[-1], np.concatenate(gradients), rtol=1e-12)
    np.testing.assert_allclose(whole[-2] / whole[-1], float(to_numpy(cost.value)), rtol=1e-12)
    assert whole[-1] == (22 if kind is MSE else 11)


@pytest.mark.parametrize(("kind", "targets"), [(MSE, Y), (CrossEntropy, LABELS)])
def test_the_sum_of_a_loss(backend, kind, targets):
    a, y = Input("a"), Input("y", dtype=int) if kind is CrossEntropy else Input("y")
    total, mean = kind(y, a, reduction="sum"), kind(y, a)
    feed = {a: Y + 1, y: targets}
    graph = topological_sort(feed)
    ratio = float(to_numpy(forward_pass(total, graph))) / float(to_numpy(forward_pass(mean, graph)))
    assert ratio == pytest.approx(22 if kind is MSE else 11, rel=1e-12)
    gradcheck(total, feed)


def test_misuse_is_told():
    with pytest.raises(SettingError, match="reduction"):
        MSE(Input(), Input(), reduction="median")
    p = Parameter(1.0, "p")
    with pytest.raises(GraphError, match="no loss"):
        Trainer(Sigmoid(p)).additive({})
