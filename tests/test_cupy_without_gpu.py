"""The CuPy backend's capture on a machine without a GPU: CuPy's wheel is needed, a device is not.

A stand-in for CUDA lets ``CupyCapture`` run with NumPy: kernels are compiled by gcc from the very operations that the
GPU is given, cuBLAS is played on raw addresses, and a captured graph holds what was asked while it was captured and
runs it at each launch. What only a GPU can show, ``miniflow-xp verify-gpu`` shows.
"""

import ctypes
import gc
import itertools
import shutil
import subprocess
from contextlib import contextmanager
from types import SimpleNamespace

import array_api_compat.numpy as xp
import numpy as np
import pytest
from capabilities import ROWS, example

import miniflow_xp as mf
from miniflow_xp import ops
from miniflow_xp.backends.cupy_graph.expressions import COMPARISONS, LOGIC, ON_FLOATS
from miniflow_xp.backends.cupy_graph.groups import Group, order
from miniflow_xp.backends.cupy_graph.layout import gemm_arguments, step
from miniflow_xp.backends.cupy_graph.sources import write
from miniflow_xp.backends.cupy_graph.turns import undisturbed
from miniflow_xp.backends.numpy_backend import NumpyBackend
from miniflow_xp.backends.precision import tf32_wanted
from miniflow_xp.capture import signature_of
from miniflow_xp.node import Elementwise
from miniflow_xp.trace import record
from miniflow_xp.verify import rules

cupy = pytest.importorskip("cupy", reason="CuPy is not installed")

from miniflow_xp.backends.cupy_backend import CupyBackend  # noqa: E402  it imports CuPy, and so do these
from miniflow_xp.backends.cupy_graph import capture, gpu, kernels, nvrtc, product  # noqa: E402

ELEMENTWISE = [row for row in ROWS if isinstance(row.node, Elementwise)]
needs_gcc = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
needs_nvrtc = pytest.mark.skipif(bool(nvrtc.why_missing()), reason=nvrtc.why_missing() or "NVRTC is here")


# -- every elementwise rule is one kernel


def rule(row):
    """Value and all gradients of a row's node, as one function."""

    def run(namespace, gradient, *inputs):
        value = row.node.compute(namespace, *inputs)
        return [value, *(thunk() for thunk in row.node.vjp(namespace, gradient, value, *inputs))]

    return run


def given(row, dtype, shapes):
    """Arrays for ``rule(row)``."""
    arrays, gradient = example(row, shapes, dtype)
    return [np.asarray(a, dtype=dtype) for a in (gradient, *arrays)]


def recorded(row, dtype, shapes):
    return record(rule(row), xp, given(row, dtype, shapes))


def test_the_capability_table_has_every_elementwise_rule():
    known = {type(row.node) for row in ELEMENTWISE}
    assert known == {found for name in ops.__all__ if issubclass(found := getattr(ops, name), Elementwise)}


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
@pytest.mark.parametrize("row", ELEMENTWISE, ids=str)
def test_every_elementwise_rule_is_one_kernel(row, dtype):
    items = order(*recorded(row, dtype, ((2, 3),) * row.count))
    assert len(items) == 1
    assert isinstance(items[0], Group)


@needs_nvrtc
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
@pytest.mark.parametrize("row", ELEMENTWISE, ids=str)
def test_every_elementwise_rule_compiles_for_hopper(row, dtype):
    for shapes, ndim in ((((2, 3),) * row.count, 1), (row.cases[0], 2)):
        for group in order(*recorded(row, dtype, shapes)):
            assert nvrtc.compile_for(write(group), ndim) > 0


@needs_nvrtc
def test_nvrtc_finds_a_mistake():
    group = order(*recorded(ELEMENTWISE[0], "float32", ((3,),) * ELEMENTWISE[0].count))[0]
    with pytest.raises(RuntimeError, match="undefined"):
        nvrtc.compile_for(write(group)._replace(operation="y0 = not_there;"))


# -- the operations mean what NumPy means: compiled as C


