"""Every function of the standard on traced arrays: value, dtype, shape and signature are those of the library beneath.

The list of functions is that of array-api-strict, which has what the standard has and nothing else.
"""

import inspect
import itertools
import warnings
from types import ModuleType

import array_api_strict
import numpy as np
import pytest
from array_api_compat import array_namespace
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from miniflow_xp import differentiable_namespace, grad, jit
from miniflow_xp.arrays.traced import Traced, ground

FLOATS = ("float32", "float64")
COMPLEX = ("complex64", "complex128")
INTEGERS = ("int8", "int32", "int64", "uint8")
NOT_FUNCTIONS = ("Array", "ArrayAPIStrictFlags", "get_array_api_strict_flags", "reset_array_api_strict_flags")


def functions_of(module, prefix=""):
    """The names of the standard's functions, with their extension."""
    found = []
    for name in module.__all__:
        member = getattr(module, name)
        if isinstance(member, ModuleType) and name in ("linalg", "fft"):
            found += functions_of(member, f"{name}.")
        elif inspect.isfunction(member) and "flags" not in name.lower() and name not in NOT_FUNCTIONS:
            found.append(prefix + name)
    return sorted(set(found))


FUNCTIONS = functions_of(array_api_strict)


def member(xp, name):
    for part in name.split("."):
        xp = getattr(xp, part)
    return xp


def namespaces(backend):
    return backend.xp, differentiable_namespace(backend.xp)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_signatures_are_those_of_the_standard(backend, name):
    """Of what the library has; parameters may have defaults that the standard lacks, and other ways to be given."""
    library, ours = namespaces(backend)
    try:
        theirs = inspect.signature(member(library, name))
    except (AttributeError, ValueError):
        pytest.skip(f"{backend.name} has no signature of {name}")
    standard = list(inspect.signature(member(array_api_strict, name)).parameters)
    mine = list(inspect.signature(member(ours, name)).parameters)
    assert mine == list(theirs.parameters) or (mine[:1], set(mine)) == (standard[:1], set(standard))


METHODS = sorted(
    name
    for name, method in vars(type(array_api_strict.ones(1))).items()
    if inspect.isfunction(method) and (not name.startswith("_") or name in dir(Traced))
)


@pytest.mark.parametrize("name", METHODS)
def test_signatures_of_methods_are_those_of_the_standard(name):
    """What the strict library takes by place or by name; by place may be left to a name."""

    def split(kind):
        found = list(inspect.signature(getattr(kind, name)).parameters.values())
        named = {p.name for p in found if p.kind is p.KEYWORD_ONLY}
        return [p for p in found if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)], named

    standard, wanted = split(type(array_api_strict.ones(1)))
    mine, named = split(Traced)
    assert named >= wanted | {p.name for p in standard[len(mine) :]}


def arrays(dtypes, least=0, most=3):
    """Small arrays of one of these dtypes, on the host."""
    shapes = st.lists(st.integers(1, 3), min_size=least, max_size=most).map(tuple)

    def filled(drawn):
        dtype, shape, seed = drawn
        random = np.random.default_rng(seed)
        if dtype == "bool":
            return random.random(shape) < 0.5
        if dtype in INTEGERS:
            return random.integers(1, 5, shape).astype(dtype)
        found = random.uniform(0.2, 0.8, shape)
        return (found + 1j * random.uniform(0.2, 0.8, shape)).astype(dtype) if dtype in COMPLEX else found.astype(dtype)

    return st.tuples(st.sampled_from(dtypes), shapes, st.integers(0, 99)).map(filled)


def same(backend, name, host_arrays, *args, **keywords):
    """Call a function on the library's arrays and on traced ones; an error on both sides is the same, too."""
    library, ours = namespaces(backend)
    try:
        member(library, name)
    except AttributeError:
        pytest.skip(f"{backend.name} has no {name}")
    plain = [backend.asarray(a) for a in host_arrays]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            expected = member(library, name)(*plain, *args, **keywords)
        except NotImplementedError:
            pytest.skip(f"{backend.name} has no {name}")
        except Exception:
            assume(False)
        got = member(ours, name)(*[ours.asarray(a) for a in plain], *args, **keywords)
    assert_same(backend, got, expected)


