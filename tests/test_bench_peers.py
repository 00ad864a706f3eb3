"""Peers train the same network: their costs stay together, everywhere they can run, and each has its case."""

import importlib.util

import numpy as np
import pytest

from miniflow_xp import use_backend
from miniflow_xp.programs.bench.cases import PEER_SIZES, peers, plan
from miniflow_xp.programs.bench.peers import FLOOR, PEERS, backends_of, peer
from miniflow_xp.programs.bench.peers.problem import RATE, Problem, step_flops

SIZE = (32, 8, 16)
STEPS = 10
PAIRS = [(contestant, name) for contestant in PEERS for name in ("numpy", "torch", "jax") if name in PEERS[contestant]]
PAIRS += [("ours", name) for name in ("numpy", "torch", "jax")]
CLOSE = 2e-3  # relative: ten float32 steps of sums in another order; a wrong gradient is off by far more


def exact_costs():
    """The same training in float64, written out once more."""
    p = Problem.of(*SIZE)
    W, b = ([v.astype("float64") for v in values] for values in (p.weights, p.biases))
    found = []
    for _ in range(STEPS):
        a1 = 1 / (1 + np.exp(-(p.X @ W[0] + b[0])))
        a2 = 1 / (1 + np.exp(-(a1 @ W[1] + b[1])))
        d = a2 @ W[2] + b[2] - p.y
        found.append(float(np.mean(d**2)))
        g3 = 2 * d / d.size
        g2 = g3 @ W[2].T * a2 * (1 - a2)
        g1 = g2 @ W[1].T * a1 * (1 - a1)
        for k, (a, g) in enumerate(((p.X, g1), (a1, g2), (a2, g3))):
            W[k] = W[k] - RATE * a.T @ g
            b[k] = b[k] - RATE * g.sum(axis=0)
    return found


@pytest.mark.parametrize(("contestant", "name"), PAIRS)
def test_every_peer_trains_the_same_network(contestant, name):
    if not importlib.util.find_spec(name):
        pytest.skip(f"{name} is not installed")
    if contestant == "torch.compile":
        pytest.skip("it takes a compiler, and a minute")
    with use_backend(name) as backend:
        step = peer(contestant, Problem.of(*SIZE), backend)
        costs = [step() for _ in range(STEPS)]
        if contestant == FLOOR:
            assert costs == [None] * STEPS
            return
        found = [float(backend.to_numpy(c) if backend.owns(c) else c) for c in costs]
    np.testing.assert_allclose(found, exact_costs(), rtol=CLOSE)
    assert found[-1] < found[0]


def test_nobody_changes_the_problem():
    before, after = Problem.of(*SIZE), Problem.of(*SIZE)
    for contestant in ("ours", "by hand", "lesson", FLOOR):
        with use_backend("numpy") as backend:
            peer(contestant, after, backend)()
    for a, b in zip((before.X, before.y, *before.weights), (after.X, after.y, *after.weights), strict=True):
        np.testing.assert_array_equal(a, b)


def test_cases_go_where_their_library_is():
    cases = list(peers(((8, 4, 4),)))
    assert {c.contestant for c in cases if c.runs_on("torch:cuda:0")} == {"ours", "by hand", "autograd", "torch.optim"}
    assert {c.contestant for c in cases if c.runs_on("cupy")} == {"ours", "by hand"}
    assert {c.contestant for c in cases if c.runs_on("jax")} == {"ours", "jit"}
    assert {c.contestant for c in cases if c.runs_on("numpy")} == {"ours", "by hand", "lesson", "products"}
    assert backends_of("ours") == ()
    sizes = [tuple(c.axes.values()) for c in plan("full", ("peers",)) if c.contestant == "ours"]
    assert sizes == list(PEER_SIZES)
    compiled = [c.axes["n"] for c in plan("full", ("peers",)) if c.contestant == "torch.compile"]
    assert compiled == [256]


def test_the_arithmetic_of_a_step():
    n, d, h = SIZE
    products = [(n, d, h), (n, h, h), (n, h, 1)]  # rows, inner, columns, forward; each once more for the weights
    inputs = products[1:]  # and once more for the inputs, but for those of the first layer
    assert step_flops(*SIZE) == sum(2 * a * b * c for a, b, c in [*products, *products, *inputs])
