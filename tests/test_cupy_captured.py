"""Captured steps on CuPy: what only shows where a device runs them, a real one or one that is played."""

import gc
from contextlib import suppress
from threading import Thread

import numpy as np
import pytest
from array_api_compat import array_namespace
from small_networks import sigmoid_and_tanh

import miniflow_xp as mf
from miniflow_xp.engine.frozen import FrozenGraph

cupy = pytest.importorskip("cupy", reason="CuPy is not installed")

from miniflow_xp.backends.cupy import gpu  # noqa: E402  they import CuPy
from miniflow_xp.backends.cupy.capture import CupyCapture  # noqa: E402
from miniflow_xp.backends.cupy.product import WORKSPACE  # noqa: E402

pytestmark = [pytest.mark.gpu, pytest.mark.parametrize("backend", ["cupy"], indirect=True)]


def test_a_program_runs_captured(backend):
    cost, parameters, feed = sigmoid_and_tanh()
    with mf.use_backend("numpy"):
        wanted = mf.Program(cost, parameters)(feed)
    program = mf.Program(cost, parameters)
    for _ in range(3):
        found = program(feed)
        np.testing.assert_allclose(backend.to_numpy(found.values), wanted.values, rtol=1e-12)
        for p in parameters:
            np.testing.assert_allclose(backend.to_numpy(found.gradients[p]), wanted.gradients[p], rtol=1e-12)
    assert "not captured" not in program.explain()


def deep(layers=8, width=64, rows=1024):
    """(cost, its parameters, a feed): a network whose arrays are all of ``rows`` times ``width`` numbers."""
    rng = np.random.default_rng(0)
    x, y = mf.Input("x"), mf.Input("y")
    node, parameters = x, []
    for _ in range(layers):
        W = mf.Parameter(rng.normal(size=(width, width)).astype("float32") / 8)
        b = mf.Parameter(np.zeros(width, "float32"))
        node, parameters = mf.Sigmoid(mf.Linear(node, W, b)), [*parameters, W, b]
    feed = {leaf: rng.normal(size=(rows, width)).astype("float32") for leaf in (x, y)}
    return mf.MSE(y, node), parameters, feed


def used():
    """Bytes of the device that are taken, by whomever."""
    free, total = cupy.cuda.runtime.memGetInfo()
    return total - free


def most_used(run):
    """Bytes of the device that ``run`` took at most, beyond those that were taken."""

    class Watch(cupy.cuda.MemoryHook):
        name = "watch"
        most = 0

        def alloc_postprocess(self, **_):
            self.most = max(self.most, used() - before)

    gc.collect()
    cupy.get_default_memory_pool().free_all_blocks()
    before = used()
    with Watch() as watch:
        run()
    return watch.most


def test_capturing_takes_little_more_memory_than_a_run(backend):
    cost, parameters, feed = deep()
    graph = FrozenGraph([cost], parameters)
    arrays = [backend.asarray(feed.get(leaf, leaf.value)) for leaf in graph.leaves]

    def run(xp, *arrays):
        outputs, gradients, _ = graph.run(xp, arrays)
        return [*outputs, *gradients]

    run(backend.xp, *arrays)  # what libraries keep for themselves
    plain = most_used(lambda: run(backend.xp, *arrays))
    captured = most_used(lambda: CupyCapture(backend, run, arrays, 0))
    assert captured < 1.5 * plain + WORKSPACE


def test_a_dropped_capture_gives_all_its_memory_back(backend):
    def one():
        cost, _, feed = deep(layers=2)
        mf.Trainer(cost, mf.SGD(0.1)).step(feed)
        gc.collect()
        cupy.get_default_memory_pool().free_all_blocks()
        return used()

    first = one()
    assert [one() for _ in range(3)] == [first] * 3