def assert_same(backend, got, expected):
    if isinstance(expected, (tuple, list)):
        assert len(got) == len(expected)
        assert getattr(got, "_fields", None) == getattr(expected, "_fields", None)
        for a, b in zip(got, expected, strict=True):
            assert_same(backend, a, b)
        return
    assert type(got) is Traced
    assert (got.dtype, got.shape) == (expected.dtype, tuple(expected.shape))
    a, b = backend.to_numpy(ground(got)), backend.to_numpy(expected)
    if b.dtype.kind in "fc":  # a function that is made of others may round otherwise
        np.testing.assert_allclose(a, b, rtol=8 * np.finfo(b.dtype).eps, atol=0)
    else:
        np.testing.assert_array_equal(a, b)


UNARY = [
    "abs",
    "acos",
    "acosh",
    "asin",
    "asinh",
    "atan",
    "atanh",
    "bitwise_invert",
    "ceil",
    "conj",
    "cos",
    "cosh",
    "exp",
    "expm1",
    "floor",
    "imag",
    "isfinite",
    "isinf",
    "isnan",
    "log",
    "log10",
    "log1p",
    "log2",
    "logical_not",
    "negative",
    "positive",
    "real",
    "reciprocal",
    "round",
    "sign",
    "signbit",
    "sin",
    "sinh",
    "sqrt",
    "square",
    "tan",
    "tanh",
    "trunc",
    "zeros_like",
    "ones_like",
    "nonzero",
    "unique_values",
    "unique_counts",
    "unique_inverse",
    "unique_all",
]
BINARY = [
    "add",
    "atan2",
    "bitwise_and",
    "bitwise_or",
    "bitwise_xor",
    "copysign",
    "divide",
    "equal",
    "floor_divide",
    "greater",
    "greater_equal",
    "hypot",
    "less",
    "less_equal",
    "logaddexp",
    "logical_and",
    "logical_or",
    "logical_xor",
    "maximum",
    "minimum",
    "multiply",
    "nextafter",
    "not_equal",
    "pow",
    "remainder",
    "subtract",
]
REDUCTIONS = [
    "all",
    "any",
    "argmax",
    "argmin",
    "count_nonzero",
    "max",
    "mean",
    "min",
    "prod",
    "std",
    "sum",
    "var",
]
ALONG_AN_AXIS = [
    "argsort",
    "cumulative_prod",
    "cumulative_sum",
    "diff",
    "flip",
    "roll1",
    "sort",
    "unstack",
    "expand_dims",
]
MATRICES = [
    "linalg.det",
    "linalg.diagonal",
    "linalg.eigh",
    "linalg.eigvalsh",
    "linalg.inv",
    "linalg.matrix_norm",
    "linalg.matrix_rank",
    "linalg.pinv",
    "linalg.qr",
    "linalg.slogdet",
    "linalg.svd",
    "linalg.svdvals",
    "linalg.trace",
    "matrix_transpose",
    "tril",
    "triu",
    "fft.fft",
    "fft.ifft",
    "fft.fftn",
    "fft.rfft",
    "fft.fftshift",
]
# fmt: on
ANY = ("bool", *INTEGERS, *FLOATS, *COMPLEX)
examples = settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
)


@pytest.mark.parametrize("name", UNARY)
@examples
@given(x=arrays(ANY))
def test_functions_of_one_array(backend, name, x):
    same(backend, name, [x])


@pytest.mark.parametrize("name", BINARY)
@examples
@given(x=arrays(ANY), number=st.sampled_from([None, 2, 0.5]))
def test_functions_of_two_arrays(backend, name, x, number):
    y = (
        x
        if number is None or x.dtype.kind in "bu" or (number == 0.5 and x.dtype.kind == "i")
        else x * x.dtype.type(number)
    )
    same(backend, name, [x, y])


@pytest.mark.parametrize("name", REDUCTIONS)
@examples
@given(x=arrays(ANY, least=1), keepdims=st.booleans(), axis=st.sampled_from([None, 0, -1]))
def test_reductions(backend, name, x, keepdims, axis):
    same(backend, name, [x], axis=axis, keepdims=keepdims)


