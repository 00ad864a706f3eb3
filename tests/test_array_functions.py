"""Every row of the table of array functions: value, first and second derivative, captured, on every backend.

Derivatives are compared with central differences in float64, and with those of PyTorch and JAX for the same call.
"""

import warnings
import weakref

import closeness
import numpy as np
import pytest
import uncaptured
from array_api_compat import array_namespace
from closeness import along, assert_near, directions

from miniflow_xp import differentiable_namespace, grad, jit, use_backend, vjp
from miniflow_xp.arrays.calls import everything_kept
from miniflow_xp.arrays.tables import COMPOSED, LOOKS_AT, LOOKS_ONLY, NATIVE, RULES, WITHOUT_GRADIENT
from miniflow_xp.arrays.traced import ground
from miniflow_xp.errors import JitError
from miniflow_xp.gradcheck.examples import CASES
from miniflow_xp.transforms.trees import flatten

FIRST = 3e-8
"""Central differences at the step ε^⅓ are off by ε^⅔ ≈ 4e-11 times third derivatives, and by rounding, ε/h ≈ 4e-11
times the value: both stay below 1000 for every row."""
SECOND = 3e-7
"""The same for differences of first derivatives, whose own values are up to ten times larger."""
ROUNDED = {"float64": 1e-11, "float32": 2e-3, "complex128": 1e-11, "complex64": 2e-3}
"""How far two ways of computing the same may be apart, relative to the largest element."""
NARROW = {"float64": "float32", "complex128": "complex64"}

rows = pytest.mark.parametrize("row", CASES, ids=str)


@pytest.fixture
def library(backend, row):
    """The backend in use, if it can compute this row itself."""
    if backend.name in row.skip:
        pytest.skip(row.skip[backend.name])
    return backend


def weights_of(row, value):
    """Weights that make a scalar of a value: Re Σ w̄ v."""
    random = np.random.default_rng(1)
    weights = random.normal(size=value.shape)
    return weights + 1j * random.normal(size=value.shape) if np.iscomplexobj(value) else weights


def scalar(xp, call, weights):
    """The function x ↦ Re Σ w̄ f(x)."""

    def loss(*arrays):
        value, w = call(xp, *arrays), xp.asarray(weights)  # which some libraries want to be of the same namespace
        total = xp.sum(xp.conj(w) * value if "complex" in str(value.dtype) else w * value)
        return xp.real(total) if "complex" in str(total.dtype) else total

    return loss


def native_value(backend, row, arrays):
    """What the library itself gives, through the namespace without gradients."""
    xp = differentiable_namespace(backend.xp)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a library's own, at values that have no limit
        return ground(row.call(xp, *(xp.asarray(a) for a in arrays)))


def on_host(backend, array):
    return backend.to_numpy(ground(array))


def prepared(backend, row, kind=None):
    """Arrays of the backend for a row, and its loss."""
    arrays = [backend.asarray(a if kind is None else a.astype(NARROW[str(a.dtype)])) for a in row.arrays]
    value = on_host(backend, native_value(backend, row, arrays))
    weights = weights_of(row, value).astype(value.dtype)
    xp = differentiable_namespace(backend.xp)
    return arrays, scalar(xp, row.call, backend.asarray(weights))


def slope(backend, function, arrays, moves):
    """The derivative of a function of the backend's arrays along a direction, by central differences."""
    xp = differentiable_namespace(backend.xp)

    def of_host(*moved):
        return float(on_host(backend, function(*[xp.asarray(backend.asarray(a)) for a in moved])))

    return closeness.slope(of_host, arrays, moves)


def everything(row):
    return tuple(range(len(row.arrays)))


@rows
def test_first_derivative(library, row):
    arrays, loss = prepared(library, row)
    gradients = grad(loss, argnums=everything(row))(*arrays)
    for gradient, array in zip(gradients, arrays, strict=True):
        assert type(gradient) is type(array) or library.name == "numpy"
        assert (gradient.dtype, tuple(gradient.shape)) == (array.dtype, tuple(array.shape))
    moves = directions(row.arrays)
    found = [on_host(library, g) for g in gradients]
    assert_near(along(found, moves), slope(library, loss, row.arrays, moves), FIRST)
    if library.name == "jax":  # differences are rough, and its own derivative of each row takes long to compile
        assert_agree(found, by_numpy(row))


