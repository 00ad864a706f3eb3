"""Plain NumPy code on traced arrays: its functions, in its own signatures; what cannot be caught is refused."""

import inspect
import types

import numpy as np
import pytest
from closeness import along, assert_near, directions, slope
from numpy_rows import NEW, ROWS, A, V, Z

import miniflow_xp as mf
from miniflow_xp.arrays.protocols import verdicts
from miniflow_xp.arrays.protocols.entries import FUNCTIONS
from miniflow_xp.arrays.traced import Traced, ground
from miniflow_xp.errors import DifferentiationError, JitError, MiniflowError

FIRST, SECOND = 3e-8, 3e-7
"""As in ``test_array_functions``: central differences, of values and of first derivatives."""

FIRSTS = list({row.name: row for row in reversed(ROWS)}.values())
"""One row of each function."""

rows = pytest.mark.parametrize("row", ROWS, ids=[f"{row.name}-{n}" for n, row in enumerate(ROWS)])
one_of_each = pytest.mark.parametrize("row", FIRSTS, ids=str)


def weights_of(value):
    random = np.random.default_rng(1)
    weights = random.normal(size=value.shape)
    return weights + 1j * random.normal(size=value.shape) if np.iscomplexobj(value) else weights


def scalar(row):
    """x ↦ Re Σ w̄ f(x), in plain NumPy code."""
    weights = np.conj(weights_of(np.asarray(row.call(*row.arrays))))
    return lambda *arrays: np.real(np.sum(weights * row.call(*arrays)))


