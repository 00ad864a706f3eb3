"""jit: a function recorded once for each signature and replayed, on every backend."""

import dataclasses
import gc
import importlib
import re
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import pytest
from array_api_compat import array_namespace

import miniflow_xp as mf
from miniflow_xp.errors import DifferentiationError, JitError, SettingError, ShapeError
from miniflow_xp.transforms.jit import KEPT


def smooth(x):
    xp = array_namespace(x)
    return xp.sum(xp.sin(x) * xp.exp(-x * x))


def slope_of_smooth(x):
    return (np.cos(x) - 2 * x * np.sin(x)) * np.exp(-x * x)


def near(backend, got, expected, bound=1e-12):
    """Float64, a few operations on numbers up to ten."""
    np.testing.assert_allclose(backend.to_numpy(got), expected, rtol=0, atol=bound)


def counted(function):
    """The function, and the list of its runs."""
    runs = []

    def counting(*args, **keywords):
        runs.append(args)
        return function(*args, **keywords)

    return counting, runs


X = np.array([0.5, -1.5, 2.0])


@pytest.fixture
def capturing(backend):
    """A backend that captures."""
    if backend.name == "strict":
        pytest.skip("array-api-strict captures nothing, and runs the function each time")
    return backend


# Signatures


def test_a_function_is_run_once_for_each_signature(capturing):
    function, runs = counted(lambda x: x * 2)
    f = mf.jit(function)
    for array in (X, X, X[:2], X, np.ones((2, 2)), X.astype("float32"), X):
        near(capturing, f(capturing.asarray(array)), array * 2)
    assert len(runs) == 4


def test_the_arrays_decide_the_backend(backend):
    f = mf.jit(smooth)
    with mf.use_backend("numpy"):
        got = f(backend.asarray(X))
    assert backend.owns(got)
    assert f"on {backend.name}:" in f.explain()


def test_one_function_serves_several_libraries():
    pytest.importorskip("torch")
    f = mf.jit(smooth)
    for name in ("numpy", "torch", "numpy"):
        backend = mf.switch.load(name)
        assert backend.owns(f(backend.asarray(X)))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int64", "bool", "complex64"])
def test_dtypes_are_kept(backend, dtype):
    if dtype == "float16" and backend.name == "strict":
        pytest.skip("array-api-strict has no half precision")
    x = backend.asarray(np.array([1, 0, 1]), dtype)
    got = mf.jit(lambda x: x)(x)
    assert (got.dtype, tuple(got.shape)) == (x.dtype, (3,))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_rounded_as_without(capturing, dtype):
    if dtype == "bfloat16" and capturing.name == "numpy":
        pytest.skip("NumPy has no bfloat16")
    x = capturing.asarray(np.linspace(-2, 2, 33), dtype)
    gradient = mf.grad(lambda x: array_namespace(x).sum(x * x * 3 + array_namespace(x).exp(x)))
    got, expected = mf.jit(gradient)(x), gradient(x)
    assert got.dtype == expected.dtype == x.dtype
    eps = {"float16": 2.0**-10, "bfloat16": 2.0**-7}[dtype]
    near(capturing, got, capturing.to_numpy(expected), bound=4 * eps * 20)  # a compiler may round once for two


def test_python_numbers_become_arrays(backend):
    function, runs = counted(lambda x, a, n: (x * a, n + n))
    f = mf.jit(function)
    x = backend.asarray(X)
    for a, n in ((2.0, 1), (3.0, 5)):
        product, total = f(x, a, n)
        near(backend, product, X * a)
        assert int(total) == 2 * n
    assert len(runs) == 1 or backend.name == "strict"
    assert backend.owns(mf.jit(lambda a: a * 2)(1.5))


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64"])
def test_a_float_is_as_wide_as_what_it_meets(backend, dtype):
    x = backend.asarray(X, dtype)
    assert mf.jit(lambda x, a: x * a)(x, 2.0).dtype == x.dtype
    if "complex" in dtype:
        assert mf.jit(lambda x, a: x * a)(x, 2.0j).dtype == x.dtype


