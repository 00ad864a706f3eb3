"""The programs of plain NumPy code in ``examples/numpy_code``: gradients are those of others, also captured."""

import importlib
from pathlib import Path

import numpy as np
import pytest
from closeness import ROUNDED, STEP, assert_same

import miniflow_xp as mf
from miniflow_xp.transforms.trees import flatten, tree_map

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
NAMES = ("deblurring", "kepler", "logistic_regression", "mixture", "recurrent_network")
every = pytest.mark.parametrize("name", NAMES)


@pytest.fixture
def compare(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    return importlib.import_module("numpy_code.compare")


@every
def test_gradients_are_those_of_central_differences(compare, name):
    program = compare.program(name)
    first, *data = program.problem()
    gradient = mf.grad(program.loss)(first, *data)
    random = np.random.default_rng(2)
    moves = tree_map(lambda x: random.normal(size=x.shape), first)
    ends = [program.loss(tree_map(lambda x, v, s=s: x + s * STEP * v, first, moves), *data) for s in (1, -1)]
    pairs = zip(flatten(gradient)[0], flatten(moves)[0], strict=True)
    slope = sum(float(np.sum(g * v)) for g, v in pairs)
    assert slope == pytest.approx((ends[0] - ends[1]) / (2 * STEP), rel=1e-6, abs=3e-8)


@every
def test_captured_they_are_the_same(compare, name):
    program = compare.program(name)
    value, gradient = mf.value_and_grad(program.loss)(*program.problem())
    again, gradients = mf.jit(mf.value_and_grad(program.loss))(*program.problem())
    assert float(again) == pytest.approx(float(value), rel=ROUNDED)
    assert_same(gradients, gradient)


@every
def test_hips_autograd_agrees(compare, name):
    pytest.importorskip("autograd", reason="the oracle is HIPS/autograd: pip install autograd")
    import autograd.numpy
    from autograd import grad

    expected = grad(compare.program(name, autograd.numpy).loss)(*compare.program(name).problem())
    assert_same(mf.grad(compare.program(name).loss)(*compare.program(name).problem()), expected)


@pytest.mark.parametrize("name", ["logistic_regression", "mixture"])
def test_jax_agrees(compare, name):
    """Those that JAX compiles soon; the command compares all of them."""
    jax = pytest.importorskip("jax", reason="the oracle is JAX: pip install jax")
    jax.config.update("jax_enable_x64", True)
    problem = compare.program(name).problem()
    expected = jax.grad(compare.program(name, jax.numpy).loss)(*tree_map(jax.numpy.asarray, problem))
    assert_same(mf.grad(compare.program(name).loss)(*problem), expected)


def test_they_know_nothing_of_gradients():
    for name in NAMES:
        text = (EXAMPLES / "numpy_code" / f"{name}.py").read_text(encoding="utf-8")
        assert [line for line in text.splitlines() if line.startswith(("import", "from"))] == ["import numpy as np"]


def test_the_command_prints_a_table(compare, capsys, monkeypatch):
    monkeypatch.setattr(compare, "NAMES", ("logistic_regression",))
    theirs = compare.contenders
    monkeypatch.setattr(compare, "contenders", lambda name: {w: f for w, f in theirs(name).items() if "JAX" not in w})
    found = compare.main(1)["logistic_regression"]
    assert max(apart for _, apart in found.values()) < ROUNDED
    assert "| logistic_regression |" in capsys.readouterr().out