def by_numpy(row):
    """The gradients of a row that NumPy gives."""
    with use_backend("numpy") as library:
        arrays, loss = prepared(library, row)
        return grad(loss, argnums=everything(row))(*arrays)


def assert_agree(gradients, expected):
    """Two libraries compute the same but for rounding."""
    for got, wanted in zip(gradients, expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-10 * max(1.0, float(np.max(np.abs(wanted), initial=0))))


@rows
def test_second_derivative(library, row):
    if not row.twice:
        pytest.skip("its second derivative is 0 or jumps")
    arrays, loss = prepared(library, row)
    gradient = grad(loss, argnums=everything(row))
    xp = differentiable_namespace(library.xp)
    moves = [xp.asarray(library.asarray(np.asarray(m))) for m in directions(row.arrays)]

    def along_moves(*xs):
        products = [
            xp.sum(xp.conj(m) * g if "complex" in str(g.dtype) else m * g)
            for m, g in zip(moves, gradient(*xs), strict=True)
        ]
        parts = [xp.real(p) if "complex" in str(p.dtype) else p for p in products]
        return sum(parts[1:], parts[0])

    second = grad(along_moves, argnums=everything(row))(*arrays)
    others = [np.roll(v, 1) for v in directions(row.arrays)]
    got = along([on_host(library, g) for g in second], others)
    assert_near(got, slope(library, along_moves, row.arrays, others), SECOND)


@rows
@pytest.mark.parametrize("kind", [None, "narrow"])
def test_captured_it_is_the_same(library, row, kind):
    arrays, loss = prepared(library, row, kind)
    gradient = grad(loss, argnums=everything(row))
    captured = jit(gradient)
    if not row.shaped and library.name != "strict":  # which records nothing
        with pytest.raises(JitError, match="shape"):
            captured(*arrays)
        return
    for _ in range(2):
        with uncaptured.allowed():
            found = captured(*arrays)
        for got, expected in zip(found, gradient(*arrays), strict=True):
            got, expected = on_host(library, got), on_host(library, expected)
            assert got.dtype == expected.dtype
            bound = ROUNDED[str(expected.dtype)] * max(1.0, float(np.max(np.abs(expected), initial=0)))
            np.testing.assert_allclose(got, expected, rtol=0, atol=bound)


@rows
def test_the_value_is_that_of_the_library(library, row):
    """Differentiated or not, the value is the same bit for bit."""
    arrays, _ = prepared(library, row)
    xp = differentiable_namespace(library.xp)
    kept = []

    def remembered(*xs):
        value = row.call(xp, *xs)
        kept.append(value)
        return xp.sum(xp.real(value) if "complex" in str(value.dtype) else value)

    grad(remembered, argnums=everything(row))(*arrays)
    expected = native_value(library, row, arrays)
    np.testing.assert_array_equal(on_host(library, kept[0]), on_host(library, expected))


@rows
def test_pytorch_agrees(row):
    torch = pytest.importorskip("torch", reason="the oracle is PyTorch: pip install torch")
    if reason := row.no_oracle.get("torch") or row.skip.get("torch"):
        pytest.skip(reason)
    import array_api_compat.torch as xp

    tensors = [torch.tensor(a).requires_grad_() for a in row.arrays]
    value = native_value_of(xp, row, [t.detach() for t in tensors])
    weights = torch.tensor(weights_of(row, value.resolve_conj().resolve_neg().numpy()))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "torch.asarray: unspecified requires_grad")  # told once, of its own arrays
        expected = torch.autograd.grad(scalar(xp, row.call, weights)(*tensors), tensors)
    gradients = grad(scalar(differentiable_namespace(xp), row.call, weights), argnums=everything(row))(
        *(t.detach() for t in tensors)
    )
    on_the_host = [[t.resolve_conj().resolve_neg().numpy() for t in tensors] for tensors in (gradients, expected)]
    assert_agree(*on_the_host)


