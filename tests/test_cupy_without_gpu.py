"""The parts of CuPy's capture that need no device: CuPy's wheel and its compiler, NVRTC, are enough.

How a plan is made, what cuBLAS is told, that kernels compile for a GPU. ``test_cupy_graph.py`` runs it on a device.
"""

import ctypes
import itertools

import array_api_compat.numpy as xp
import numpy as np
import pytest
from capabilities import ROWS

import miniflow_xp as mf
from miniflow_xp import ops
from miniflow_xp.arrays import updates
from miniflow_xp.backends.cupy.groups import Group, order
from miniflow_xp.backends.cupy.homes import homes
from miniflow_xp.backends.cupy.layout import gemm_arguments, step
from miniflow_xp.backends.cupy.plan import Plan
from miniflow_xp.backends.numpy.adapter import NumpyBackend
from miniflow_xp.backends.precision import tf32_wanted
from miniflow_xp.engine.captures import signature_of
from miniflow_xp.node import Elementwise
from miniflow_xp.programs.verify import rules
from miniflow_xp.recording.tape import record

cupy = pytest.importorskip("cupy", reason="CuPy is not installed")

from miniflow_xp.backends.cupy import nvrtc, product  # noqa: E402
from miniflow_xp.backends.cupy.adapter import CupyBackend  # noqa: E402  it imports CuPy, and so do these

ELEMENTWISE = [row for row in ROWS if isinstance(row.node, Elementwise)]
needs_nvrtc = pytest.mark.skipif(bool(nvrtc.why_missing()), reason=nvrtc.why_missing() or "NVRTC is here")


# -- every elementwise rule is one kernel


def kernels(row, dtype, shapes):
    """Those that a row's value and gradients become."""
    return rules.fused(rules.Case(row.node, shapes), dtype)


def test_the_capability_table_has_every_elementwise_rule():
    known = {type(row.node) for row in ELEMENTWISE}
    assert known == {found for name in ops.__all__ if issubclass(found := getattr(ops, name), Elementwise)}


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
@pytest.mark.parametrize("row", ELEMENTWISE, ids=str)
def test_every_elementwise_rule_is_one_kernel(row, dtype):
    assert len(kernels(row, dtype, ((2, 3),) * row.count)) == 1


@needs_nvrtc
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
@pytest.mark.parametrize("row", ELEMENTWISE, ids=str)
def test_every_elementwise_rule_compiles_for_hopper(row, dtype):
    for shapes, ndim in ((((2, 3),) * row.count, 1), (row.cases[0], 2)):
        for found in kernels(row, dtype, shapes):
            assert nvrtc.compile_for(found.source, ndim) > 0


@needs_nvrtc
def test_nvrtc_finds_a_mistake():
    found = kernels(ELEMENTWISE[0], "float32", ((3,),) * ELEMENTWISE[0].count)[0]
    with pytest.raises(RuntimeError, match="undefined"):
        nvrtc.compile_for(found.source._replace(operation="y0 = not_there;"))


# -- products: what BLAS is told


def play_gemm(handle, op_b, op_a, m, n, k, one, b, kind_b, ld_b, a, kind_a, ld_a, zero, out, kind_out, ld_out, comp, _):
    """cublasGemmEx on addresses: columns first, as its documentation says."""
    dtype = {0: np.float32, 1: np.float64, 2: np.float16}[kind_out]
    factor = ctypes.c_double if kind_out == 1 else ctypes.c_float
    assert factor.from_address(one).value == 1
    assert factor.from_address(zero).value == 0
    assert kind_a == kind_b == kind_out
    left, right = columns(b, m, k, ld_b, op_b, dtype), columns(a, k, n, ld_a, op_a, dtype)
    product = left.astype(np.float64) @ right.astype(np.float64)
    columns(out, m, n, ld_out, 0, dtype)[...] = product


def columns(address, rows, count, ld, transposed, dtype):
    """The (rows, count) matrix that BLAS sees at an address."""
    shape = (count, rows) if transposed else (rows, count)
    assert ld >= max(1, shape[0])
    length = ld * (shape[1] - 1) + shape[0]
    kind = np.dtype(dtype)
    buffer = (ctypes.c_char * (length * kind.itemsize)).from_address(address)
    matrix = np.ndarray(shape, kind, buffer, strides=(kind.itemsize, ld * kind.itemsize))
    return matrix.T if transposed else matrix


def layouts(rows, count):
    """A (rows, count) matrix in each layout that BLAS reads, and in some that it does not."""
    big = np.arange((rows + 3) * (count + 3), dtype=np.float64).reshape(rows + 3, count + 3) / 7
    yield True, np.ascontiguousarray(big[:rows, :count])
    yield True, np.asfortranarray(big[:rows, :count])
    yield True, big[1 : rows + 1, 2 : count + 2]
    yield True, np.asfortranarray(big)[1 : rows + 1, 2 : count + 2]
    yield True, np.ascontiguousarray(big[:rows, :count].T).T
    yield rows == 1, np.broadcast_to(big[0, :count], (rows, count))
    yield rows == count == 1, np.ascontiguousarray(big[:rows, :count])[::-1, ::-1]