def test_numbers_belong_to_the_library_of_the_arrays(backend):
    f, x = mf.jit(lambda x, a: x * a), backend.asarray(X)
    with mf.use_backend("numpy"):
        near(backend, f(x, 2.0), X * 2)


def test_lists_of_numbers_are_trees_of_numbers(backend):
    assert [float(v) for v in mf.jit(lambda v: [v[1], v[0] + v[1]])([1.0, 2.0])] == [2.0, 3.0]


def test_static_arguments_stay_as_they_are():
    def power(x, n, mode):
        assert type(n) is int
        return x**n if mode == "power" else x * n

    function, runs = counted(power)
    f = mf.jit(function, static_argnums=(1, -1))
    np.testing.assert_array_equal(f(X, 3, "power"), X**3)
    np.testing.assert_array_equal(f(X, 2, "power"), X**2)
    np.testing.assert_array_equal(f(X + 1, 3, "power"), (X + 1) ** 3)
    np.testing.assert_array_equal(f(X, 3, "times"), X * 3)
    assert len(runs) == 3


def test_a_static_argument_may_come_by_keyword():
    runs = []

    def power(x, n, mode="power"):
        runs.append(n)
        return x**n if mode == "power" else x * n

    f = mf.jit(power, static_argnums=(1, 2))
    for _ in range(2):
        np.testing.assert_array_equal(f(X, n=3), X**3)
        np.testing.assert_array_equal(f(X, 3, mode="times"), X * 3)
        np.testing.assert_array_equal(f(mode="times", n=2, x=X), X * 2)
    assert len(runs) == 3


def test_static_arguments_of_another_type_are_another_signature():
    f = mf.jit(lambda x, n: x * 2 if n is True else x * n[0] if isinstance(n, tuple) else x, static_argnums=1)
    ints = np.array([1, 2])
    assert f(ints, 1).dtype == ints.dtype
    np.testing.assert_array_equal(f(ints, True), ints * 2)
    assert f(ints, (1,)).dtype == "int64"
    assert f(ints, (1.0,)).dtype == "float64"


@pytest.mark.parametrize("wrong", ["n", 1.0, None, [1, "n"], True])
def test_static_arguments_are_named_by_positions(wrong):
    with pytest.raises(SettingError, match="static_argnums is"):
        mf.jit(lambda x, n: x, static_argnums=wrong)
    np.testing.assert_array_equal(mf.jit(lambda x, n: x**n, static_argnums=np.int64(1))(X, 2), X**2)


def test_a_static_argument_that_cannot_be_compared_is_refused():
    with pytest.raises(JitError, match=r"static argument is \[1, 2\]"):
        mf.jit(lambda x, n: x, static_argnums=1)(X, [1, 2])


def test_keywords():
    function, runs = counted(lambda x, *, scale, shift=None: x * scale + (0 if shift is None else shift))
    f = mf.jit(function)
    np.testing.assert_array_equal(f(X, scale=X), X * X)
    np.testing.assert_array_equal(f(X, scale=X, shift=X), X * X + X)
    np.testing.assert_array_equal(f(X, shift=X, scale=X), X * X + X)
    np.testing.assert_array_equal(f(X + 1, scale=X), (X + 1) * X)
    assert len(runs) <= 3


def test_old_signatures_are_dropped():
    f = mf.jit(lambda x: x + 1)
    for n in range(KEPT + 10):
        np.testing.assert_array_equal(f(np.zeros(n)), np.ones(n))
    assert len(f._kept) == KEPT


def test_each_call_is_of_the_library_of_its_arrays():
    jnp = pytest.importorskip("jax.numpy")
    f = mf.jit(lambda x: x * 2)
    for _ in range(3):  # JAX finds what it knows by itself, and would take NumPy's arrays too
        assert not isinstance(f(jnp.ones(3)), np.ndarray)
        assert isinstance(f(np.ones(3)), np.ndarray)
    assert len(f._kept) == 2