@pytest.mark.parametrize("wait", ["ours", "the library's"])
def test_another_threads_wait_for_the_device_does_not_spoil_a_capture(backend, wait, monkeypatch):
    """Ours waits until the capture is over; of the library's own nobody knows, and the capture is made again."""
    real, threads = gpu.Gpu.launch, []
    work = backend.synchronize if wait == "ours" else cupy.cuda.Device(0).synchronize

    def disturbed(self, *arguments):
        if cupy.cuda.get_current_stream().is_capturing() and not threads:
            threads.append(Thread(target=suppressed, args=(work,)))
            threads[0].start()
            threads[0].join(timeout=0.2 if wait == "ours" else None)
        real(self, *arguments)

    monkeypatch.setattr(gpu.Gpu, "launch", disturbed)
    cost, _, feed = sigmoid_and_tanh()
    trainer = mf.Trainer(cost, mf.SGD(0.1))
    trainer.step(feed)
    threads[0].join()
    assert "not captured" not in trainer.explain()


def suppressed(work):
    with suppress(cupy.cuda.runtime.CUDARuntimeError):  # CUDA may refuse
        work()


STACKS = {
    "stacks": ((2, 3, 4), (2, 4, 5)),
    "a stack and a matrix": ((2, 3, 4), (4, 5)),
    "a vector and a stack": ((4,), (2, 4, 5)),
    "a stack and a vector": ((2, 3, 4), (4,)),
    "stacks that are repeated unevenly": ((2, 1, 3, 4), (1, 6, 4, 5)),
}


@pytest.mark.parametrize("pair", [("float32",) * 2, ("float64",) * 2, ("float32", "float64"), ("float16", "float32")])
@pytest.mark.parametrize(("left", "right"), STACKS.values(), ids=STACKS)
def test_products_of_stacks_and_of_two_dtypes_are_captured(backend, left, right, pair):
    A, B = mf.Input("A"), mf.Input("B")
    product = A @ B
    rng, program = np.random.default_rng(0), mf.Program(product, [A, B])
    feed = {A: rng.normal(size=left).astype(pair[0]), B: rng.normal(size=right).astype(pair[1])}
    value = feed[A] @ feed[B]
    seeds = {product: rng.normal(size=value.shape).astype(value.dtype)}
    with mf.use_backend("numpy"):
        wanted = program(feed, seeds)
    eps = float(np.finfo(pair[0]).eps)
    for _ in range(2):
        found = program(feed, seeds)
        for node in (A, B):
            assert found.gradients[node].dtype == wanted.gradients[node].dtype
            gradient = backend.to_numpy(found.gradients[node])
            np.testing.assert_allclose(gradient, wanted.gradients[node], rtol=64 * eps, atol=64 * eps)
        assert found.values.dtype == value.dtype
        np.testing.assert_allclose(backend.to_numpy(found.values), value, rtol=64 * eps, atol=64 * eps)
    assert "not captured" not in program.explain()


def test_float64_data_for_layers_in_float32_is_captured(backend):
    cost, parameters, feed = sigmoid_and_tanh(dtype="float32")
    wide = {leaf: array.astype("float64") for leaf, array in feed.items()}
    trainer = mf.Trainer(cost, mf.SGD(0.1))
    found = trainer.step(wide)
    assert "not captured" not in trainer.explain()
    with mf.use_backend("numpy"):
        cost, _, feed = sigmoid_and_tanh(dtype="float32")
        wanted = mf.Program(cost)({leaf: array.astype("float64") for leaf, array in feed.items()}).values
    assert found.dtype == wanted.dtype
    np.testing.assert_allclose(float(found), float(wanted), rtol=1e-6)
    assert [p.value.dtype for p in parameters] == ["float32"] * 4


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numbers_of_numpy_are_constants_of_the_graph(backend, dtype):
    two, one = np.dtype(dtype).type(2), np.dtype(dtype).type(1)

    def of(x):
        xp = array_namespace(x)
        return xp.sum(xp.where(x > one, x**two, xp.tanh(x) * two))

    x = np.linspace(-2, 2, 5, dtype="float32")
    wanted = np.where(x > 1, 2 * x, 2 / np.cosh(x) ** 2)
    function = mf.jit(mf.grad(of))
    for _ in range(2):
        found = function(backend.asarray(x))
        np.testing.assert_allclose(backend.to_numpy(found), wanted, rtol=1e-6)
        assert found.dtype == x.dtype
    assert "not captured" not in function.explain()
    assert "plain loop" not in function.explain()