@pytest.mark.parametrize("k", [1, 2, 5])
@pytest.mark.parametrize("m", [1, 2, 5])
@pytest.mark.parametrize("n", [1, 2, 5])
def test_products_of_all_layouts_reach_blas_as_they_are(n, m, k):
    for (reads_a, a), (reads_b, b) in itertools.product(layouts(n, k), layouts(k, m)):
        out = np.zeros((n, m))
        found = gemm_arguments((a.shape, a.strides), (b.shape, b.strides), (out.shape, out.strides), 8)
        if found is None:
            assert not (reads_a and reads_b)
            continue
        one, zero = ctypes.c_double(1), ctypes.c_double(0)
        op_b, op_a, gm, gn, gk, ld_b, ld_a, ld_out = found
        address = [x.ctypes.data for x in (b, a, out)]
        factors = ctypes.addressof(one), ctypes.addressof(zero)
        play_gemm(
            *(0, op_b, op_a, gm, gn, gk, factors[0], address[0], 1, ld_b, address[1], 1, ld_a, factors[1]),
            *(address[2], 1, ld_out, 70, -1),
        )
        np.testing.assert_allclose(out, a @ b, rtol=1e-14)  # sums of at most 5 products in float64


def stacks():
    """(may its steps be even, array): stacks of (2, 3) matrices that BLAS steps through as they are, and others."""
    big = np.arange(4 * 3 * 5 * 4, dtype=np.float64).reshape(4, 3, 5, 4)
    yield True, np.ascontiguousarray(big[:, :, :2, :3])
    yield True, big[:, :, 1:3, 1:]
    yield True, np.broadcast_to(big[1, 1, :2, :3], (4, 3, 2, 3))
    yield True, np.broadcast_to(big[1:2, 1:2, :2, :3], (4, 1, 2, 3))
    yield False, np.broadcast_to(big[:, :1, :2, :3], (4, 3, 2, 3))
    yield False, big[:, :2, :2, :3]
    yield False, big[::-1, :, :2, :3]


def test_stacks_with_even_steps_reach_blas_as_they_are():
    for even, x in stacks():
        found = step(x.shape, x.strides, x.itemsize)
        assert (found is not None) is even
        if even:
            first = x.__array_interface__["data"][0]
            addresses = [m.__array_interface__["data"][0] for m in (x[i, j] for i, j in np.ndindex(x.shape[:2]))]
            assert addresses == [first + 8 * n * found for n in range(len(addresses))]


# -- what a plan is made of, and for which arrays


def test_where_an_array_lies_is_part_of_a_key():
    memory = cupy.cuda.UnownedMemory(1 << 20, 32, None, 0)
    array = cupy.ndarray((4,), "float64", memptr=cupy.cuda.MemoryPointer(memory, 0))
    with pytest.raises(TypeError, match="unhashable"):
        hash(array.device)
    arrays = [array, np.ones(2), [1.0]]
    keys = {signature_of("", object.__new__(kind), arrays) for kind in (CupyBackend, NumpyBackend)}
    assert len(keys) == 2


def test_what_only_the_backward_pass_reads_is_computed_there():
    x, W = np.ones((4, 3)), np.ones((3, 3))
    sigmoid = mf.Sigmoid(mf.Input())

    def step(namespace, x, W):
        value = sigmoid.compute(namespace, x)
        product = namespace.matmul(value, W)
        return [sigmoid.vjp(namespace, product, value, x)[0]()]

    groups = [item for item in order(*record(step, xp, [x, W])) if isinstance(item, Group)]
    assert [len(group.outputs) for group in groups] == [1, 1]  # σ, but not 1 - σ


def test_a_group_with_too_many_arrays_is_several_kernels():
    arrays = [np.ones(3) for _ in range(60)]
    values, results = record(lambda ns, *x: [mf.Add(*map(mf.Input, map(str, range(60)))).compute(ns, *x)], xp, arrays)
    assert len(order(values, results)) == 59


# -- settings


@pytest.mark.parametrize(("text", "wanted"), [(None, False), ("fp32", False), ("tf32", True), (" TF32 ", True)])
def test_precision_is_the_users_choice(text, wanted, monkeypatch):
    monkeypatch.delenv("MINIFLOW_PRECISION", raising=False)
    if text is not None:
        monkeypatch.setenv("MINIFLOW_PRECISION", text)
    assert tf32_wanted() is wanted


@pytest.mark.parametrize("text", ["", "TF-32", "float32", "tf32,fp32"])
def test_a_malformed_precision_is_an_error(text, monkeypatch):
    monkeypatch.setenv("MINIFLOW_PRECISION", text)
    with pytest.raises(mf.errors.SettingError, match="MINIFLOW_PRECISION"):
        tf32_wanted()