def test_jax_finds_forms_apart_though_their_arrays_look_alike():
    jnp = pytest.importorskip("jax.numpy")
    f = mf.jit(lambda tree: next(iter(tree.values())) - 0.0)
    one, two = jnp.ones(3), 2 * jnp.ones(3)
    for _ in range(3):
        assert float(f({"a": one, "b": two})[0]) == 1
        assert float(f({"b": two, "a": one})[0]) == 2


def test_jax_is_asked_for_what_was_recorded_in_all_threads():
    jnp = pytest.importorskip("jax.numpy")
    f = mf.jit(lambda x: x.shape[0] * x)
    sizes = [*range(1, 9)] * 4
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda n: float(f(jnp.ones(n))[0]), sizes))
    assert found == sizes


def test_captures_that_were_given_up_are_found_by_jax_no_more():
    jnp = pytest.importorskip("jax.numpy")
    f = mf.jit(lambda x: x * 2)
    for _ in range(2):
        for n in range(KEPT + 2):
            assert f(jnp.ones(n)).shape == (n,)
    assert len(f._kept) == KEPT


# Trees


class Pair(NamedTuple):
    left: object
    right: object


@dataclasses.dataclass(frozen=True)
class Model:
    weights: object
    bias: object


TREES = {
    "a dict": {"w": X, "b": X + 1},
    "nested": [X, (X + 1, {"deep": [X + 2]}), None],
    "a named tuple": Pair(X, [X * 2]),
    "a dataclass": Model(X, X + 1),
    "nothing": (X, [], {}, None),
}


@pytest.mark.parametrize("name", TREES)
def test_arguments_and_results_have_a_form(backend, name):
    def double(tree):
        return mf.transforms.trees.tree_map(lambda x: x * 2, tree)

    tree = mf.transforms.trees.tree_map(backend.asarray, TREES[name])
    f = mf.jit(double)
    for _ in range(2):
        got = f(tree)
        leaves, _ = mf.transforms.trees.flatten(got)
        wanted, _ = mf.transforms.trees.flatten(TREES[name])
        assert mf.transforms.trees.form_of(got) == mf.transforms.trees.form_of(TREES[name])
        for leaf, expected in zip(leaves, wanted, strict=True):
            near(backend, leaf, expected * 2)


def test_results_that_are_no_arrays_are_those_of_the_recording(backend):
    f = mf.jit(lambda x: {"value": x + 1, "length": x.shape[0], "name": "f", "none": None})
    for _ in range(2):
        got = f(backend.asarray(X))
        near(backend, got.pop("value"), X + 1)
        assert got == {"length": 3, "name": "f", "none": None}


# What comes back


def test_results_belong_to_the_caller(capturing):
    """Arguments, constants, one array twice, views, one of several results: none of them shares memory."""
    if capturing.name == "jax":
        pytest.skip("JAX's arrays never change")

    def function(x):
        xp = array_namespace(x)
        y = xp.exp(x)
        whole = xp.reshape(xp.exp(x * 2), (1, 3))
        return [x, x, y, y[1:], xp.ones(2), xp.flip(x), *xp.unstack(x), *xp.broadcast_arrays(x, y), whole, whole[0, :]]

    f, x = mf.jit(function), capturing.asarray(X)
    expected = [capturing.to_numpy(r).copy() for r in f(x)]
    for _ in range(3):
        for n, wanted in enumerate(expected):
            results = f(x)
            near(capturing, results[n], wanted, 0)
            results[n][...] = 7.0
            for m, other in enumerate(expected):
                near(capturing, results[m], np.full_like(other, 7.0) if m == n else other, 0)
        near(capturing, x, X, 0)


def test_an_earlier_result_is_left_alone(backend):
    f = mf.jit(mf.grad(smooth))
    first = f(backend.asarray(X))
    f(backend.asarray(X * 2))
    near(backend, first, slope_of_smooth(X))