class CompiledC:
    """Plays ``cupy.ElementwiseKernel``: the same operation, compiled as C, on NumPy arrays that broadcast."""

    folder = None
    numbers = itertools.count()

    def __init__(self, in_params, out_params, operation, name, no_return):
        self.params = [p.split() for p in f"{in_params}, {out_params}".split(", ")]
        self.count = len(in_params.split(", "))
        pointers = ", ".join(f"{dtype}_ *_{x}" for dtype, x in self.params)
        outs = [x for _, x in self.params[self.count :]]
        body = "\n".join(f"#define {x} _{x}[i]" for _, x in self.params)
        program = f"{HEADER}\n{body}\nvoid run(long n, {pointers}) {{ for (long i = 0; i < n; i++) {{ {operation} }} }}"
        stem = self.folder / f"kernel{next(self.numbers)}"
        stem.with_suffix(".c").write_text(program)
        flags = ["-O1", "-std=gnu11", "-ffp-contract=off", "-shared", "-fPIC"]
        subprocess.run(["gcc", *flags, f"{stem}.c", "-o", f"{stem}.so", "-lm"], check=True)
        self.run = ctypes.CDLL(f"{stem}.so").run
        assert all(f"{y} = " in operation for y in outs)

    def __call__(self, *arrays):
        assert len(arrays) == len(self.params)
        assert [a.dtype.name for a in arrays] == [dtype for dtype, _ in self.params]
        outs = arrays[self.count :]
        given = [np.ascontiguousarray(np.broadcast_to(a, outs[0].shape)) for a in arrays[: self.count]]
        new = [np.empty(o.shape, o.dtype) for o in outs]
        self.run(ctypes.c_long(outs[0].size), *(ctypes.c_void_p(a.ctypes.data) for a in (*given, *new)))
        for out, array in zip(outs, new, strict=True):
            np.copyto(np.asarray(out), array)


HEADER = """
#include <tgmath.h>
#include <stdbool.h>
#define CUDART_INF INFINITY
#define CUDART_INF_F INFINITY
#define CUDART_NAN NAN
#define CUDART_NAN_F NAN
#if __GNUC__ >= 12
typedef _Float16 float16_; typedef _Float16 float16;
#endif
typedef bool bool_; typedef float float32_; typedef double float64_; typedef long long int64_; typedef int int32_;
"""


@pytest.fixture
def gcc(tmp_path, monkeypatch):
    monkeypatch.setattr(CompiledC, "folder", tmp_path)


def evaluate(function, arrays):
    """What gcc makes of the kernels of an elementwise function, and what NumPy does, for each result."""
    values, results = record(function, xp, arrays)
    found = dict(zip((v for v in values if v.op == "argument"), arrays, strict=True))
    for group in order(values, results):
        source = write(group)
        spelled = [", ".join(f"{d} {x}" for d, x in params) for params in (source.inputs, source.outputs)]
        outs = [np.empty(v.shape, v.dtype) for v in group.outputs]
        inputs = [np.asarray(v.content if v.is_constant else found[v]) for v in group.inputs]
        CompiledC(*spelled, source.operation, source.name, True)(*inputs, *outs)
        found |= dict(zip(group.outputs, outs, strict=True))
    return list(zip([found[r] for r in results], function(xp, *arrays), strict=True))


@needs_gcc
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("row", ELEMENTWISE, ids=str)
def test_the_kernels_of_every_elementwise_rule_equal_numpy(row, dtype, gcc):
    for shapes in row.cases[:2]:
        eps = np.finfo(dtype).eps  # at most ten operations on numbers up to 4; NumPy's own exp is off by up to 4 ulp
        for found, wanted in evaluate(rule(row), given(row, dtype, shapes)):
            np.testing.assert_allclose(found, wanted, rtol=16 * eps, atol=16 * eps)


TELLING = [0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 2.5, 3.5, -2.5, 1e-3, 80.0, np.inf, -np.inf, np.nan]


