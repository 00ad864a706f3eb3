"""Plain PyTorch code on traced tensors: values and gradients are those of its own autograd."""

import re

import numpy as np
import pytest

import miniflow_xp as mf
from miniflow_xp.arrays.traced import Traced, ground
from miniflow_xp.errors import DifferentiationError, ShapeError

torch = pytest.importorskip("torch", reason="the functions are PyTorch's: pip install torch")
from torch_rows import CONSTANT, ROWS, A, V  # noqa: E402  they import PyTorch

BOUND = {"rtol": 1e-9, "atol": 1e-10}

rows = pytest.mark.parametrize(("name", "call", "arrays"), ROWS, ids=[f"{row[0]}-{n}" for n, row in enumerate(ROWS)])


def scalar(call, weights):
    def loss(*xs):
        total = torch.sum(weights * call(*xs))
        return torch.real(total) if "complex" in str(total.dtype) else total

    return loss


def weights_of(value):
    random = np.random.default_rng(1)
    weights = random.normal(size=tuple(value.shape))
    return torch.tensor(weights + 1j * random.normal(size=weights.shape) if value.is_complex() else weights)


@pytest.mark.filterwarnings("ignore:Using torch.cross")
@rows
def test_value_and_gradient(name, call, arrays):
    tensors = [torch.tensor(a) for a in arrays]
    value = call(*tensors)
    weights = weights_of(value)
    kept = []

    def remembered(*xs):
        kept.append(call(*xs))
        return kept[0]

    argnums = tuple(range(len(arrays)))
    gradients = mf.grad(scalar(remembered, weights), argnums=argnums)(*tensors)
    assert type(kept[0]) is Traced
    got = ground(kept[0])
    assert (got.shape, got.dtype) == (value.shape, value.dtype)
    np.testing.assert_allclose(got.resolve_conj(), value.resolve_conj(), **BOUND)
    leaves = [t.clone().requires_grad_() for t in tensors]
    expected = torch.autograd.grad(scalar(call, weights)(*leaves), leaves)
    for ours, theirs in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(ours.resolve_conj(), theirs.resolve_conj(), **BOUND)


@pytest.mark.parametrize("name", ["softmax", "layer_norm", "einsum", "cross_entropy", "cumsum"])
def test_captured_it_is_the_same(name):
    call, arrays = next(row[1:] for row in ROWS if row[0] == name)
    tensors = [torch.tensor(a) for a in arrays]
    gradient = mf.grad(scalar(call, weights_of(call(*tensors))), argnums=tuple(range(len(arrays))))
    captured = mf.jit(gradient)
    for got, expected in zip(captured(*tensors), gradient(*tensors), strict=True):
        np.testing.assert_allclose(got, expected, **BOUND)


def test_every_function_is_in_a_row():
    """By the last word of its name, in the code of the rows; those that only PyTorch itself calls are left out."""
    from pathlib import Path

    import torch_rows

    from miniflow_xp.arrays.protocols.torch_dispatch import table

    words = set(re.findall(r"\w+", Path(torch_rows.__file__).read_text(encoding="utf-8")))
    its_own = {"log_sigmoid", "nll_loss_nd", "detach_copy", "resolve_conj", "reshape_as", "and", "or", "xor", "getitem"}
    assert {name for name in table() if name.rpartition(".")[2] not in words} <= its_own


@pytest.mark.parametrize("name", CONSTANT)
def test_what_has_no_gradient_is_the_same(name):
    kept = []

    def f(x):
        kept.append(CONSTANT[name](x))
        return torch.sum(x)

    x = torch.tensor(A)
    assert torch.equal(mf.grad(f)(x), torch.ones_like(x))
    assert torch.equal(ground(kept[0]), CONSTANT[name](x))


def assigned(x):
    a = torch.zeros(3, dtype=torch.float64)
    a[0] = x[0]
    return a.sum()