def test_the_arguments_are_left_alone(backend):
    def writes(x):
        x = array_namespace(x).asarray(x, copy=True)
        x[0] = 9.0
        return x

    x = backend.asarray(X)
    if backend.name == "jax":
        return
    near(backend, mf.jit(writes)(x), [9.0, -1.5, 2.0])
    near(backend, x, X)


def test_scalars_and_empty_arrays(backend):
    xp = backend.xp
    f = mf.jit(lambda x: (array_namespace(x).sum(x), x[0:0, ...], array_namespace(x).sum(x[0:0, ...], axis=0)))
    total, empty, sums = f(xp.ones((4, 2)))
    assert (float(total), tuple(empty.shape)) == (8.0, (0, 2))
    near(backend, sums, np.zeros(2))
    assert float(mf.jit(mf.grad(lambda x: x * x))(xp.asarray(3.0))) == 6.0


def test_a_function_is_recorded_and_does_not_run_again(capturing):
    kept = []
    f = mf.jit(lambda x: kept.append(len(kept)) or x + len(kept))
    for _ in range(3):
        near(capturing, f(capturing.asarray(X)), X + 1)
    assert kept == [0]


def test_what_was_recorded_is_not_kept():
    f = mf.jit(lambda x: {"y": x * 2, "z": [x]})
    x = np.ones(1000)
    f(x)
    seen = weakref.ref(x)
    del x
    gc.collect()
    assert seen() is None


# Several results, indices, extensions


FUNCTIONS = {
    "eigh": lambda xp, a, b: xp.linalg.eigh(a + xp.matrix_transpose(a)),
    "qr": lambda xp, a, b: xp.matmul(*xp.linalg.qr(a)),
    "slogdet": lambda xp, a, b: xp.linalg.slogdet(a),
    "svd": lambda xp, a, b: xp.linalg.svd(a, full_matrices=False)[1],
    "solve": lambda xp, a, b: xp.linalg.solve(a, b),
    "fft": lambda xp, a, b: xp.fft.irfft(xp.fft.rfft(a)),
    "unstack": lambda xp, a, b: xp.unstack(a),
    "meshgrid": lambda xp, a, b: xp.meshgrid(a[0, :], b[:, 0]),
    "sort": lambda xp, a, b: (xp.sort(a), xp.argsort(b, axis=0)),
    "take": lambda xp, a, b: xp.take(a, xp.argsort(b[0, :]), axis=1),
    "integers": lambda xp, a, b: a[(xp.argsort(b[0, :]), xp.argsort(b[1, :]))],
    "one element": lambda xp, a, b: (a[0, 1], a[1, ...]),
    "where": lambda xp, a, b: xp.where(a > b, a, xp.zeros_like(a)),
    "cumulative": lambda xp, a, b: xp.cumulative_sum(a, axis=0) + xp.cumulative_sum(b, axis=1),
    "complex": lambda xp, a, b: xp.abs(xp.astype(a, xp.complex128) * 1j + 2),
    "powers": lambda xp, a, b: (a**2, a**-1, xp.abs(a) ** 0.5, a**3),
}


def call_of(function):
    return lambda *arrays: function(array_namespace(*arrays), *arrays)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_functions_of_all_kinds(backend, function):
    random = np.random.default_rng(0)
    call = call_of(FUNCTIONS[function])
    f = mf.jit(call)
    for _ in range(2):
        arrays = [backend.asarray(random.normal(size=(3, 3)) + 3 * np.eye(3)) for _ in range(2)]
        got, expected = (mf.transforms.trees.flatten(c(*arrays))[0] for c in (f, call))
        for result, wanted in zip(got, expected, strict=True):
            near(backend, result, backend.to_numpy(wanted), 1e-13)  # the same functions on the same numbers
    assert "cannot be recorded" not in f.explain()
    assert type(f(*arrays)) is type(call(*arrays)) or not isinstance(call(*arrays), tuple)