def test_tf32_reaches_blas_for_float32_only():
    assert [product.types(dtype, True)[1] for dtype in ("float64", "float32", "float16", "bfloat16")] == [
        70,
        77,
        68,
        68,
    ]
    assert [product.types(dtype, False)[1] for dtype in ("float64", "float32", "float16", "bfloat16")] == [
        70,
        68,
        68,
        68,
    ]


def test_importing_the_package_imports_none_of_it(run_python):
    run_python("import sys, miniflow_xp; assert not any('cupy' in name for name in sys.modules), sys.modules")


def test_the_checks_know_every_rule():
    assert {type(case.node).__name__ for case in rules.cases()} == set(ops.__all__) - set(rules.ELSEWHERE)


# -- what no graph holds: several results, indices with arrays, functions of an extension


class Host:
    """NumPy in place of the GPU, for plans without kernels of our own."""

    xp = xp

    def empty(self, shape, dtype):
        return np.full(shape, 7, dtype)

    def kept(self, array):
        return np.array(array)

    def copy(self, array, out):
        out[...] = array

    def call(self, function, inputs, keywords):
        return function(*inputs, **keywords)

    def matmul(self, a, b, out):
        np.matmul(a, b, out=out)


CALLED = {
    "eigh": lambda ns, a, b: [*ns.linalg.eigh(a @ ns.matrix_transpose(a))],
    "qr": lambda ns, a, b: [ns.matmul(*ns.linalg.qr(a))],
    "slogdet": lambda ns, a, b: [*ns.linalg.slogdet(a)],
    "solve": lambda ns, a, b: [ns.linalg.solve(a, b)],
    "rfft": lambda ns, a, b: [ns.fft.rfft(a)],
    "views of arguments": lambda ns, a, b: [ns.flip(a), ns.moveaxis(a, 0, 1), *ns.unstack(b), a],
    "integers among indices": lambda ns, a, b: [a[(slice(None), ns.argsort(b[0, :]))], ns.take(a, ns.argsort(b[:, 0]))],
    "updates": lambda ns, a, b: [
        updates.setitem(ns, a, (0, slice(None)), b[1, :]),
        updates.add_at(ns, a, (ns.argsort(b[0, :]), ns.asarray([0, 0, 0])), b[0, :]),
    ],
    "constants": lambda ns, a, b: [ns.linalg.eigh(ns.eye(3))[0], a],
}


@pytest.mark.parametrize("name", CALLED)
def test_a_plan_calls_what_is_no_kernel_of_ours(name):
    random = np.random.default_rng(0)
    a, b = random.normal(size=(3, 3)), random.normal(size=(3, 3))
    plan = Plan(*record(CALLED[name], xp, [a, b]), 0, Host())
    for _ in range(2):
        a, b = random.normal(size=(3, 3)), random.normal(size=(3, 3))
        copies = a.copy(), b.copy()
        got, expected = plan.run([a, b]), [np.array(v) for v in CALLED[name](xp, a, b)]
        for result, wanted in zip(got, expected, strict=True):
            np.testing.assert_allclose(result, wanted, rtol=0, atol=1e-12)  # the same functions on the same numbers
            result[...] = np.nan  # it belongs to the caller
        np.testing.assert_array_equal((a, b), copies)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("eigh", "linalg.eigh is not known to be safe in a graph"),
        ("solve", "linalg.solve is not known to be safe in a graph"),
        ("integers among indices", "indexing with arrays may read from the host"),
        ("updates", "setitem is not known to be safe in a graph"),
    ],
)
def test_what_no_graph_holds_is_named(name, why):
    plan = Plan(*record(CALLED[name], xp, [np.eye(3), np.eye(3)]), 0, Host())
    assert why in plan.unsafe


def test_a_state_that_an_unknown_function_may_show_is_not_written_over():
    """flip(s) is a view that is read after the new state is computed."""
    values, results = record(lambda ns, s, x: [s * 0.5 + x, ns.linalg.solve(ns.flip(s), x)], xp, [np.eye(3)] * 2)
    items = order(values, results)
    arguments = [v for v in values if v.op == "argument"]
    assert results[0] not in homes(items, results, arguments[:1], {results[0]})
    values, results = record(lambda ns, s, x: [s * 0.5 + x, ns.linalg.solve(x, x)], xp, [np.eye(3)] * 2)
    assert results[0] in homes(
        order(values, results), results, [v for v in values if v.op == "argument"][:1], {results[0]}
    )


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_complex_numbers_are_left_to_cupy(dtype):
    values, results = record(lambda ns, z: [ns.abs(z * z + 1)], xp, [np.ones(3, dtype)])
    assert not any(isinstance(item, Group) for item in order(values, results))
