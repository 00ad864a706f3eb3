"""Captured steps on CuPy: what only shows where a device runs them, a real one or one that is played."""

import numpy as np
import pytest

import miniflow_xp as mf

pytestmark = [pytest.mark.gpu, pytest.mark.parametrize("backend", ["cupy"], indirect=True)]


def network(dtype="float64"):
    """(cost, its parameters, a feed), the same at every call."""
    rng = np.random.default_rng(0)
    x, y = mf.Input("x"), mf.Input("y")
    w = mf.Parameter(rng.normal(size=(3, 2)).astype(dtype), "w")
    b = mf.Parameter(np.zeros(2, dtype), "b")
    feed = {x: rng.normal(size=(4, 3)).astype(dtype), y: rng.normal(size=(4, 2)).astype(dtype)}
    return mf.MSE(y, mf.Sigmoid(mf.Linear(x, w, b))), [w, b], feed


def test_a_program_runs_captured(backend):
    cost, parameters, feed = network()
    with mf.use_backend("numpy"):
        wanted = mf.Program(cost, parameters)(feed)
    program = mf.Program(cost, parameters)
    for _ in range(3):
        found = program(feed)
        np.testing.assert_allclose(backend.to_numpy(found.values), wanted.values, rtol=1e-12)
        for p in parameters:
            np.testing.assert_allclose(backend.to_numpy(found.gradients[p]), wanted.gradients[p], rtol=1e-12)
    assert "not captured" not in program.explain()


def test_a_trainer_runs_captured(backend):
    def costs():
        cost, _, feed = network()
        trainer = mf.Trainer(cost, mf.SGD(0.1))
        return [float(trainer.step(feed)) for _ in range(3)], trainer.explain()

    with mf.use_backend("numpy"):
        wanted, _ = costs()
    found, how = costs()
    np.testing.assert_allclose(found, wanted, rtol=1e-12)
    assert "not captured" not in how