def test_assignments_are_recorded(backend):
    def function(x, y):
        xp = array_namespace(x, y)
        total = xp.zeros_like(x)
        total[0] = y[0] * 2
        total[1:] += y[1:]
        return xp.sum(total * x)

    arrays = backend.asarray(X), backend.asarray(X + 1)
    both = mf.grad(function, argnums=(0, 1))
    for got, expected in zip(mf.jit(both)(*arrays), [[2 * (X[0] + 1), *(X[1:] + 1)], [2 * X[0], *X[1:]]], strict=True):
        near(backend, got, expected)


# Inside of transformations, and around them


def test_jit_of_a_gradient_and_gradient_of_a_jit(backend):
    x = backend.asarray(X)
    for gradient in (mf.jit(mf.grad(smooth)), mf.grad(mf.jit(smooth)), mf.jit(mf.grad(mf.jit(smooth)))):
        near(backend, gradient(x), slope_of_smooth(X))
        near(backend, gradient(x + 1), slope_of_smooth(X + 1))


def test_second_order_through_jit(backend):
    x = backend.asarray(X)
    expected = backend.to_numpy(mf.hessian(smooth)(x))
    near(backend, mf.jit(mf.hessian(smooth))(x), expected)
    near(backend, mf.hessian(mf.jit(smooth))(x), expected)
    near(backend, mf.jit(lambda v: mf.hvp(smooth, (x,), (v,)))(x), expected @ X)
    near(backend, mf.jit(lambda v: mf.jvp(smooth, (x,), (v,))[1])(x), slope_of_smooth(X) @ X)


def test_gradients_of_what_a_recorded_function_closes_over_are_refused():
    def outer(x):
        return array_namespace(x).sum(mf.jit(lambda y: y * x)(np.ones(3)))

    with pytest.raises(DifferentiationError, match="Give the array as an argument"):
        mf.grad(outer)(X)


def test_constants_may_be_closed_over(backend):
    x = backend.asarray(X)
    near(backend, mf.jit(lambda y: y * x + backend.xp.sum(x))(x), X * X + X.sum())


# Threads