@rows
def test_jax_agrees(row):
    jax = pytest.importorskip("jax", reason="the oracle is JAX: pip install jax")
    if reason := row.no_oracle.get("jax") or row.skip.get("jax"):
        pytest.skip(reason)
    jax.config.update("jax_enable_x64", True)
    xp = jax.numpy
    arrays = [xp.asarray(a) for a in row.arrays]
    weights = xp.asarray(weights_of(row, np.asarray(native_value_of(xp, row, arrays))))
    by_jax = jax.grad(scalar(xp, row.call, weights), argnums=everything(row))
    try:
        expected = jax.jit(by_jax)(*arrays)  # each operation by itself takes far longer
    except (jax.errors.NonConcreteBooleanIndexError, jax.errors.ConcretizationTypeError):  # contents decide on shapes
        expected = by_jax(*arrays)
    gradients = grad(scalar(differentiable_namespace(xp), row.call, weights), argnums=everything(row))(*arrays)
    assert_agree(gradients, [np.conj(wanted) for wanted in expected])  # JAX gives the conjugate for complex arguments


def native_value_of(xp, row, arrays):
    return row.call(xp, *arrays)


def test_every_rule_has_a_row():
    without = {"argument"}
    missing = {*RULES, *COMPOSED} - {row.op for row in CASES} - without
    assert sorted(missing) == []


@pytest.mark.parametrize("op", sorted(LOOKS_AT))
def test_a_rule_looks_at_nothing_that_went(op):
    """The gradient of each argument alone, and of all, beside those of a pass in which everything stays."""
    xp = differentiable_namespace(array_namespace(np.ones(1)))
    looked_at = [row for row in CASES if row.op == op]
    assert looked_at
    for row in looked_at:
        function = scalar(xp, row.call, weights_of(row, ground(row.call(xp, *map(xp.asarray, row.arrays)))))
        for wanted in [*everything(row), everything(row)]:
            got = grad(function, argnums=wanted)(*row.arrays)
            with everything_kept():
                kept = grad(function, argnums=wanted)(*row.arrays)
            for one, other in zip(flatten(got)[0], flatten(kept)[0], strict=True):
                np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("function", "stay"),
    [
        (lambda xp, a, c: a * c, {"c"}),
        (lambda xp, a, c: a / c, {"c"}),
        (lambda xp, a, c: c / a, {"a", "result"}),
        (lambda xp, a, c: c - a, set()),
        (lambda xp, a, c: a * a, {"a"}),
        (lambda xp, a, c: xp.where(c > 0, a, c), set()),
        (lambda xp, a, c: xp.tanh(a), {"result"}),
    ],
)
@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_what_no_rule_looks_at_is_let_go_of(library, function, stay):
    made = pytest.importorskip(library)
    living = {}

    def loss(x):
        xp = x.xp
        arrays = {"a": x * 1.0, "c": xp.exp(xp.asarray(made.ones(3)))}
        arrays["result"] = function(xp, arrays["a"], arrays["c"])
        living.update({name: weakref.ref(ground(array)) for name, array in arrays.items()})
        return xp.sum(arrays["result"])

    _, pullback = vjp(loss, made.ones(3))
    assert {name for name, array in living.items() if array() is not None} == stay
    assert pullback(made.ones(()))[0].shape == (3,)


def test_every_elementwise_function_of_the_standard_is_known():
    standard = pytest.importorskip("array_api_strict", reason="it lists them: pip install array-api-strict")
    functions = vars(standard._elementwise_functions)
    names = [name for name in standard.__all__ if name in functions and callable(functions[name])]
    assert len(names) > 60
    assert [name for name in names if name not in {*RULES, *COMPOSED, *WITHOUT_GRADIENT, *LOOKS_ONLY}] == []


def test_no_function_is_in_two_tables():
    assert not (set(RULES) | set(COMPOSED)) & WITHOUT_GRADIENT
    assert not set(COMPOSED) & set(RULES)
    assert set(NATIVE) <= set(RULES) | WITHOUT_GRADIENT
