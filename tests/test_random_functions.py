"""Random programs of array functions: gradients, second derivatives and captures against PyTorch and JAX.

Each operation takes and gives matrices of SHAPE, whatever it makes of them in between, so that any follows any. The
sine of each result is what the next reads: it keeps numbers of order 1, however long the program.
"""

import functools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from miniflow_xp import differentiable_namespace, grad, hvp, jit
from miniflow_xp.arrays.traced import ground

SHAPE = (2, 3)
ROUNDED = 1e-8
"""Each of at most LONGEST operations enlarges a rounding of 1e-16 by its slope, below 30 for all of them."""
LONGEST = 6


def definite(xp, x):
    """A positive definite matrix made of x."""
    return xp.matmul(xp.matrix_transpose(x), x) + 2 * xp.eye(3, dtype=x.dtype)


def updated(xp, x, y):
    z = x + 0
    z[0, 1:] = y[1, :2]
    z[:, 0] += 2 * y[:, 1]
    return z


OPERATIONS = {
    "exp": lambda xp, x, y: xp.exp(-x * x),
    "log": lambda xp, x, y: xp.log(1 + x * x),
    "sqrt": lambda xp, x, y: xp.sqrt(1 + x * x),
    "tanh": lambda xp, x, y: xp.tanh(x) * y,
    "sinh": lambda xp, x, y: xp.sinh(x) - xp.cosh(y),
    "atan2": lambda xp, x, y: xp.atan2(x, 2 + y * y),
    "hypot": lambda xp, x, y: xp.hypot(x, 1 + y * y),
    "logaddexp": lambda xp, x, y: xp.logaddexp(x, y),
    "divide": lambda xp, x, y: x / (2 + xp.cos(y)),
    "pow": lambda xp, x, y: (1.5 + xp.sin(x)) ** y,
    "square": lambda xp, x, y: xp.square(x) - x**3 + y**2,
    "expm1": lambda xp, x, y: xp.expm1(x) + xp.log1p(y * y),
    "where": lambda xp, x, y: xp.where(x > y, x * y, x - y),
    "maximum": lambda xp, x, y: xp.maximum(x, y) + xp.minimum(x, 2 * y + 1),
    "clip": lambda xp, x, y: xp.clip(x, -0.4, 0.3) + y,
    "abs": lambda xp, x, y: xp.abs(x - 0.1) * y,
    "sum": lambda xp, x, y: x - xp.sum(y, axis=0),
    "mean": lambda xp, x, y: x - xp.mean(x, axis=-1, keepdims=True),
    "max": lambda xp, x, y: x - xp.max(y, axis=1, keepdims=True),
    "prod": lambda xp, x, y: y * xp.prod(x, axis=0, keepdims=True),
    "var": lambda xp, x, y: x / (1 + xp.var(y, axis=1, keepdims=True)),
    "std": lambda xp, x, y: x * xp.std(xp.concat([x, y + 3], axis=0), axis=0, keepdims=True),
    "cumulative": lambda xp, x, y: xp.cumulative_sum(x, axis=1) - y,
    "reshape": lambda xp, x, y: xp.reshape(xp.reshape(x, (3, 2)), SHAPE) + y,
    "transpose": lambda xp, x, y: xp.permute_dims(xp.permute_dims(x, (1, 0)) * 2, (1, 0)) * y,
    "flip": lambda xp, x, y: xp.flip(x, axis=1) + xp.roll(y, 1, axis=1),
    "concat": lambda xp, x, y: xp.concat([x[:, 1:], y[:, :1]], axis=1),
    "stack": lambda xp, x, y: xp.sum(xp.stack([x, y, x * y]), axis=0),
    "broadcast": lambda xp, x, y: xp.broadcast_to(x[0, :], SHAPE) * y,
    "index": lambda xp, x, y: xp.flip(x[1:, ...], axis=1) * y[:1, None, :][0, ...] + x * x[0, 1],
    "take": lambda xp, x, y: xp.take(x, xp.asarray([2, 0, 0]), axis=1) + y,
    "sort": lambda xp, x, y: xp.sort(x, axis=1) * y,
    "update": updated,
    "matmul": lambda xp, x, y: xp.matmul(xp.matmul(x, xp.matrix_transpose(y)), x) / 3,
    "tensordot": lambda xp, x, y: xp.tensordot(x, definite(xp, y), axes=1) / 4,
    "vecdot": lambda xp, x, y: x * xp.expand_dims(xp.vecdot(x, y), axis=1),
    "einsum": lambda xp, x, y: xp.einsum("ij,kj,kl->il", x, y, x) / 3,
    "solve": lambda xp, x, y: xp.matrix_transpose(xp.linalg.solve(definite(xp, x), xp.matrix_transpose(y))),
    "cholesky": lambda xp, x, y: xp.matmul(y, xp.linalg.cholesky(definite(xp, x))),
    "inv": lambda xp, x, y: xp.matmul(y, xp.linalg.inv(definite(xp, x))),
    "logdet": lambda xp, x, y: x + xp.linalg.slogdet(definite(xp, y))[1],
    "norm": lambda xp, x, y: x / (1 + xp.linalg.vector_norm(y + 2)),
    "fft": lambda xp, x, y: xp.real(xp.fft.ifft(xp.fft.fft(x) * xp.fft.fft(y))),
    "rfft": lambda xp, x, y: xp.fft.irfft(xp.fft.rfft(x) * 2, n=3) - y,
}
programs = st.lists(
    st.tuples(st.sampled_from(sorted(OPERATIONS)), st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=LONGEST
)
drawn = settings(
    max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def program(xp, steps):
    """The function that carries out the steps: each reads two of the values so far."""

    def run(x, y):
        values = [x, y]
        for name, i, j in steps:
            values.append(xp.sin(OPERATIONS[name](xp, values[-1 - i % len(values)], values[-1 - j % len(values)])))
        return xp.sum(values[-1] * values[-2]) + xp.sum(x * x * y * y)  # so that all of them are read

    return run


def arguments():
    random = np.random.default_rng(0)
    return random.normal(size=SHAPE), random.normal(size=SHAPE)


def close(got, expected):
    np.testing.assert_allclose(got, expected, rtol=0, atol=ROUNDED * max(1.0, float(np.max(np.abs(expected)))))


@functools.cache
def torch_namespace():
    return pytest.importorskip("array_api_compat.torch", reason="the oracle is PyTorch: pip install torch")


@drawn
@given(steps=programs)
def test_pytorch_agrees(steps):
    torch, xp = pytest.importorskip("torch"), torch_namespace()
    x, y = map(torch.tensor, arguments())
    moves = tuple(torch.tensor(a) for a in arguments()[::-1])
    leaves = x.clone().requires_grad_(), y.clone().requires_grad_()
    expected = torch.autograd.grad(program(xp, steps)(*leaves), leaves, create_graph=True)
    total = sum((e * m).sum() for e, m in zip(expected, moves, strict=True))
    second = torch.autograd.grad(total, leaves)
    ours = program(differentiable_namespace(xp), steps)
    for got, wanted in zip(grad(ours, argnums=(0, 1))(x, y), expected, strict=True):
        close(got.numpy(), wanted.detach().numpy())
    product = hvp(lambda p: ours(*p), ((x, y),), (moves,))
    for got, wanted in zip(product, second, strict=True):
        close(got.numpy(), wanted.numpy())


@drawn
@given(steps=programs)
def test_numpy_agrees_with_pytorch_and_captured_too(steps):
    import array_api_compat.numpy as xp

    torch = pytest.importorskip("torch")
    leaves = [torch.tensor(a).requires_grad_() for a in arguments()]
    expected = torch.autograd.grad(program(torch_namespace(), steps)(*leaves), leaves)
    gradient = grad(program(differentiable_namespace(xp), steps), argnums=(0, 1))
    for found in (gradient(*arguments()), jit(gradient)(*arguments())):
        for got, wanted in zip(found, expected, strict=True):
            close(got, wanted.numpy())


@settings(drawn, max_examples=8)
@given(steps=programs)
def test_jax_agrees(steps):
    jax = pytest.importorskip("jax", reason="the oracle is JAX: pip install jax")
    jax.config.update("jax_enable_x64", True)
    x, y = map(jax.numpy.asarray, arguments())
    steps = [step for step in steps if step[0] != "update"]  # its arrays cannot be written to
    expected = jax.grad(program(jax.numpy, steps), argnums=(0, 1))(x, y)
    gradient = grad(program(differentiable_namespace(jax.numpy), steps), argnums=(0, 1))
    for got, wanted in zip(gradient(x, y), expected, strict=True):
        close(np.asarray(got), np.asarray(wanted))


@settings(drawn, max_examples=15)
@given(steps=programs)
def test_values_are_those_without_differentiation(steps):
    import array_api_compat.numpy as xp

    plain = program(xp, [step for step in steps if step[0] != "einsum"])
    traced = program(differentiable_namespace(xp), [step for step in steps if step[0] != "einsum"])
    close(ground(traced(*map(differentiable_namespace(xp).asarray, arguments()))), plain(*arguments()))