REFUSED = {
    "assigned": (assigned, "zeros_like"),
    "in place": (lambda x: torch.ones(5, dtype=torch.float64).mul_(x).sum(), "zeros_like"),
    "out": (lambda x: torch.exp(x, out=torch.empty(5, dtype=torch.float64)).sum(), "zeros_like"),
    "unknown": (lambda x: torch.fft.fftfreq(3) + torch.cdist(x[None], x[None]).sum(), "array_namespace"),
    "tensor of it": (lambda x: torch.as_tensor(x).sum(), "stack"),
    "dropout": (lambda x: torch.nn.functional.dropout(x).sum(), "array_namespace"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_known_says_what_to_write(name):
    function, remedy = REFUSED[name]
    with pytest.raises(DifferentiationError) as caught:
        mf.grad(function)(torch.tensor(V))
    assert remedy in caught.value.remedy


NO_SUCH_AXIS = {
    "flatten": lambda x: torch.flatten(x, 0, 2),
    "glu": lambda x: torch.nn.functional.glu(x, 2),
    "diff": lambda x: torch.diff(x, dim=2),
    "narrow": lambda x: torch.narrow(x, 2, 0, 1),
    "permute": lambda x: x.permute(0, 2),
    "quantile": lambda x: torch.quantile(x, 0.5, 2),
    "select": lambda x: torch.select(x, -3, 0),
    "unbind": lambda x: torch.unbind(x, 2)[0],
}


@pytest.mark.parametrize("name", NO_SUCH_AXIS)
def test_an_axis_that_is_not_there_is_an_error_as_in_pytorch(name):
    with pytest.raises(IndexError):
        NO_SUCH_AXIS[name](torch.asarray(A))
    with pytest.raises(ShapeError):
        mf.grad(lambda x: torch.sum(NO_SUCH_AXIS[name](x)))(torch.asarray(A))


@pytest.mark.filterwarnings("ignore:__array_wrap__:DeprecationWarning")
def test_a_tensor_beside_an_array_of_another_library_is_told():
    with pytest.raises(DifferentiationError, match=r"a function of PyTorch.* numpy and torch"):
        mf.grad(lambda x: torch.mul(torch.ones(3), x).sum())(np.ones(3))
    with pytest.raises(DifferentiationError, match=r"arrays of torch and numpy"):
        mf.grad(lambda x: (torch.ones(3) * x).sum())(np.ones(3))


def test_second_derivatives_and_models():
    model = torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.Tanh(), torch.nn.Linear(5, 1)).double()
    x = torch.tensor(A)

    def energy(x):
        return model(x).sum()

    def penalty(x):
        return (mf.grad(energy)(x) ** 2).sum()

    leaf = x.clone().requires_grad_()
    inner = torch.autograd.grad(model(leaf).sum(), leaf, create_graph=True)[0]
    expected = torch.autograd.grad((inner**2).sum(), leaf)[0]
    np.testing.assert_allclose(mf.grad(penalty)(x), expected, **BOUND)


BY_NAMES_OF_NUMPY = {
    "sum": lambda x: x.sum(axis=0),
    "mean": lambda x: x.mean(axis=0, keepdims=True),
    "a function": lambda x: torch.sum(x, axis=1, keepdims=True),
    "cumsum": lambda x: x.cumsum(axis=1),
    "amax": lambda x: x.amax(axis=0),
}


@pytest.mark.parametrize("name", BY_NAMES_OF_NUMPY)
def test_axes_by_the_names_of_numpy(name):
    call = BY_NAMES_OF_NUMPY[name]
    x = torch.tensor([[0.5, 2.0, -1.0], [1.5, 0.3, 4.0]], dtype=torch.float64)
    tensor = x.clone().requires_grad_()
    (call(tensor) ** 2).sum().backward()
    np.testing.assert_allclose(mf.grad(lambda x: (call(x) ** 2).sum())(x), tensor.grad)
