"""float16 and bfloat16: sums, counts, squares and norms are those of float32, and so is what an optimizer remembers."""

import functools
import os

import numpy as np
import pytest
from array_api_compat import array_namespace

import miniflow_xp as mf
from miniflow_xp.backend import Backend
from miniflow_xp.engine.optim import SGD, Adam, AdamW, RMSProp

HALVES = ("float16", "bfloat16")
ROWS = 70_000  # more than float16 can count


@pytest.fixture(params=HALVES)
def half(request, backend):
    """A function that makes an array of half precision, on each backend that has it."""
    if backend.storable(request.param) != request.param:
        pytest.skip(f"{backend.name} has no {request.param}")
    return lambda numbers: backend.asarray(np.asarray(numbers, "float32"), request.param)


@pytest.fixture(params=["captured", "plain"])
def way(request, monkeypatch, backend):
    """A step as the backend captures it, and as the plain loop."""
    if request.param == "plain":
        monkeypatch.setattr(type(backend), "capture", Backend.capture)


def steps(optimizer, parameter, gradients):
    """Train on a cost whose gradient is what is fed."""
    g = mf.Input("g")
    trainer = mf.Trainer(mf.MatMul(g, parameter), optimizer)
    for gradient in gradients:
        trainer.step({g: gradient})
    return mf.to_numpy(parameter.value).astype("float64").tolist()


def test_numpy_gets_what_it_has_no_dtype_for_as_float32(backend, half):
    host = backend.to_numpy(half([1.5]))
    assert (host.dtype.name in ("float16", "float32"), host.tolist()) == (True, [1.5])


# Sums, counts and squares


def test_the_gradient_of_many_terms(backend, half, way):
    """w x + 4 - 0 with x = 1: the cost is 16, and its slope the mean of 2 · 4 over more terms than can be counted."""
    x, y, w = mf.Input("x"), mf.Input("y"), mf.Parameter(half(0), "w")
    feed = {x: half(np.ones(ROWS)), y: half(np.zeros(ROWS))}
    value, gradients = mf.Program(mf.MSE(y, w * x + 4.0), w)(feed)
    assert (float(value), float(gradients[w])) == (16, 8)
    assert gradients[w].dtype == feed[x].dtype
    mf.forward_and_backward(mf.topological_sort(feed))
    assert float(w.gradients[w]) == 8


def test_a_bias_of_many_rows(backend, half, way):
    x, b = mf.Input("x"), mf.Parameter(half([0, 0]), "b")
    feed, ones = {x: half(np.ones((ROWS, 2)))}, np.full((ROWS, 2), 2.0**-8)
    program = mf.Program(x + b, b)
    _, gradients = program(feed, seeds={program.graph.outputs[0]: half(ones)})
    np.testing.assert_allclose(mf.to_numpy(gradients[b]), ROWS * 2.0**-8, rtol=2**-8)  # one rounding to bfloat16


def test_a_term_that_is_larger_than_float16_has_numbers_for(backend, half, way):
    x, y, w = mf.Input("x"), mf.Input("y"), mf.Parameter(half([0.0]), "w")
    value, gradients = mf.Program(mf.MSE(y, w * x), w)({x: half([1.0]), y: half([300.0])})
    assert float(value) == 90_000
    np.testing.assert_allclose(mf.to_numpy(gradients[w]), [-600], rtol=2**-8)


def test_a_set_in_parts(backend, half):
    x, y = mf.Input("x"), mf.Input("y")
    rows = half(np.zeros(5000))
    found = mf.evaluate(mf.MSE(y, x + 4.0), mf.Validation([{x: rows, y: rows}] * 2))
    assert found == {"cost": 16}