@needs_gcc
@pytest.mark.filterwarnings("ignore:.*encountered in.*:RuntimeWarning")  # NaN and infinity are what is tested
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", sorted({*ON_FLOATS, *COMPARISONS, *LOGIC} - {"reciprocal"}))
def test_every_operation_equals_numpy_at_telling_numbers(name, dtype, gcc):
    template = {**ON_FLOATS, **COMPARISONS, **LOGIC}[name]
    two = "{1}" in template
    kind = bool if name.startswith("logical") else dtype
    x, y = np.meshgrid(np.array(TELLING, dtype=kind), np.array(TELLING, dtype=kind))
    ((found, wanted),) = evaluate(lambda ns, a, b: [getattr(ns, name)(*((a, b) if two else (a,)))], [x, y])
    eps = 0 if found.dtype == bool else np.finfo(dtype).eps
    np.testing.assert_allclose(found, wanted, rtol=8 * eps)  # libraries differ by a few ulp
    assert found.dtype == wanted.dtype


@needs_gcc
@pytest.mark.parametrize("number", [0.1, 3, -2.5, 1e-30, 1e30, float("inf"), -float("inf"), float("nan")])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_numbers_arrive_exactly(number, dtype, gcc):
    x = np.array([True, False])
    y = np.array([2.0, 3.0], dtype=dtype)
    for found, wanted in evaluate(lambda ns, x, y: [ns.where(x, number, y), ns.where(x, y, number)], [x, y]):
        np.testing.assert_array_equal(found, wanted)


@needs_gcc
def test_mixed_dtypes_are_promoted_as_numpy_does(gcc):
    def function(ns, i, x, d):
        return [i * 0.5 + d, ns.astype(i, ns.float32) * x, x * d, i == 2, i < 1.5, ns.astype(x, ns.bool), x**2, 2.0**x]

    i, x, d = np.arange(5), np.linspace(-1, 1, 5, dtype="float32"), np.linspace(0, 1, 5) / 3
    for found, wanted in evaluate(function, [i, x, d]):
        assert found.dtype == wanted.dtype
        np.testing.assert_allclose(found, wanted, rtol=4 * np.finfo("float32").eps)


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


# -- a stand-in for CUDA


class Pointer:
    """What ``cupy.ndarray.data`` is."""

    def __init__(self, array):
        self.ptr, self.array = array.ctypes.data, array

    def copy_from_device_async(self, source, size):
        Cuda.do(lambda: ctypes.memmove(self.ptr, source.ptr, size))


class DeviceArray(np.ndarray):
    """A NumPy array with the face of CuPy's."""

    @property
    def data(self):
        return Pointer(self)

    def __setitem__(self, key, value):
        Cuda.do(lambda: super(DeviceArray, self).__setitem__(key, value))

    def fill(self, number):
        Cuda.do(lambda: super(DeviceArray, self).fill(number))


def on_device(array):
    return np.array(array, order="C").view(DeviceArray)


class Cuda:
    """What happens on the device: at once, or written down while a stream is captured. ``log`` is what was asked."""

    log: list
    capturing = None

    @classmethod
    def do(cls, work):
        if cls.capturing is None:
            work()
        else:
            cls.capturing.append(work)

    @classmethod
    def call(cls, function, inputs, keywords):
        result = function(*inputs, **keywords)
        result = np.asarray(result).view(DeviceArray)

        def again():
            np.copyto(np.asarray(result), np.asarray(function(*inputs, **keywords)))

        if cls.capturing is not None and not any(np.shares_memory(result, x) for x in inputs if hasattr(x, "dtype")):
            cls.capturing.append(again)  # a view is no work
        return result


class Stream:
    numbers = itertools.count(1)
    current = None

    def __init__(self, non_blocking=False):
        self.ptr = next(self.numbers)

    def __enter__(self):
        self.before, Stream.current = Stream.current, self

    def __exit__(self, *_):
        Stream.current = self.before

    def record(self):
        Cuda.log.append(("record", self.ptr))
        return self.ptr

    def wait_event(self, event):
        Cuda.log.append(("wait", self.ptr, event))

    def synchronize(self):
        assert Cuda.capturing is None, "synchronising invalidates a capture"
        Cuda.log.append(("synchronize", self.ptr))

    def begin_capture(self):
        assert Stream.current is self
        Cuda.log.append(("begin", self.ptr))
        Cuda.capturing = []

    def end_capture(self):
        Cuda.log.append(("end", self.ptr))
        work, Cuda.capturing = Cuda.capturing, None
        return Graph(work)


