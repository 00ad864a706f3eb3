"""The examples of functions: written as their users would, without a node; their gradients are right everywhere."""

import importlib
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from closeness import ROUNDED, assert_same

import miniflow_xp as mf
from miniflow_xp.transforms.trees import flatten, tree_map

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
NAMES = sorted(path.stem for path in (EXAMPLES / "functions").glob("[a-z]*.py"))
SHORT = {"lotka_volterra": (10,), "kalman_filter": (10,)}  # JAX compiles each of their steps


@pytest.fixture
def example(monkeypatch, request):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    module = importlib.import_module(f"functions.{request.param}")
    problem = module.problem
    monkeypatch.setattr(module, "problem", lambda: problem(*SHORT.get(request.param, ())))
    return module


every = pytest.mark.parametrize("example", NAMES, indirect=True)


def torch_gradient(example):
    torch = pytest.importorskip("torch", reason="the oracle is PyTorch: pip install torch")
    parameters, *data = tree_map(torch.tensor, example.problem())
    leaves, build = flatten(parameters)
    leaves = [leaf.requires_grad_() for leaf in leaves]
    gradients = torch.autograd.grad(example.loss(build(iter(leaves)), *data), leaves)
    return build(iter([g.numpy() for g in gradients]))


def jax_gradient(example):
    jax = pytest.importorskip("jax", reason="the oracle is JAX: pip install jax")
    jax.config.update("jax_enable_x64", True)
    once = (lambda function: function) if example.__name__.rpartition(".")[2] in SHORT else jax.jit
    return once(jax.grad(example.loss))(*tree_map(jax.numpy.asarray, example.problem()))


@cache
def expected_of(oracle, example):
    """What an oracle says, asked once for all backends."""
    return oracle(example)


@every
@pytest.mark.parametrize("oracle", [torch_gradient, jax_gradient])
def test_gradients_are_those_of_the_oracle(example, backend, oracle):
    expected = expected_of(oracle, example)
    problem = tree_map(backend.asarray, example.problem())
    got = mf.grad(example.loss)(*problem)
    assert_same(tree_map(backend.to_numpy, got), expected)


@every
def test_captured_they_are_the_same(example, backend):
    problem = tree_map(backend.asarray, example.problem())
    value, gradient = mf.value_and_grad(example.loss)(*problem)
    captured = mf.jit(mf.value_and_grad(example.loss))
    for _ in range(2):
        again, gradients = captured(*problem)
        assert float(again) == pytest.approx(float(value), rel=ROUNDED)
        assert_same(tree_map(backend.to_numpy, gradients), tree_map(backend.to_numpy, gradient))


@every
def test_descent_lowers_the_loss(example):
    """A few steps of gradient descent along a gradient that is right lower a smooth loss."""
    parameters, *data = example.problem()
    both = mf.jit(mf.value_and_grad(example.loss))
    first, gradient = both(parameters, *data)
    length = sum(float(np.sum(g * g)) for g in flatten(gradient)[0]) ** 0.5
    for _ in range(3):
        parameters = tree_map(lambda p, g: p - 1e-3 / length * g, parameters, gradient)
        last, gradient = both(parameters, *data)
    assert float(last) < float(first)


def test_a_checkpointed_solver_needs_less_memory(monkeypatch):
    import tracemalloc

    monkeypatch.syspath_prepend(str(EXAMPLES))
    example = importlib.import_module("functions.lotka_volterra")
    rates, *data = example.problem()

    def peak(step):
        tracemalloc.start()
        try:
            gradient = mf.grad(lambda rates, *data: example.loss(rates, *data, step=step))(rates, *data)
            return tracemalloc.get_traced_memory()[1], gradient
        finally:
            tracemalloc.stop()

    def tangent(state, rates, h):
        return example.step(state, rates, h)

    (plain, expected), (less, gradient) = peak(tangent), peak(mf.checkpoint(tangent))
    np.testing.assert_allclose(gradient, expected, rtol=1e-12)
    assert less < plain / 3


@every
def test_hips_autograd_agrees(example):
    pytest.importorskip("autograd", reason="the oracle is HIPS/autograd: pip install autograd")
    from autograd import value_and_grad

    from miniflow_xp.programs.bench.functions.hips import LOSSES

    problem = example.problem()
    value, gradient = mf.value_and_grad(example.loss)(*problem)
    expected, gradients = value_and_grad(LOSSES[example.__name__.rpartition(".")[2]])(*problem)
    assert float(value) == pytest.approx(float(expected), rel=ROUNDED)
    assert_same(gradient, gradients)


def test_examples_are_short():
    """Their lines of code, docstrings and blank lines left out, are what docs say."""
    lengths = {name: lines_of_code(EXAMPLES / "functions" / f"{name}.py") for name in NAMES}
    assert max(lengths.values()) <= 40, lengths


def lines_of_code(path):
    import ast

    tree = ast.parse(path.read_text(encoding="utf-8"))
    lines = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt) and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            lines.add(node.lineno)
    return len(lines)