@pytest.mark.parametrize("name", ALONG_AN_AXIS)
@examples
@given(x=arrays(ANY, least=1), axis=st.sampled_from([0, -1]))
def test_functions_along_an_axis(backend, name, x, axis):
    if name == "roll1":
        same(backend, "roll", [x], 1, axis=axis)
    elif name != "diff" or x.dtype != bool:  # which the standard has of numbers alone
        same(backend, name, [x], axis=axis)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_differences_with_edges(backend, n):
    """No differences are the array alone: what is joined for the first ones is not there."""
    library, ours = namespaces(backend)
    x, before, after = (backend.asarray(np.asarray(a)) for a in ([1.0, 2.0, 4.0], [9.0], [3.0, 5.0]))
    try:
        expected = library.diff(x, n=n, prepend=before, append=after)
    except AttributeError:
        pytest.skip(f"{backend.name} has no diff")
    assert_same(backend, ours.diff(ours.asarray(x), n=n, prepend=before, append=after), expected)


def test_differences_are_taken_a_number_of_times(backend):
    _, ours = namespaces(backend)
    with pytest.raises(ValueError, match="0 or more"):
        ours.diff(ours.asarray([1.0, 2.0]), n=-1)


@pytest.mark.parametrize("name", MATRICES)
@examples
@given(x=arrays((*FLOATS, *COMPLEX), least=2))
def test_functions_of_matrices(backend, name, x):
    n = min(x.shape[-2:])
    square = x[..., :n, :n]
    same(backend, name, [square + np.conj(np.swapaxes(square, -1, -2)) + 2 * np.eye(n, dtype=x.dtype)])


ZERO_D = {  # dtypes of an array without axes, and of one with: the standard has no rule for operands without axes
    "integers": ("int16", "int8"),
    "unsigned": ("uint8", "int8"),
    "floats": ("float64", "float32"),
    "complex": ("complex128", "complex64"),
    "float and complex": ("float64", "complex64"),
}


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize(
    ("name", "kinds"),
    [*itertools.product(["multiply", "equal"], ZERO_D), *itertools.product(["bitwise_xor"], ["integers", "unsigned"])],
)
def test_an_operand_without_axes_has_its_say_in_the_dtype(backend, name, kinds, swapped):
    """PyTorch's operators leave it out, its functions in the standard's form do not; captured or not."""
    library, ours = namespaces(backend)
    without, along = (getattr(library, dtype) for dtype in ZERO_D[kinds])
    try:
        library.result_type(without, along)
        whole = kinds in ("integers", "unsigned")
        operands = [library.asarray(3 if whole else 1 / 3, dtype=without), library.asarray([1, 2], dtype=along)]
    except (AttributeError, TypeError) as refused:
        pytest.skip(f"{backend.name}: {refused}")
    operands = operands[::-1] if swapped else operands
    wanted = member(library, name)(*operands)
    eager = ground(member(ours, name)(*operands))
    captured = jit(lambda x, y: member(array_namespace(x), name)(x, y))(*operands)
    assert eager.dtype == captured.dtype == wanted.dtype
    assert bool(library.all(eager == wanted))
    assert bool(library.all(captured == wanted))


def test_a_gradient_through_an_operand_without_axes_has_the_dtype_of_each(backend):
    _, ours = namespaces(backend)
    x, y = backend.xp.asarray(1 / 3, dtype=backend.xp.float64), backend.xp.asarray([1.0, 2.0], dtype=backend.xp.float32)
    first, second = grad(lambda x, y: ours.sum(ours.multiply(x, y)), argnums=(0, 1))(x, y)
    assert (first.dtype, second.dtype) == (x.dtype, y.dtype)
    assert float(first) == 3.0
    assert [float(item) for item in second] == [float(backend.xp.astype(x, y.dtype))] * 2


def test_everything_of_the_standard_is_there(backend):
    library, ours = namespaces(backend)
    missing = []
    for name in FUNCTIONS:
        try:
            member(library, name)
        except AttributeError:
            continue
        if not callable(member(ours, name)):
            missing.append(name)
    assert missing == []


def test_dtypes_and_constants_are_the_library_s(backend):
    library, ours = namespaces(backend)
    assert ours.float64 is library.float64 or ours.float64 == library.float64
    assert (ours.pi, ours.e) == (library.pi, library.e)
    assert ours.__array_namespace_info__().dtypes(kind="bool").keys() == {"bool"}