class Graph:
    def __init__(self, work):
        self.work = work

    def upload(self, stream):
        Cuda.log.append(("upload", stream.ptr))

    def launch(self):
        Cuda.log.append(("launch", Stream.current.ptr))
        for work in self.work:
            work()


class DelayedKernel(CompiledC):
    def __call__(self, *arrays):
        Cuda.do(lambda: super(DelayedKernel, self).__call__(*arrays))


ITEMSIZE = {0: 4, 1: 8, 2: 2}


class Blas:
    name = "a stand-in"

    def create(self):
        return 7

    def destroy(self, handle):
        assert handle == 7

    def set_stream(self, handle, stream):
        Cuda.log.append(("set_stream", stream))

    def set_workspace(self, handle, address, size):
        assert Cuda.log[-1][0] == "set_stream", "cublasSetStream takes the workspace away"
        assert size == 32 << 20

    def gemm(self, *arguments):
        number = ctypes.c_double if arguments[8] == 1 else ctypes.c_float
        factors = number(1), number(0)  # cuBLAS reads them at the call, a graph keeps them
        kept = (*arguments[:6], ctypes.addressof(factors[0]), *arguments[7:13], ctypes.addressof(factors[1]))
        Cuda.do(lambda: (factors, play_gemm(*kept, *arguments[14:])))

    def gemm_of_stacks(self, *arguments):
        ends = itertools.pairwise((0, 7, 11, 15, 16, 20, 21, 23))
        sizes, b, a, zero, out, (products,), how = (arguments[first:last] for first, last in ends)
        for n in range(products):
            each = [(at + n * step * ITEMSIZE[kind], kind, ld) for at, kind, ld, step in (b, a, out)]
            self.gemm(*sizes, *each[0], *each[1], *zero, *each[2], *how)


class StandIn(NumpyBackend):
    """A backend whose capture is CuPy's, on the stand-in."""

    name = "stand-in"
    array_type = DeviceArray

    def asarray(self, host, dtype=None):
        return on_device(np.asarray(host, dtype=dtype))

    def capture(self, function, arrays, state):
        return capture.CupyCapture(self, function, arrays, state)


class Pool:
    malloc = None

    def free_all_blocks(self):
        Cuda.log.append(("free",))


@contextmanager
def using_allocator(_):
    yield


@pytest.fixture
def stand_in(gcc, monkeypatch):
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")
    cuda = SimpleNamespace(
        Stream=Stream,
        MemoryPool=Pool,
        using_allocator=using_allocator,
        get_current_stream=lambda: Stream.current,
    )
    fake = SimpleNamespace(
        cuda=cuda,
        empty=lambda shape, dtype: np.full(shape, 77, dtype).view(DeviceArray),  # what was in memory before
        ones=lambda shape, dtype: np.ones(shape, dtype).view(DeviceArray),
        sum=lambda x, axis, out, keepdims: Cuda.do(lambda: np.sum(x, axis, out=np.asarray(out), keepdims=keepdims)),
        broadcast_to=lambda a, shape: np.broadcast_to(a, shape, subok=True),
        ascontiguousarray=lambda a: Cuda.call(np.ascontiguousarray, [a], {}),
        uint8=np.uint8,
        get_default_memory_pool=Pool,
        ElementwiseKernel=DelayedKernel,
    )
    for module in (capture, gpu, kernels, product):
        monkeypatch.setattr(module, "cupy", fake)
    monkeypatch.setattr(product, "bindings", Blas)
    monkeypatch.setattr(gpu.Gpu, "call", staticmethod(Cuda.call))
    monkeypatch.setattr(Cuda, "log", [], raising=False)
    monkeypatch.setattr(Cuda, "capturing", None)
    monkeypatch.setattr(Stream, "current", Stream())
    real = gpu.overwrite
    for module in (capture, gpu):  # NumPy's concat forgets the class of its arrays
        monkeypatch.setattr(module, "overwrite", lambda out, array: real(out, np.asarray(array).view(DeviceArray)))
    kernels.kernel.cache_clear()
    yield StandIn()
    gc.collect()  # captures give their memory back while the stand-in is there
    kernels.kernel.cache_clear()