def test_cross_entropy_of_many_rows(backend, half, way):
    """All logits are 0: each row costs log 2, and its slope is half a row's share of the mean."""
    labels, logits = mf.Input("labels", dtype=int), mf.Parameter(half([0, 0]), "logits")
    x = mf.Input("x")
    cost = mf.CrossEntropy(labels, mf.MatMul(x, mf.Parameter(half([[0, 0]]), "W")) + logits)
    feed = {x: half(np.ones((ROWS, 1))), labels: np.zeros(ROWS, int)}
    value, gradients = mf.Program(cost, logits)(feed)
    any_order = ROWS * 2**-24  # the bound for a sum of that many float32 terms (Higham, section 4.2)
    np.testing.assert_allclose(float(value), np.log(2), rtol=any_order)
    # each row's share, 1 / (2 · ROWS), is rounded to float16, which has 7 bits for numbers as small as this
    np.testing.assert_allclose(mf.to_numpy(gradients[logits]), [-0.5, 0.5], rtol=2**-7)


def test_parts_that_add_up(backend, half):
    """Sums of gradients, of the loss, and the weight, all beyond 65,504, from parts of 35,000 rows."""
    x, y, w = mf.Input("x"), mf.Input("y"), mf.Parameter(half([0.0]), "w")
    trainer = mf.Trainer(mf.MSE(y, w * x + 4.0), SGD(0.1))
    rows = ROWS // 2
    part = trainer.additive({x: half(np.ones(rows)), y: half(np.zeros(rows))})
    np.testing.assert_allclose(mf.to_numpy(part), [8 * rows, 16 * rows, rows], rtol=1e-6)


@pytest.mark.parametrize("axis", [0, -1])
@pytest.mark.parametrize("node", [mf.Softmax, mf.LogSoftmax])
def test_softmax_over_many_classes(backend, half, way, node, axis):
    x = mf.Input("x")
    shape = (ROWS, 1) if axis == 0 else (1, ROWS)
    program = mf.Program(node(x, axis=axis), x)
    seeds = {program.graph.outputs[0]: half(np.ones(shape))}
    value, gradients = program({x: half(np.zeros(shape))}, seeds=seeds)
    expected = 1 / ROWS if node is mf.Softmax else -np.log(ROWS)
    assert mf.to_numpy(value).shape == shape
    assert value.dtype == seeds[program.graph.outputs[0]].dtype
    np.testing.assert_allclose(mf.to_numpy(value), expected, rtol=2**-7, atol=2**-24)
    # 1 - ROWS · p, where p = e^value and value, log ROWS = 11.2, is rounded to a multiple of 1/16 in bfloat16
    np.testing.assert_allclose(mf.to_numpy(gradients[x]), 0, atol=1 / 16)


def test_standardise_numbers_whose_squares_are_too_large(backend, half, way):
    x, scale = mf.Input("x"), mf.Parameter(half(1.0), "scale")
    numbers = half([-300, 0, 300, 600])
    program = mf.Program(mf.Standardise(x) * scale, [x])
    value, gradients = program({x: numbers}, seeds={program.graph.outputs[0]: half([1, 0, 0, 0])})
    exact = (np.array([-300, 0, 300, 600]) - 150) / np.sqrt(112_500)
    slope = (np.array([0.75, -0.25, -0.25, -0.25]) - exact * exact[0] / 4) / np.sqrt(112_500)
    np.testing.assert_allclose(mf.to_numpy(value), exact, rtol=2**-8)
    np.testing.assert_allclose(mf.to_numpy(gradients[x]), slope, rtol=2**-6, atol=2**-17)


# Functions

REDUCED = {
    "mean": lambda xp, x: xp.mean(x),
    "max": lambda xp, x: xp.max(x),
    "min": lambda xp, x: xp.min(x),
    "nanmax": lambda xp, x: xp.nanmax(x),
    "norm": lambda xp, x: xp.linalg.vector_norm(x, ord=float("inf")),
    "unique_values": lambda xp, x: xp.unique_values(x)[0],
}


@pytest.mark.parametrize("name", REDUCED)
def test_a_share_of_more_elements_than_can_be_counted(backend, half, name):
    """All elements are 1: each has the same part of the gradient."""
    if "FAKEGPU" in os.environ and name in ("norm", "unique_values"):
        pytest.skip("the stand-in for a GPU does not play what CuPy counts long masks with")
    x = half(np.ones(ROWS))
    found = mf.grad(lambda x: REDUCED[name](array_namespace(x), x))(x)
    assert found.dtype == x.dtype
    np.testing.assert_allclose(mf.to_numpy(found).astype(float), 1 / ROWS, rtol=2**-7)  # a small float16 has 7 bits


