"""Options of a backend: ``set_backend("torch", compile=True)``."""

import shutil

import numpy as np
import pytest

import miniflow_xp as mf
from miniflow_xp.errors import SettingError

torch = pytest.importorskip("torch")

ROWS = np.random.default_rng(0).standard_normal((8, 3))
TARGETS = np.random.default_rng(1).standard_normal((8, 1))


def trained(steps=4):
    """Costs, parameters and trainer after some steps."""
    X, y = mf.Input("X"), mf.Input("y")
    random = np.random.default_rng(2)
    W1, b1 = mf.Parameter(random.standard_normal((3, 4))), mf.Parameter(np.zeros(4))
    W2, b2 = mf.Parameter(random.standard_normal((4, 1))), mf.Parameter(np.zeros(1))
    trainer = mf.Trainer(mf.MSE(y, mf.Linear(mf.Sigmoid(mf.Linear(X, W1, b1)), W2, b2)), mf.Adam(0.1))
    costs = [trainer.step({X: ROWS, y: TARGETS}) for _ in range(steps)]
    return [float(c) for c in costs], [mf.to_numpy(p.value) for p in trainer.parameters], trainer


@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler on the CPU")
@pytest.mark.parametrize("mode", [True, "reduce-overhead"])
@pytest.mark.filterwarnings("ignore")  # of PyTorch's compiler
def test_compiled_steps_are_the_plain_steps(mode):
    with mf.use_backend("torch"):
        costs, parameters, _ = trained()
    with mf.use_backend("torch", compile=mode):
        found, moved, trainer = trained()
    assert "torch.compile" in trainer.explain()
    np.testing.assert_allclose(found, costs, rtol=1e-12)
    for a, b in zip(moved, parameters, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10)

    with mf.use_backend("torch", compile=True) as first, mf.use_backend("torch", compile=True) as second:
        assert first is second
    with mf.use_backend("torch") as plain:
        assert plain is not first


@pytest.mark.parametrize(
    ("choice", "options", "message"),
    [
        ("numpy", {"compile": True}, "no option 'compile'"),
        ("torch", {"optimise": True}, "no option 'optimise'"),
        ("torch", {"compile": "fast"}, "compile is 'fast'"),
    ],
)
def test_options_that_do_not_exist_are_refused(choice, options, message):
    before = mf.get_backend()
    with pytest.raises(SettingError, match=message):
        mf.set_backend(choice, **options)
    assert mf.get_backend() is before


def test_an_object_takes_no_options():
    with pytest.raises(SettingError, match="options are given"):
        mf.set_backend(mf.get_backend(), compile=True)