# -- whole steps on the stand-in


def network(rows=6, seed=0, dtype="float64"):
    """(cost, its parameters, a feed): two layers, a bias of each usual shape."""
    rng = np.random.default_rng(seed)
    X, y = mf.Input("X"), mf.Input("y")
    W1, b1 = (mf.Parameter(rng.normal(size=s).astype(dtype)) for s in ((4, 5), (5,)))
    W2, b2 = (mf.Parameter(rng.normal(size=s).astype(dtype)) for s in ((5, 1), (1, 1)))
    hidden = mf.Sigmoid(mf.Linear(X, W1, b1))
    cost = mf.MSE(y, mf.Linear(mf.Tanh(hidden * 2.0), W2, b2))
    feed = {X: rng.normal(size=(rows, 4)).astype(dtype), y: rng.normal(size=(rows, 1)).astype(dtype)}
    return cost, [W1, b1, W2, b2], feed


OPTIMIZERS = {
    "SGD": lambda: mf.SGD(0.1),
    "momentum": lambda: mf.SGD(0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "RMSProp": lambda: mf.RMSProp(0.01),
    "Adam": lambda: mf.Adam(0.01),
    "AdamW": lambda: mf.AdamW(0.01),
}


def train(backend, optimizer, steps=4, rows=6):
    with mf.use_backend(backend):
        cost, parameters, feed = network(rows)
        trainer = mf.Trainer(cost, optimizer)
        costs = []
        for n in range(steps):
            trainer.learning_rate = 0.1 / (n + 1)
            costs.append(trainer.step({node: array * (1 + n) for node, array in feed.items()}))
        return trainer, [np.array(c) for c in costs], [np.array(p.value) for p in parameters]


@pytest.mark.parametrize("rows", [6, 700], ids=["few rows", "many rows"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_captured_step_equals_numpys(optimizer, rows, stand_in):
    _, costs, parameters = train("numpy", OPTIMIZERS[optimizer](), rows=rows)
    trainer, found_costs, found = train(stand_in, OPTIMIZERS[optimizer](), rows=rows)
    assert "not captured" not in trainer.explain()
    for one, other in zip([*found_costs, *found], [*costs, *parameters], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-11)  # float64, sums of up to 700 terms, 4 steps


def test_a_step_has_few_calls(stand_in):
    trainer, *_ = train(stand_in, mf.SGD(0.1))
    products, sums, layers, bias, error, mean, update = 5, 2, 2, 1, 1, 1, 1  # a layer: one kernel forward, one backward
    assert len(trainer._captured._graph.work) == products + sums + layers + bias + error + mean + update


def test_the_state_is_renewed_in_place_without_a_copy(stand_in):
    trainer, *_ = train(stand_in, mf.Adam(0.01))
    assert trainer._captured._plan._renewed == []


def test_warming_up_leaves_the_state_alone(stand_in):
    def step(namespace, theta, x):
        return [theta - 0.5 * x, namespace.sum(theta * x)]

    theta, x = on_device(np.ones(4)), on_device(np.arange(4.0))
    captured = capture.CupyCapture(stand_in, step, [theta, x], 1)
    np.testing.assert_array_equal(captured.read(0), np.ones(4))
    (total,) = captured(x)
    assert total == 6
    np.testing.assert_array_equal(captured.read(0), 1 - 0.5 * np.arange(4.0))
    np.testing.assert_array_equal(theta, np.ones(4))  # what it was given is not written to


def test_results_are_never_overwritten(stand_in):
    cost, parameters, feed = network()
    with mf.use_backend(stand_in):
        program = mf.Program(cost, parameters)
        first = program(feed)
        kept = [np.array(first.values), *(np.array(g) for g in first.gradients.values())]
        program({node: array * 3 for node, array in feed.items()})
        for array, before in zip([first.values, *first.gradients.values()], kept, strict=True):
            np.testing.assert_array_equal(np.array(array), before)


def test_a_parameter_set_between_steps_is_seen(stand_in):
    cost, parameters, feed = network()
    with mf.use_backend(stand_in):
        trainer = mf.Trainer(cost, mf.SGD(0.1))
        first = float(trainer.step(feed))
        second = float(trainer.step(feed))
        for parameter, (_, fresh, _) in zip(parameters, [network()] * 4, strict=True):
            parameter.value = fresh[parameters.index(parameter)].value
        assert float(trainer.step(feed)) == first != second


def run_eagerly(stand_in, reason):
    """A step that cannot be captured: it warns, says why, and computes what NumPy computes."""
    _, costs, parameters = train("numpy", mf.Adam(0.01))
    with pytest.warns(RuntimeWarning, match=reason):
        trainer, found_costs, found = train(stand_in, mf.Adam(0.01))
    assert reason in trainer.explain()
    assert Cuda.capturing is None
    for one, other in zip([*found_costs, *found], [*costs, *parameters], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-11)


def test_after_an_error_capture_mode_is_left_and_steps_run_eagerly(stand_in, monkeypatch):
    real = gpu.Gpu.launch

    def fails_while_capturing(self, *arguments):
        if Cuda.capturing is not None:
            raise RuntimeError("no such luck")
        real(self, *arguments)

    monkeypatch.setattr(gpu.Gpu, "launch", fails_while_capturing)
    run_eagerly(stand_in, "RuntimeError: no such luck")
    kinds = [entry[0] for entry in Cuda.log]
    assert kinds.count("begin") == kinds.count("end") == 2  # it was tried once more
    assert "launch" not in kinds


def test_a_capture_that_something_spoils_once_is_made_again(stand_in, monkeypatch):
    real, spoiled = Stream.end_capture, [RuntimeError("capture was invalidated")]

    def fails_once(self):
        graph = real(self)
        if spoiled:
            raise spoiled.pop()
        return graph

    monkeypatch.setattr(Stream, "end_capture", fails_once)
    trainer, *_ = train(stand_in, mf.SGD(0.1))
    assert "not captured" not in trainer.explain()
    assert "launch" in [entry[0] for entry in Cuda.log]


def test_a_capture_that_is_dropped_gives_its_memory_back_after_its_last_run(stand_in):
    x, other = on_device(np.ones((2, 2))), Stream()
    captured = capture.CupyCapture(stand_in, lambda ns, x: [ns.matmul(x, x) * 2.0], [x], 0)
    with other:
        captured(x)
    Cuda.log.clear()
    with undisturbed():  # somebody captures
        del captured
        assert Cuda.log == []
    assert Cuda.log == [("synchronize", other.ptr), ("free",)]


def test_where_capture_cannot_end_steps_run_eagerly(stand_in, monkeypatch):
    real = Stream.end_capture

    def fails(self):
        real(self)
        raise RuntimeError("capture was invalidated")

    monkeypatch.setattr(Stream, "end_capture", fails)
    run_eagerly(stand_in, "capture was invalidated")


@pytest.mark.parametrize("error", [MemoryError("full"), KeyboardInterrupt()], ids=repr)
def test_memory_errors_and_interrupts_pass_and_leave_capture_mode(stand_in, monkeypatch, error):
    def fails_while_capturing(self, *arguments):
        if Cuda.capturing is not None:
            raise error

    monkeypatch.setattr(gpu.Gpu, "launch", fails_while_capturing)
    with pytest.raises(type(error)):
        train(stand_in, mf.SGD(0.1))
    assert Cuda.capturing is None
    assert [entry[0] for entry in Cuda.log].count("end") == 1


def test_what_is_not_known_to_be_safe_is_not_captured(stand_in):
    a, b = on_device(np.ones((3, 4))), on_device(np.ones((4, 5), "float32"))
    with pytest.warns(RuntimeWarning, match="of mixed dtypes"):
        captured = capture.CupyCapture(stand_in, lambda ns, a, b: [ns.matmul(a, b)], [a, b], 0)
    np.testing.assert_array_equal(np.array(captured(a, b)[0]), a @ b)
    assert "begin" not in [entry[0] for entry in Cuda.log]


SHAPES = {
    "stacks": ((2, 3, 4), (2, 4, 5)),
    "a stack and a matrix": ((2, 3, 4), (4, 5)),
    "a vector and a stack": ((4,), (2, 4, 5)),
    "a stack and a vector": ((2, 3, 4), (4,)),
    "stacks that are repeated unevenly": ((2, 1, 3, 4), (1, 6, 4, 5)),
}


@pytest.mark.parametrize(("left", "right"), SHAPES.values(), ids=SHAPES)
def test_products_of_stacks_are_captured(stand_in, left, right):
    A, B = mf.Input("A"), mf.Input("B")
    rng = np.random.default_rng(0)
    feed, program = {A: rng.normal(size=left), B: rng.normal(size=right)}, mf.Program(A @ B, [A, B])
    seeds = {program.schedule.outputs[0]: rng.normal(size=(feed[A] @ feed[B]).shape)}
    with mf.use_backend("numpy"):
        wanted = program(feed, seeds)
    with mf.use_backend(stand_in):
        for _ in range(2):
            found = program(feed, seeds)
            assert_same(found, wanted)
    assert "launch" in [entry[0] for entry in Cuda.log]


def assert_same(found, wanted):
    pairs = [(found.values, wanted.values), *((found.gradients[n], wanted.gradients[n]) for n in wanted.gradients)]
    for one, other in pairs:
        np.testing.assert_allclose(np.array(one), other, rtol=1e-12)


def test_streams_wait_for_each_other(stand_in):
    cost, _, feed = network()
    with mf.use_backend(stand_in):
        trainer = mf.Trainer(cost, mf.SGD(0.1))
        trainer.step(feed)
        own, users, other = trainer._captured._stream.ptr, Stream.current.ptr, Stream()
        assert ("wait", own, users) in Cuda.log  # the copies of the inputs before the warm-up
        assert ("wait", users, own) in Cuda.log  # the warm-up before the first launch
        Cuda.log.clear()
        trainer.step(feed)
        assert [e for e in Cuda.log if e[0] in ("wait", "record", "synchronize")] == []
        with other:
            trainer.step(feed)
        assert Cuda.log.index(("wait", other.ptr, users)) < Cuda.log.index(("launch", other.ptr))


def test_a_step_asks_the_host_to_wait_for_nothing(stand_in):
    trainer, *_ = train(stand_in, mf.SGD(0.1))
    feed = network()[2]
    Cuda.log.clear()
    with mf.use_backend(stand_in):
        trainer.step({leaf: feed[other] for leaf in trainer._step.leaves for other in feed if other.name == leaf.name})
    assert "synchronize" not in [entry[0] for entry in Cuda.log]


def test_states_that_change_places_are_renewed(stand_in):
    def swap(namespace, a, b, c):
        return [b, a + 1, a * 1.0, b]

    a, b, c = (on_device(np.full(3, float(n))) for n in range(3))
    captured = capture.CupyCapture(stand_in, swap, [a, b, c], 2)
    x, y = captured(c)
    np.testing.assert_array_equal([captured.read(0), captured.read(1), x, y], [[1] * 3, [1] * 3, [0] * 3, [1] * 3])
    captured(c)
    np.testing.assert_array_equal([captured.read(0), captured.read(1)], [[1] * 3, [2] * 3])


def test_states_that_are_exchanged_are_renewed(stand_in):
    a, b = on_device(np.zeros(3)), on_device(np.ones(3))
    captured = capture.CupyCapture(stand_in, lambda ns, a, b: [b, a], [a, b], 2)
    captured()
    np.testing.assert_array_equal([captured.read(0), captured.read(1)], [[1] * 3, [0] * 3])


def test_a_state_is_renewed_from_what_does_not_read_it(stand_in):
    def step(namespace, theta, x):
        return [x * namespace.sum(x * x), namespace.sum(theta)]

    x = on_device(np.ones(3))
    captured = capture.CupyCapture(stand_in, step, [on_device(np.zeros(3)), x], 1)
    assert captured(x) == [0]
    np.testing.assert_array_equal(captured.read(0), [3, 3, 3])
    assert captured(x) == [9]


def test_a_concatenation_may_hold_an_array_twice(stand_in):
    def step(namespace, x):
        y = x * 2
        return [namespace.concat([y, y, x])]

    x = on_device(np.ones(2))
    np.testing.assert_array_equal(capture.CupyCapture(stand_in, step, [x], 0)(x)[0], [2, 2, 2, 2, 1, 1])


def test_where_an_array_lies_is_part_of_a_key():
    memory = cupy.cuda.UnownedMemory(1 << 20, 32, None, 0)
    array = cupy.ndarray((4,), "float64", memptr=cupy.cuda.MemoryPointer(memory, 0))
    with pytest.raises(TypeError, match="unhashable"):
        hash(array.device)
    keys = {signature_of(object.__new__(kind), [array, np.ones(2), [1.0]]) for kind in (CupyBackend, NumpyBackend)}
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


def test_products_follow_the_callers_stream(stand_in, monkeypatch):
    monkeypatch.setattr(Stream, "begin_capture", lambda self: 1 / 0)
    x = on_device(np.ones((2, 2)))
    with pytest.warns(RuntimeWarning, match="ZeroDivisionError"):
        captured = capture.CupyCapture(stand_in, lambda ns, x: [ns.matmul(x, x)], [x], 0)
    other = Stream()
    with other:
        captured(x)
    assert [entry[1] for entry in Cuda.log if entry[0] == "set_stream"] == [captured._stream.ptr, other.ptr]


def test_concatenations_of_many_arrays_are_our_own(stand_in):
    def join(namespace, *arrays):
        return [
            namespace.concat([namespace.reshape(a * 2, (-1,)) for a in arrays]),
            namespace.concat(list(arrays), axis=1),
        ]

    arrays = [on_device(np.full((2, n), float(n))) for n in range(1, 12)]
    captured = capture.CupyCapture(stand_in, join, arrays, 0)
    flat, wide = captured(*arrays)
    np.testing.assert_array_equal(flat, np.concatenate([2 * a.ravel() for a in arrays]))
    np.testing.assert_array_equal(wide, np.concatenate(arrays, axis=1))


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
    assert {type(case.node).__name__ for case in rules.cases()} == set(ops.__all__)


def dropout_costs(backend, steps=3):
    """Costs and the parameters that are left of a few steps with dropout, in which the masks change."""
    from miniflow_xp.layers import Dense, Dropout, LayerNorm, Sequential

    X, y = mf.Input("X"), mf.Input("y")
    model = Sequential([Dense(5, 8, mf.Tanh), Dropout(0.4), LayerNorm(), Dense(8, 2)], seed=0, dtype="float64")
    rng = np.random.default_rng(0)
    feed = {X: rng.uniform(-1, 1, (7, 5)), y: rng.uniform(-1, 1, (7, 2))}
    with mf.use_backend(backend):
        trainer = mf.Trainer(mf.MSE(y, model(X)), mf.SGD(0.1))
        costs = [float(mf.to_numpy(trainer.step(feed))) for _ in range(steps)]
        return costs, [np.asarray(mf.to_numpy(p.value)) for p in model.parameters], trainer.explain()


def test_a_step_with_dropout_is_captured_and_equals_numpys(stand_in):
    costs, values, how = dropout_costs(stand_in)
    expected, numpys, _ = dropout_costs("numpy")
    assert "not captured" not in how
    np.testing.assert_allclose(costs, expected, rtol=1e-13)  # a few hundred roundings of numbers near 1
    for value, numpy in zip(values, numpys, strict=True):
        np.testing.assert_allclose(value, numpy, atol=1e-13)
