"""Every rule, and whole networks, against the automatic differentiation of PyTorch and of JAX.

The oracles compute in float64 on the CPU, from expressions that are written in their libraries' own functions.
"""

from functools import cache

import numpy as np
import pytest
from capabilities import ROWS, exact, example
from closeness import assert_close, rounding
from targets import Target

import miniflow_xp as mf

DTYPES = ("float64", "float32")
CASES = [pytest.param(row, shapes, id=f"{row}-{shapes}") for row in ROWS for shapes in row.cases]
FIRST = [pytest.param(row, row.cases[0], id=str(row)) for row in ROWS]
SIZES = (5, 4, 3)
"""Width of the networks' data, hidden layer and output."""


@cache
def torch_oracle(row, shapes, dtype):
    """Value and gradients, None for an integer input, by ``torch.autograd``."""
    torch = pytest.importorskip("torch", reason="the oracle is PyTorch: pip install torch")
    inputs, weights = example(row, shapes, dtype)
    tensors = [torch.tensor(x).requires_grad_(n not in row.integers) for n, x in enumerate(inputs)]
    value = row.torch(torch, *tensors)
    value.backward(torch.tensor(weights))
    return value.detach().numpy(), [None if x.grad is None else x.grad.numpy() for x in tensors]


@cache
def jax_oracle(row, shapes, dtype):
    """Value and gradients, None for an integer input, by ``jax.vjp``."""
    jax = pytest.importorskip("jax", reason="the oracle is JAX: pip install jax")
    inputs, weights = example(row, shapes, dtype)
    floats = [n for n in range(row.count) if n not in row.integers]

    def value_of(*moving):
        given = dict(zip(floats, moving, strict=True))
        return row.jax(jax, *(given.get(n, x) for n, x in enumerate(inputs)))

    jax.config.update("jax_enable_x64", True)
    with jax.default_device(jax.devices("cpu")[0]):
        value, pullback = jax.vjp(jax.jit(value_of), *(inputs[n] for n in floats))
        gradients = dict(zip(floats, pullback(jax.numpy.asarray(weights)), strict=True))
    return np.asarray(value), [None if n in row.integers else np.asarray(gradients[n]) for n in range(row.count)]


def agrees(row, shapes, dtype, backend, oracle):
    inputs, weights = example(row, shapes, dtype)
    value, gradients = oracle(row, shapes, dtype)
    got = Target().run(row.node, backend, weights, inputs, dtype)
    assert_close(backend.to_numpy(got.value), value, rounding(dtype, value, *inputs))
    for gradient, expected in zip(got.gradients, gradients, strict=True):
        if expected is None:
            assert gradient is None
        else:
            assert_close(backend.to_numpy(gradient), expected, rounding(dtype, expected, weights, *inputs))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("row", "shapes"), CASES)
def test_rule_agrees_with_torch_autograd(row, shapes, dtype, backend):
    if backend.name == "jax" and shapes != row.cases[0]:
        pytest.skip("JAX compiles every operation for every shape: the first case is enough here")
    agrees(row, shapes, dtype, backend, torch_oracle)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("row", "shapes"), FIRST)
def test_rule_agrees_with_jax_vjp(row, shapes, dtype, backend):
    agrees(row, shapes, dtype, backend, jax_oracle)


def layers(dtype):
    """Data of 7 examples and the weights of two layers, each so small that a layer does not enlarge an error."""
    rng = np.random.default_rng(0)
    wide, hidden, narrow = SIZES
    shapes = {"X": (7, wide), "W1": (wide, hidden), "b1": (hidden,), "W2": (hidden, narrow), "b2": (narrow,)}
    return {
        name: exact(rng.uniform(-1, 1, shape) / (shape[0] if "W" in name else 1), dtype)
        for name, shape in shapes.items()
    }


def assert_network_agrees(leaves, cost, torch_cost, arrays, dtype, backend):
    """Cost and the gradients of all ``leaves``: {name: Input}, against ``torch_cost(tensors)``."""
    torch = pytest.importorskip("torch", reason="the oracle is PyTorch: pip install torch")
    tensors = {name: torch.tensor(arrays[name]).requires_grad_() for name in leaves}
    expected = torch_cost(torch, tensors)
    expected.backward()
    graph = mf.topological_sort({leaf: leaf.value for leaf in leaves.values()}, output=cost)
    mf.forward_and_backward(graph)
    bound = 4 * rounding(dtype, *arrays.values())  # four nodes, none of which enlarges the errors of those before it
    assert_close(backend.to_numpy(cost.value), expected.item(), bound)
    for name, leaf in leaves.items():
        assert leaf.gradients[leaf].dtype == leaf.value.dtype
        assert_close(backend.to_numpy(leaf.gradients[leaf]), tensors[name].grad.numpy(), bound)


@pytest.mark.parametrize("dtype", DTYPES)
def test_regression_network_agrees_with_torch(dtype, backend):
    """Linear, Sigmoid, Linear, MSE; every leaf is an Input, as in the lesson, so all have gradients."""
    arrays = layers(dtype)
    arrays["y"] = exact(np.random.default_rng(1).uniform(-1, 1, (7, SIZES[-1])), dtype)
    leaves = {name: mf.Input(name) for name in arrays}
    for name, leaf in leaves.items():
        leaf.value = backend.asarray(arrays[name], dtype)
    hidden = mf.Sigmoid(mf.Linear(leaves["X"], leaves["W1"], leaves["b1"]))
    cost = mf.MSE(leaves["y"], mf.Linear(hidden, leaves["W2"], leaves["b2"]))

    def torch_cost(torch, t):
        output = torch.sigmoid(t["X"] @ t["W1"] + t["b1"]) @ t["W2"] + t["b2"]
        return torch.nn.functional.mse_loss(output, t["y"])

    assert_network_agrees(leaves, cost, torch_cost, arrays, dtype, backend)


@pytest.mark.parametrize("dtype", DTYPES)
def test_classifier_agrees_with_torch(dtype, backend):
    """Linear, Tanh, Linear, CrossEntropy; the weights are Parameters, so they alone have gradients."""
    arrays = layers(dtype)
    labels = np.random.default_rng(1).integers(SIZES[-1], size=7)
    X, y = mf.Input("X"), mf.Input("y", dtype=int)
    X.value, y.value = backend.asarray(arrays["X"], dtype), backend.asarray(labels)
    leaves = {name: mf.Parameter(backend.asarray(arrays[name], dtype), name) for name in ("W1", "b1", "W2", "b2")}
    hidden = mf.Tanh(mf.Linear(X, leaves["W1"], leaves["b1"]))
    cost = mf.CrossEntropy(y, mf.Linear(hidden, leaves["W2"], leaves["b2"]))

    def torch_cost(torch, t):
        hidden = torch.tanh(torch.tensor(arrays["X"]) @ t["W1"] + t["b1"])
        return torch.nn.functional.cross_entropy(hidden @ t["W2"] + t["b2"], torch.tensor(labels))

    assert_network_agrees(leaves, cost, torch_cost, arrays, dtype, backend)
    assert X not in X.gradients