def test_two_threads_call_one_function(backend):
    f = mf.jit(mf.grad(smooth))
    wrong = []

    def work(shift):
        with mf.use_backend(backend):
            for n in range(30):
                x = X[: 1 + n % 3] + shift
                if not np.allclose(backend.to_numpy(f(backend.asarray(x))), slope_of_smooth(x), rtol=0, atol=1e-12):
                    wrong.append(x)

    threads = [threading.Thread(target=work, args=(0.1 * n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


# Errors


def branch(x):
    xp = array_namespace(x)
    if xp.sum(x) > 0:  # the line that is named
        return x
    return -x


def line_of(function, text):
    """file:line of the first line of a function that holds ``text``."""
    import inspect

    lines, first = inspect.getsourcelines(function)
    return f"test_jit.py:{first + next(n for n, line in enumerate(lines) if text in line)}"


def masked(x):
    return x[x > 0]


def number(x):
    return x * float(x[0])


def loop(x):
    while x[0] > 0:
        x = x - 1
    return x


def places(x):
    return array_namespace(x).nonzero(x)[0]


def kinds(x):
    return array_namespace(x).unique_values(x)


def repetitions(x):
    return array_namespace(x).repeat(x, array_namespace(x).argsort(x))


LOOKING = [
    (branch, "if xp.sum"),
    (masked, "return x["),
    (number, "float("),
    (loop, "while"),
    (places, "nonzero"),
    (kinds, "unique_values"),
    (repetitions, "repeat("),
]


@pytest.mark.parametrize(("function", "text"), LOOKING, ids=[f.__name__ for f, _ in LOOKING])
def test_code_that_depends_on_contents_is_named_by_its_line(capturing, function, text):
    for f in (mf.jit(function), mf.jit(lambda x: mf.vjp(function, x)[0])):
        with pytest.raises(JitError, match=re.escape("xp.where")) as caught:
            f(capturing.asarray(X))
        assert f"jit of {f.__name__}, at {line_of(function, text)}: " in str(caught.value)


def test_an_error_of_the_function_itself_is_raised_as_it_is(backend):
    def wrong(x):
        raise ShapeError("here", "this came", "that was expected", "do so")

    with pytest.raises(ShapeError, match="this came"):
        mf.jit(wrong)(backend.asarray(X))
    with pytest.raises(ZeroDivisionError):
        mf.jit(lambda x: x * (1 // 0))(backend.asarray(X))


def test_an_argument_that_is_no_array_names_the_remedy():
    with pytest.raises(DifferentiationError, match=r"it is a str.*static_argnums"):
        mf.jit(lambda x, mode: x)(X, "fast")


# explain


def test_explain_says_what_was_done(backend):
    f = mf.jit(smooth)
    assert f.explain() == "not captured yet"
    f(backend.asarray(X))
    said = {
        "numpy": "recorded and replayed",
        "torch": "recorded and replayed",
        "jax": "compiled as one by jax.jit",
        "strict": "the plain loop",
        "cupy": "recorded",
    }
    assert said[backend.name] in f.explain()
    assert f.explain() in repr(f)
    assert f.__name__ == "smooth"


def test_what_leaves_the_namespace_runs_by_the_plain_loop_and_says_so():
    f = mf.jit(lambda x: x + np.asarray(np.linalg.norm(np.asarray(x))))
    np.testing.assert_array_equal(f(X), X + np.linalg.norm(X))
    assert "the plain loop, because it cannot be recorded" in f.explain()


@pytest.mark.parametrize("compile", [False, True])
def test_what_pytorch_replays_asks_for_no_gradient(compile):  # noqa: A002  the option's name
    torch = pytest.importorskip("torch")
    x = torch.arange(3.0, requires_grad=True)
    with mf.use_backend("torch", compile=compile):
        assert [r.requires_grad for r in mf.jit(lambda x: (x, x[1:], x * 2))(x)] == [False] * 3


# PyTorch's compiler


@pytest.mark.filterwarnings("ignore::DeprecationWarning:torch", "ignore::FutureWarning:torch")
def test_pytorch_compiles_each_function_as_its_own(monkeypatch):
    """More of them than PyTorch compiles of one piece of code."""
    torch = pytest.importorskip("torch")
    if torch.__version__ < "2.4":
        pytest.skip("older compilers need another Python")
    monkeypatch.setattr(importlib.import_module("torch._dynamo").config, "cache_size_limit", 2)  # each takes seconds
    with mf.use_backend("torch", compile=True) as backend:
        x = backend.asarray(X)
        for n in range(3):
            f = mf.jit(lambda x, n=n: x * n + 1)
            near(backend, f(x), X * n + 1)
            assert "compiled as one by torch.compile" in f.explain()
        near(backend, mf.jit(mf.grad(smooth))(x), slope_of_smooth(X))
        matrix = backend.asarray(np.diag(X + 3))
        values, vectors = mf.jit(lambda a: array_namespace(a).linalg.eigh(a))(matrix)
        near(backend, values, np.sort(X + 3))
        assert tuple(vectors.shape) == (3, 3)
        near(backend, mf.jit(mf.grad(lambda x: array_namespace(x).sum(x[1:] * x[0])))(x), [0.5, 0.5, 0.5])
        of_expit = mf.jit(mf.grad(lambda x: array_namespace(x).sum(array_namespace(x).logaddexp(x, 0 * x))))
        near(backend, of_expit(x), 1 / (1 + np.exp(-X)))
        assert "compiled as one by torch.compile" in of_expit.explain()


def test_what_pytorchs_compiler_refuses_is_replayed(monkeypatch):
    pytest.importorskip("torch")
    from miniflow_xp.backends.torch import compiled

    def refusing(*_):
        raise RuntimeError("cannot follow this")

    monkeypatch.setattr(compiled, "compiled_for", refusing)
    with mf.use_backend("torch", compile=True) as backend:
        f = mf.jit(lambda x: x * 2)
        for _ in range(2):
            near(backend, f(backend.asarray(X)), X * 2)
        assert "replayed, because torch.compile refused it: cannot follow this" in f.explain()