@rows
def test_value_and_gradient(row):
    kept = []

    def loss(*arrays):
        kept.append(row.call(*arrays))
        return np.real(np.sum(np.conj(weights) * kept[0]))

    expected = np.asarray(row.call(*row.arrays))
    weights = weights_of(expected)
    gradients = mf.grad(loss, argnums=tuple(range(len(row.arrays))))(*row.arrays)
    assert type(kept[0]) is Traced
    value = np.asarray(ground(kept[0]))
    assert (value.shape, value.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_allclose(value, expected, rtol=1e-11, atol=1e-12)
    moves = directions(row.arrays)
    assert_near(along(gradients, moves), slope(scalar(row), row.arrays, moves), FIRST)


OWN_DTYPE = {"array", "asarray"}
"""A list of float32 arrays and numbers is float64 to NumPy; here numbers take the dtype of the arrays."""


@one_of_each
def test_in_single_precision_the_dtype_is_that_of_numpy(row):
    if row.name in OWN_DTYPE:
        pytest.skip("numbers in a list take the dtype of the arrays beside them")
    arrays = [a.astype(np.complex64 if np.iscomplexobj(a) else np.float32) for a in row.arrays]
    kept = []

    def f(*xs):
        kept.append(row.call(*xs))
        return np.real(np.sum(kept[0]))

    mf.grad(f, argnums=tuple(range(len(arrays))))(*arrays)
    expected = np.asarray(row.call(*arrays))
    assert ground(kept[0]).dtype == expected.dtype
    np.testing.assert_allclose(np.asarray(ground(kept[0])), expected, rtol=1e-3, atol=1e-4)


@one_of_each
def test_second_derivative(row):
    gradient = mf.grad(scalar(row), argnums=tuple(range(len(row.arrays))))
    moves, others = directions(row.arrays), [np.roll(v, 1) for v in directions(row.arrays)]
    second = mf.grad(lambda *xs: along(gradient(*xs), moves), argnums=tuple(range(len(row.arrays))))(*row.arrays)
    assert_near(along(second, others), slope(lambda *xs: along(gradient(*xs), moves), row.arrays, others), SECOND)


@one_of_each
def test_captured_it_is_the_same(row):
    gradient = mf.grad(scalar(row), argnums=tuple(range(len(row.arrays))))
    captured = mf.jit(gradient)
    if not row.captured:
        with pytest.raises((JitError, MiniflowError)):
            captured(*row.arrays)
        return
    for got, expected in zip(captured(*row.arrays), gradient(*row.arrays), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-11, atol=1e-11)


def in_words_of(call, module):
    """The same code, with another module in place of NumPy."""
    if not isinstance(call, types.FunctionType) or call.__module__ != "numpy_rows":
        return getattr(module, call.__name__)
    return types.FunctionType(
        call.__code__, {**call.__globals__, "np": module}, None, call.__defaults__, call.__closure__
    )


def compared(rows, module, gradient_of, arrays_of):
    """The functions whose gradients another library gives for the same code: those that are equal, and the others."""
    equal, others = set(), set()
    for row in rows:
        weights, argnums = np.conj(weights_of(np.asarray(row.call(*row.arrays)))), tuple(range(len(row.arrays)))
        try:
            call = in_words_of(row.call, module)
            theirs = gradient_of(lambda *xs: module.real(module.sum(weights * call(*xs))), argnums)  # noqa: B023
            expected = theirs(*arrays_of(row.arrays))
        except Exception:  # it has not this function, or not this form of it
            continue
        ours = mf.grad(scalar(row), argnums=argnums)(*row.arrays)
        pairs = zip(ours, expected, strict=True)  # their gradient of a complex number is the conjugate of ours
        same = all(np.allclose(got, np.conj(np.asarray(wanted)), rtol=1e-9, atol=1e-9) for got, wanted in pairs)
        (equal if same else others).add(row.name)
    return equal, others


WRONG_IN_AUTOGRAD = {"sum", "prod", "mean", "std", "var", "max", "min", "linalg.norm", "fft.rfft"}
"""It leaves ``where=`` and ``initial=`` out of account, and an ``n`` that adds zeros; norms of order ∞ are NaN."""


def test_hips_autograd_agrees():
    pytest.importorskip("autograd", reason="the oracle is HIPS/autograd: pip install autograd")
    import autograd.numpy
    from autograd import grad

    with np.errstate(all="ignore"):
        equal, others = compared(ROWS, autograd.numpy, grad, lambda arrays: arrays)
    assert len(equal) >= 100, sorted(equal)
    assert others == WRONG_IN_AUTOGRAD


ON_JAX = ("interp", "convolve", "select", "einsum", "kron", "gradient", "unwrap", "clip", "cross")
"""A sample, as JAX compiles each call."""


def test_jax_agrees():
    jax = pytest.importorskip("jax", reason="the oracle is JAX: pip install jax")
    jax.config.update("jax_enable_x64", True)
    some = [row for row in FIRSTS if row.name in ON_JAX]
    found = compared(some, jax.numpy, jax.grad, lambda arrays: [jax.numpy.asarray(a) for a in arrays])
    assert found == (set(ON_JAX), set())


TOLD_DIFFERENTLY = {"arange", "array", "asarray", "asanyarray", "ascontiguousarray", "asfortranarray"}
"""Several of NumPy's that are one here, and one whose arguments have other names in each of its versions."""

GAINED = {} if NEW else {"sort": {"descending"}, "argsort": {"descending"}}
"""Arguments that NumPy's functions have in versions later than this one: NumPy refuses them before it asks us."""


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_signatures_are_those_of_numpy(name):
    """Names and places of arguments, and their defaults; ``like=`` is taken off before we are asked."""
    try:
        theirs = inspect.signature(verdicts.function_of(name)).parameters.values()
    except (ValueError, TypeError, AttributeError):
        pytest.skip("this version of NumPy does not tell")
    ours = list(inspect.signature(FUNCTIONS[name].call).parameters.values())[1:]
    if any(p.kind is p.VAR_KEYWORD and p.name == "keywords" for p in ours):
        return  # NumPy's own function, with the same arguments
    theirs = [p for p in theirs if p.name != "like"]
    theirs = [p for p in theirs if p.name != "like"]
    if name in TOLD_DIFFERENTLY:
        both = {p.name for p in theirs} & {p.name for p in ours}
        theirs, ours = ([p for p in side if p.name in both] for side in (theirs, ours))
        assert "dtype" in both
        return
    later = GAINED.get(name, set())
    assert positional(ours) == positional(theirs)
    assert {p.name for p in ours} - later == {p.name for p in theirs}


@pytest.mark.skipif(not NEW, reason="NumPy sorts downwards since 2.5")
@pytest.mark.parametrize("x", [np.array([1.0, np.nan, -np.inf, 3.0, np.inf]), np.array([2, 3, 2, 1], "uint8")], ids=str)
def test_sorted_downwards_nan_comes_last(x):
    kept = []

    def f(p):
        y = p[0] * x if x.dtype.kind == "f" else x + np.argsort(p)[:1].astype("uint8")
        kept.extend((np.sort(y, descending=True), np.argsort(y, descending=True, stable=True)))
        return np.sum(p)

    mf.grad(f)(np.ones(1))
    np.testing.assert_array_equal(ground(kept[0]), np.sort(x, descending=True))
    np.testing.assert_array_equal(ground(kept[1]), np.argsort(x, descending=True, stable=True))


def positional(parameters):
    return [p.name for p in parameters if p.kind is not p.KEYWORD_ONLY]


def test_every_function_of_numpy_has_a_verdict():
    unknown = [v.name for v in verdicts.verdicts() if v.what == verdicts.UNKNOWN]
    assert unknown == []


def test_the_page_has_the_counts_that_the_command_prints(capsys):
    from pathlib import Path

    from miniflow_xp.arrays.protocols.__main__ import main
    from miniflow_xp.arrays.protocols.torch_dispatch import table

    text = (Path(__file__).resolve().parent.parent / "docs" / "numpy-code.md").read_text(encoding="utf-8")
    main()
    printed = capsys.readouterr().out.splitlines()
    assert f"{len(table())} of its functions" in text
    if f"\n{printed[-3]}\n" not in text:
        pytest.skip("the page tells of another version of NumPy")
    assert "\n".join(printed[-3:]) in text


def test_every_function_with_a_gradient_has_a_row():
    seen = {row.name for row in ROWS}
    rowless = set()
    for verdict in verdicts.verdicts():
        function = verdicts.function_of(verdict.name)
        own = f"{function.__module__}.{function.__name__}" if not verdict.is_ufunc else function.__name__
        if verdict.what == verdicts.GRADIENT and not {verdict.name, own.removeprefix("numpy.")} & seen:
            rowless.add(verdict.name)
    assert rowless == set()


CONSTANT = {
    "a mask": lambda x: x > 0,
    "allclose": lambda x: np.allclose(x, x + 1e-9),
    "all": lambda x: np.all(x < 0.5, axis=1, where=x > 0),
    "any": lambda x: np.any(x > 0.5, 0, where=x < 1),
    "argmax": lambda x: np.argmax(x, 1),
    "argmin": lambda x: np.argmin(x),
    "argpartition": lambda x: x[0][np.argpartition(x[0], 0)[0]] == np.min(x[0]),
    "argsort": lambda x: np.argsort(x, axis=0),
    "argwhere": lambda x: np.argwhere(x > 0),
    "array_equal": lambda x: np.array_equal(x, x),
    "array_equiv": lambda x: np.array_equiv(x, [1.0]),
    "array_repr": lambda x: np.array_repr(np.round(x)),
    "array_str": lambda x: np.array_str(np.round(x)),
    "array2string": lambda x: np.array2string(np.round(x)),
    "bincount": lambda x: np.bincount(np.argmax(x, axis=0)),
    "bitwise_count": lambda x: np.bitwise_count(np.argsort(x)),
    "bitwise_and": lambda x: (x > 0) & (x < 1) | ~(x > 2) ^ np.isnan(x),
    "can_cast": lambda x: np.can_cast(x.dtype, np.float32),
    "ceil": np.ceil,
    "common_type": np.common_type,
    "count_nonzero": lambda x: np.count_nonzero(x > 0, axis=1),
    "diag_indices_from": lambda x: np.diag_indices_from(x[:, :3])[0],
    "digitize": lambda x: np.digitize(x, [-1.0, 0.0, 1.0]),
    "einsum_path": lambda x: np.einsum_path("ij,kj", x, x)[0],
    "empty_like": lambda x: np.empty_like(x).shape,
    "eye": lambda x: np.eye(3, 4, 1, like=x),
    "fix": np.fix,
    "flatnonzero": lambda x: np.flatnonzero(x > 0),
    "floor": np.floor,
    "floor_divide": lambda x: x // 0.3,
    "gcd": lambda x: np.gcd(np.argsort(x), 4),
    "identity": lambda x: np.identity(3, like=x),
    "isclose": lambda x: np.isclose(x, [0.1, 0.2, 0.3, 0.4], atol=1.0, equal_nan=True),
    "iscomplex": np.iscomplex,
    "iscomplexobj": np.iscomplexobj,
    "isfinite": np.isfinite,
    "isin": lambda x: np.isin(x, x[0], invert=True),
    "isneginf": lambda x: np.isneginf(1 / (x - x[0])),
    "isposinf": lambda x: np.isposinf(np.maximum(x, np.inf)),
    "isreal": np.isreal,
    "isrealobj": np.isrealobj,
    "ix_": lambda x: np.ix_(np.argsort(x[0]), [0, 1])[0],
    "lcm": lambda x: np.lcm(np.argsort(x), 4),
    "lexsort": lambda x: np.lexsort((x[0], x[1])),
    "linalg.matrix_rank": lambda x: np.linalg.matrix_rank(x, tol=1e-3),
    "min_scalar_type": lambda x: np.min_scalar_type(x),
    "nanargmax": lambda x: np.nanargmax(x, axis=0),
    "nanargmin": lambda x: np.nanargmin(x),
    "ndim": np.ndim,
    "nonzero": lambda x: np.nonzero(x > 0)[1],
    "ones": lambda x: np.ones(3, like=x),
    "ones_like": lambda x: np.ones_like(x, dtype=int, shape=(2,)),
    "packbits": lambda x: np.packbits(x > 0, axis=1),
    "ravel_multi_index": lambda x: np.ravel_multi_index((np.argsort(x[0]) % 3, np.argsort(x[1])), (3, 4)),
    "result_type": lambda x: np.result_type(x, np.float32),
    "rint": np.rint,
    "round": lambda x: np.round(x, 2),
    "searchsorted": lambda x: np.searchsorted(np.sort(x[0]), x, side="right"),
    "shape": np.shape,
    "shares_memory": lambda x: np.shares_memory(x, np.ones(3)),
    "signbit": np.signbit,
    "size": lambda x: np.size(x, 1),
    "spacing": np.spacing,
    "tri": lambda x: np.tri(3, 4, 1, like=x),
    "tril_indices_from": lambda x: np.tril_indices_from(x[:, :3], -1)[1],
    "triu_indices_from": lambda x: np.triu_indices_from(x[:, :3])[1],
    "trunc": np.trunc,
    "unpackbits": lambda x: np.unpackbits(np.packbits(x > 0)),
    "unravel_index": lambda x: np.unravel_index(np.argsort(x[0]), (2, 2))[0],
    "where of one": lambda x: np.where(x > 0)[0],
    "zeros": lambda x: np.zeros((2, 3), like=x),
    "zeros_like": np.zeros_like,
}


@pytest.mark.filterwarnings("ignore:divide by zero")
@pytest.mark.filterwarnings("ignore:numpy.fix is deprecated")  # since 2.5; it is there, and so is ours
@pytest.mark.parametrize("name", CONSTANT)
def test_what_has_no_gradient_is_the_same(name):
    kept = []

    def f(x):
        kept.append(CONSTANT[name](x))
        return np.sum(x)

    np.testing.assert_array_equal(mf.grad(f)(A), np.ones_like(A))
    expected = CONSTANT[name](A)
    if isinstance(expected, np.ndarray):
        assert (ground(kept[0]).dtype, kept[0].shape) == (expected.dtype, expected.shape)
        np.testing.assert_array_equal(np.asarray(kept[0]), expected)
    else:
        assert np.all(kept[0] == expected)


NO_SUCH_AXIS = {
    "apply_over_axes": lambda x: np.apply_over_axes(np.sum, x, 2),
    "delete": lambda x: np.delete(x, 0, axis=2),
    "diff": lambda x: np.diff(x, axis=2),
    "expand_dims": lambda x: np.expand_dims(x, 3),
    "expand_dims twice": lambda x: np.expand_dims(x, (0, 0)),
    "gradient": lambda x: np.gradient(x, axis=2),
    "hypot.reduce": lambda x: np.hypot.reduce(x, axis=2),
    "insert": lambda x: np.insert(x, 0, 1.0, axis=-3),
    "linalg.norm": lambda x: np.linalg.norm(x, axis=2),
    "median": lambda x: np.median(x, axis=2),
    "nanquantile": lambda x: np.nanquantile(x, 0.5, axis=2),
    "put_along_axis": lambda x: np.put_along_axis(x, np.zeros((3, 1), int), 1.0, 2) or x,
    "quantile": lambda x: np.quantile(x, 0.5, axis=-3),
    "rollaxis": lambda x: np.rollaxis(x, 2),
    "rollaxis to": lambda x: np.rollaxis(x, 0, 3),
    "rot90": lambda x: np.rot90(x, 2, (0, 2)),
    "sliding_window_view": lambda x: np.lib.stride_tricks.sliding_window_view(x, 2, axis=2),
    "split": lambda x: np.array_split(x, 1, axis=2)[0],
    "take": lambda x: np.take(x, [0], axis=2),
    "transpose": lambda x: np.transpose(x, (0, 2)),
    "trapezoid": lambda x: np.trapezoid(x, axis=2),
    "unstack": lambda x: np.unstack(x, axis=-3)[0],
}


@pytest.mark.parametrize("name", NO_SUCH_AXIS)
def test_an_axis_that_is_not_there_is_an_error_as_in_numpy(name):
    with pytest.raises((IndexError, ValueError)):
        NO_SUCH_AXIS[name](A.copy())
    with pytest.raises(MiniflowError):
        mf.grad(lambda x: np.sum(NO_SUCH_AXIS[name](x)))(A)


def assigned(x):
    a = np.zeros(3)
    a[0] = x[0]
    return a.sum()


def increased(x):
    a = np.zeros(5)
    a += x
    return a.sum()


LOST = {
    "np.array of it": (lambda x: np.array([x[0], x[1]]).sum(), "np.stack"),
    "np.asarray": (lambda x: np.asarray(x).sum(), "np.stack"),
    "np.r_": (lambda x: np.r_[x, 1.0].sum(), "np.stack"),
    "a function of a list of it": (lambda x: np.sum([x, x]), "np.stack"),
    "assigned": (assigned, "np.zeros_like"),
    "increased": (increased, "np.zeros_like"),
    "out": (lambda x: np.exp(x, out=np.zeros(5)).sum(), "np.zeros_like"),
    "out of a function": (lambda x: np.sum(x, out=np.zeros(())), "np.zeros_like"),
    "add.at": (lambda x: np.add.at(np.zeros(5), 0, x[0]), "np.zeros_like"),
    "copyto": (lambda x: np.copyto(np.zeros(5), x), "np.zeros_like"),
    "where of a ufunc": (lambda x: np.log(x, where=x > 0).sum(), "np.where"),
    "math": (lambda x: __import__("math").exp(x[0]), "np."),
    "histogram": (lambda x: np.histogram(x)[0].sum(), "stop_gradient"),
    "union1d": (lambda x: np.union1d(x, x).sum(), "np.unique"),
    "save": (lambda x: np.save("never.npy", x), "stop_gradient"),
    "multiply.at": (lambda x: np.multiply.at(np.zeros_like(x), 0, x), "x[key] = "),
    "another library": (lambda x: np.polynomial.Polynomial(x)(1.0), "stop_gradient"),
}


@pytest.mark.parametrize("name", LOST)
def test_what_cannot_be_caught_says_what_to_write(name):
    function, remedy = LOST[name]
    with pytest.raises(DifferentiationError, match=r"test_numpy_code.py:\d+") as caught:
        mf.grad(function)(V)
    assert remedy in caught.value.remedy


def test_constants_go_through_what_is_refused():
    def f(x):
        counts, edges = np.histogram(mf.stop_gradient(x), bins=3)
        return np.sum(x * (np.max(counts) + edges[0] * 0))

    np.testing.assert_array_equal(mf.grad(f)(V), np.full(5, np.histogram(V, bins=3)[0].max()))


def test_out_and_in_place_are_right_on_traced_arrays():
    def f(x):
        y = np.zeros_like(x)
        np.multiply(x, x, out=y)
        y += x
        np.cumsum(y, out=y)
        y[1:] *= 2
        return np.sum(y)

    def plainly(x):
        y = np.cumsum(x * x + x)
        return np.sum(y * np.array([1.0, 2, 2, 2, 2]))

    np.testing.assert_allclose(mf.grad(f)(V), mf.grad(plainly)(V))


def test_complex_and_nested():
    inner = mf.grad(lambda x: np.sum(np.sin(x) ** 3))
    np.testing.assert_allclose(
        mf.grad(lambda x: np.sum(inner(x) * x))(V),
        3 * (2 * np.sin(V) * np.cos(V) ** 2 - np.sin(V) ** 3) * V + 3 * np.sin(V) ** 2 * np.cos(V),
    )
    np.testing.assert_allclose(mf.grad(lambda z: np.sum(np.abs(z) ** 2))(Z), 2 * Z)


ON_EVERY_LIBRARY = {
    "elementwise": lambda x: np.sum(np.exp(-np.square(x)) + np.arctan2(np.sin(x), 2.0)),
    "axis by position": lambda x: np.sum(np.max(x, 1) * np.mean(x, 1) + np.std(x, 1)),
    "shapes": lambda x: np.sum(np.reshape(np.transpose(x), -1) ** 2 * np.arange(12.0, like=x)),
    "joined": lambda x: np.sum(np.concatenate([x, np.ones_like(x)], 1) ** 3),
    "products": lambda x: np.trace(np.dot(x, x.T)) + np.einsum("ij,ij", x, np.cos(x)),
    "a list": lambda x: np.sum(x * [1, 2, 3, 4.5] + np.dot(x, [1, 2, 3, 4])[:, None]),
    "norm": lambda x: np.linalg.norm(x) + np.linalg.norm(x, axis=0)[0],
    "where": lambda x: np.sum(np.where(x > 0, x, 0.1 * x)) + np.sum(np.clip(x, -0.5, 0.5) ** 2),
    "cumulative": lambda x: np.sum(np.cumsum(x, 1) * np.diff(x, axis=0)[:1, :]),
    "tensordot": lambda x: np.sum(np.tensordot(x, np.exp(x), axes=(-1, 1))) + np.tensordot(x, x, axes=[[0, 1], [0, 1]]),
}


@pytest.mark.parametrize("name", ON_EVERY_LIBRARY)
def test_numpy_code_on_every_library(backend, name):
    f = ON_EVERY_LIBRARY[name]
    expected = mf.grad(f)(A)
    got = mf.grad(f)(backend.asarray(A))
    np.testing.assert_allclose(backend.to_numpy(got), expected, rtol=1e-10, atol=1e-12)


PLACES = {
    "three": np.array([2, 0, 2]),
    "one": np.array([1]),
    "none": np.zeros(0, int),
    "a mask": A > 0,
    "beside a slice": (slice(1, None), np.array([0, 3])),
}


@pytest.mark.parametrize("name", PLACES)
def test_numpys_arrays_as_an_index(backend, name):
    if backend.name in ("strict", "cupy"):
        pytest.skip("takes its own arrays alone as an index")
    key = PLACES[name]
    expected = np.zeros_like(A)
    np.add.at(expected, key, 2 * A[key])
    np.testing.assert_allclose(backend.to_numpy(mf.grad(lambda x: (x[key] ** 2).sum())(backend.asarray(A))), expected)
