"""A rule that gives None for an input stops the gradient there; vjps that return something else are refused."""

import numpy as np
import pytest

from miniflow_xp import Elementwise, Input, forward_and_backward, to_numpy, topological_sort
from miniflow_xp.errors import GraphError


class Stop(Elementwise):
    """The identity, with no gradient."""

    def __init__(self, x, name=None):
        super().__init__([x], name)

    def compute(self, xp, x):
        return x + 0

    def vjp(self, xp, gradient, value, x):
        return (None,)


@pytest.mark.parametrize("shape", [(), (1,)])
def test_nothing_passes_a_stop(backend, shape):
    s, w = Input("s"), Input("w")
    cost = (Stop(s * s) + s) * w if shape == () else (Stop(s * s) + s) @ w
    forward_and_backward(topological_sort({s: np.full(shape, 3.0), w: np.full(shape, 2.0)}, cost))
    np.testing.assert_array_equal(to_numpy(s.gradients[s]), np.full(shape, 2.0))
    np.testing.assert_array_equal(to_numpy(w.gradients[w]), np.full(shape, 12.0))


def test_the_cost_may_be_read_by_nodes_outside_of_the_pass(backend):
    s = Input("s")
    cost = s * s
    graph = topological_sort({s: 3.0}, cost)
    Stop(cost)
    forward_and_backward(graph)
    assert float(to_numpy(s.gradients[s])) == 6.0


@pytest.mark.parametrize(
    "returned",
    [1.0, (1.0,), (), (lambda: 1.0, lambda: 1.0), lambda: 1.0],
    ids=["number", "no call", "none", "two", "bare"],
)
def test_a_vjp_returns_one_function_for_each_input(returned):
    class Careless(Stop):
        def vjp(self, xp, gradient, value, x):
            return returned

    s = Input("s")
    graph = topological_sort({s: 3.0}, Careless(s, name="culprit"))
    with pytest.raises(GraphError, match="'culprit': its vjp returned"):
        forward_and_backward(graph)