# Norms


@pytest.mark.parametrize("norm", [300.0, 3e4])
def test_clipped_by_a_norm_whose_square_is_too_large(backend, half, way, norm):
    assert steps(SGD(0.5).clipped(1.0), mf.Parameter(half([0, 0]), "w"), [half([norm, 0])]) == [-0.5, 0]


@pytest.mark.parametrize(("dtype", "norm"), [("float32", 3e19), ("float32", 3e38), ("float64", 1e200)])
@pytest.mark.parametrize("sign", [1, -1])
def test_clipped_by_a_norm_whose_square_overflows(backend, way, dtype, norm, sign):
    w = mf.Parameter(np.zeros(2, dtype), "w")
    found = steps(SGD(0.5).clipped(1.0), w, [np.array([sign * norm, 0], dtype)])
    np.testing.assert_allclose(found, [sign * -0.5, 0], rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_clipped_by_a_norm_whose_square_is_0_in_floating_point(backend, way, dtype):
    tiny = {"float32": 1e-30, "float64": 1e-200}[dtype]
    w = mf.Parameter(np.zeros(2, dtype), "w")
    found = steps(SGD(1.0).clipped(tiny), w, [np.array([3 * tiny, 4 * tiny], dtype)])
    np.testing.assert_allclose(found, [-0.6 * tiny, -0.8 * tiny], rtol=1e-6)


@pytest.mark.parametrize("bad", [np.inf, np.nan])
def test_a_gradient_that_is_not_finite_is_not_clipped_away(backend, way, bad):
    w = mf.Parameter(np.zeros(2), "w")
    with np.errstate(invalid="ignore"):
        assert not np.isfinite(steps(SGD(0.5).clipped(1.0), w, [np.array([bad, 1.0])])).any()


# Optimizers


def test_adam_moves_what_bfloat16_can_count_and_average_no_more(backend, half, way):
    """torch.optim gives the same: each step is the rate, as the gradient is always the same."""
    assert steps(Adam(0.125), mf.Parameter(half([1, 1]), "w"), [half([0.5, 0.25])] * 4) == [0.5, 0.5]


@pytest.mark.parametrize("make", [Adam, AdamW, RMSProp, functools.partial(SGD, momentum=0.9)])
def test_a_gradient_of_0_moves_nothing(backend, half, way, make):
    (still, moved) = steps(make(0.125), mf.Parameter(half([0, 1]), "w"), [half([0, 1])] * 3)
    assert still == 0
    assert moved < 1


def test_the_counter_counts_on(backend, half):
    """300 steps: bfloat16 counts to 256, and what was remembered before is 1 - β₂ᵗ of the average now."""
    g, w = mf.Input("g"), mf.Parameter(half([1, 1]), "w")
    trainer = mf.Trainer(mf.MatMul(g, w), Adam(2.0**-12))
    for _ in range(300):
        trainer.step({g: half([0.5, 0.25])})
    state = trainer.snapshot().optimizer
    assert state.steps == 300
    averages = np.array([[0.5, 0.25], [0.25, 0.0625]]) * (1 - np.array([[0.9**300], [0.999**300]]))
    assert [slot.dtype for slot in state.slots[0]] == ["float32", "float32"]
    np.testing.assert_allclose(state.slots[0], averages, rtol=1e-4)  # 300 roundings of float32


def test_a_small_rate_is_not_rounded(backend, half):
    """1e-9 is 0 in float16; with momentum 0 and a gradient of 2¹⁵ it still moves a small parameter."""
    (found,) = steps(SGD(1e-9), mf.Parameter(half([0]), "w"), [half([2.0**15])])
    np.testing.assert_allclose(found, -1e-9 * 2.0**15, rtol=2**-7)
    g, w = mf.Input("g"), mf.Parameter(half([0]), "w")
    mf.forward_and_backward(mf.topological_sort({g: half([2.0**15])}, mf.MatMul(g, w)))
    mf.sgd_update([w], 1e-9)
    assert w.value.dtype == g.value.dtype
    np.testing.assert_allclose(mf.to_numpy(w.value), -1e-9 * 2.0**15, rtol=2**-7)
