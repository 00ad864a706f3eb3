"""Dropout: the same mask on every backend, a new one in every pass, one in forward and backward, none in prediction."""

import numpy as np
import pytest
from closeness import assert_close, central_differences, rounding
from on_threads import run_threads

import miniflow_xp as mf
from miniflow_xp import errors
from miniflow_xp.engine.optim import SGD
from miniflow_xp.engine.program import Program
from miniflow_xp.engine.trainer import Trainer
from miniflow_xp.layers import Dense, Dropout, Sequential
from miniflow_xp.ops.dropout import Counter, Mask
from miniflow_xp.ops.random_bits import random_bits, threefry2x32

KEY = (0x13198A2E, 0x03707344)

KNOWN_ANSWERS = [  # (key, counter, result) of Threefry2x32-20, from the vectors that come with the paper's Random123
    ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
    ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
    ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
]


def words(host):
    """int32 words as the unsigned ones that the paper means."""
    return host.astype("int32").view("uint32")


def reference(key, first, second):
    """Threefry2x32-20 once more, in Python's own integers, one block at a time."""
    wrap, rotations = 2**32, [13, 15, 26, 6, 17, 29, 16, 24]
    schedule = [*key, key[0] ^ key[1] ^ 0x1BD11BDA]
    x, y = (first + key[0]) % wrap, (second + key[1]) % wrap
    for n in range(20):
        x = (x + y) % wrap
        y = ((y << rotations[n % 8]) % wrap | y >> (32 - rotations[n % 8])) ^ x
        if (n + 1) % 4 == 0:
            s = (n + 1) // 4
            x, y = (x + schedule[s % 3]) % wrap, (y + schedule[(s + 1) % 3] + s) % wrap
    return x, y


def reference_bits(key, number, count):
    half = (count + 1) // 2
    blocks = np.array([reference(key, n, number) for n in range(half)], dtype="uint32").reshape(half, 2)
    return blocks.T.reshape(-1)[:count]


def dropped(number, shape, rate=0.3, key=KEY):
    """Where elements are dropped, by the reference: the bits, read as signed, are a uniform number from -2³¹ on."""
    bits = reference_bits(key, number, int(np.prod(shape))).view("int32")
    return (bits < int(rate * 2**32) - 2**31).reshape(shape)


def bits_on(backend, number, shape, key=KEY):
    with backend.activate():
        counter = backend.asarray(np.asarray(number, dtype="int32"))
        device = getattr(counter, "device", None)
        return words(backend.to_numpy(random_bits(backend.xp, key, counter, shape, device)))


# The generator


@pytest.mark.parametrize(("key", "counter", "expected"), KNOWN_ANSWERS)
def test_threefry_gives_the_known_answers(key, counter, expected, backend):
    with backend.activate():
        arrays = [backend.asarray(np.array([word], dtype="uint32").view("int32")) for word in counter]
        found = threefry2x32(backend.xp, key, *arrays)
    assert [int(words(backend.to_numpy(f))[0]) for f in found] == list(expected)


@pytest.mark.parametrize(("key", "counter", "expected"), KNOWN_ANSWERS)
def test_the_reference_gives_the_known_answers(key, counter, expected):
    assert reference(key, *counter) == expected


def test_threefry_is_that_of_jax():
    pytest.importorskip("jax", reason="the oracle is JAX: pip install jax")
    from jax.extend.random import threefry_2x32

    rng = np.random.default_rng(0)
    counters = rng.integers(2**32, size=(2, 1000), dtype="uint32")
    for _ in range(3):
        key = rng.integers(2**32, size=2, dtype="uint32")
        theirs = np.asarray(threefry_2x32((key[0], key[1]), counters.reshape(-1))).reshape(2, -1)
        ours = threefry2x32(__import__("array_api_compat.numpy").numpy, tuple(map(int, key)), *counters.view("int32"))
        np.testing.assert_array_equal(words(np.stack(ours)), theirs)


@pytest.mark.parametrize("shape", [(), (1,), (7,), (4, 6), (3, 5, 7)])
@pytest.mark.parametrize("number", [0, 1, 2**31 - 1])
def test_bits_are_the_references_bit_for_bit(number, shape, backend):
    expected = reference_bits(KEY, number, int(np.prod(shape))).reshape(shape)
    np.testing.assert_array_equal(bits_on(backend, number, shape), expected)


@pytest.mark.parametrize("shape", [(), (7,), (4, 6)])
def test_bits_under_jit_are_the_references(shape):
    jax = pytest.importorskip("jax", reason="jit is JAX's: pip install jax")
    compiled = jax.jit(lambda number: random_bits(jax.numpy, KEY, number, shape, None))
    for number in (0, 1, 12345):
        expected = reference_bits(KEY, number, int(np.prod(shape))).reshape(shape)
        np.testing.assert_array_equal(words(np.asarray(compiled(np.int32(number)))), expected)


# The rules


def drop(x, counter, rate, key):
    return mf.Mul(x, Mask(x, counter, rate, key))


def run(node, feed, wrt=()):
    result = Program(node, wrt)(feed)
    return mf.to_numpy(result.values), {n: mf.to_numpy(g) for n, g in result.gradients.items()}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("shape", [(), (5,), (4, 3), (2, 3, 4)])
def test_values_are_the_references(dtype, shape, backend):
    x, counter = mf.Input("x"), Counter()
    data = np.random.default_rng(1).uniform(0.5, 2, shape).astype(dtype)
    for number in (1, 2, 99):
        value, _ = run(drop(x, counter, 0.3, KEY), {x: data, counter: number})
        expected = np.where(dropped(number, shape), 0, data / 0.7)
        assert str(value.dtype) == dtype
        np.testing.assert_array_equal(value == 0, dropped(number, shape))
        assert_close(value, expected, rounding(dtype, expected))


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.9])
def test_as_many_are_dropped_as_asked_for_and_the_mean_stays(rate, backend):
    """Of n independent elements, n·rate ± 5 standard deviations, which are exceeded once in a million draws."""
    n = 200_000
    x = mf.Input("x")
    value, _ = run(drop(x, Counter(), rate, KEY), {x: np.ones(n)})
    spread = np.sqrt(rate * (1 - rate) / n)
    assert abs(np.mean(value == 0) - rate) <= 5 * spread
    assert abs(np.mean(value) - 1) <= 5 * spread / (1 - rate) + rounding("float64", 1)


def test_each_element_pass_and_key_is_independent_of_the_others():
    """Fair coins: the products of two of them, ±1, sum to less than 5 √n over n."""
    n = 100_000
    masks = {}
    for key in ((1, 2), (1, 3), (2, 2)):
        for number in (1, 2):
            x, counter = mf.Input("x"), Counter()
            value, _ = run(drop(x, counter, 0.5, key), {x: np.ones(n), counter: number})
            masks[key, number] = value - 1  # 2 or 0, so ±1
    pairs = [(a, b) for a in masks for b in masks if a < b]
    assert len(pairs) == 15
    for a, b in pairs:
        assert abs(np.sum(masks[a] * masks[b])) < 5 * np.sqrt(n)
    for mask in masks.values():
        for shift in (1, 2, n // 2):  # neighbours, and the two words of a block
            assert abs(np.sum(mask * np.roll(mask, shift))) < 5 * np.sqrt(n)


@pytest.mark.parametrize("shape", [(), (5,), (4, 3)])
def test_the_gradient_is_that_of_central_differences(shape, backend):
    x, counter, cost_weights = mf.Input("x"), Counter(), np.random.default_rng(2).uniform(-1, 1, shape)
    data = np.random.default_rng(1).uniform(-1, 1, shape)
    node = drop(x, counter, 0.3, KEY)
    result = Program(node, [x])({x: data, counter: 3}, seeds={node: cost_weights})
    expected, error = central_differences(lambda x: np.where(dropped(3, shape), 0, x / 0.7), [data], cost_weights, 0)
    assert_close(mf.to_numpy(result.gradients[x]), expected, error)


def test_gradcheck_holds_the_mask_still(backend):
    if backend.storable("float64") != "float64":
        pytest.skip("gradcheck needs float64")
    x, y = mf.Input("x"), mf.Input("y")
    model = Sequential([Dense(5, 8, mf.Tanh), Dropout(0.4), Dense(8, 2)], seed=0, dtype="float64")
    rng = np.random.default_rng(0)
    feed = {x: rng.uniform(-1, 1, (4, 5)), y: rng.uniform(-1, 1, (4, 2))}
    before = model.counter.number
    mf.gradcheck(mf.MSE(y, model(x)), feed, elements=10)
    assert model.counter.number == before


def test_the_gradient_is_zero_only_where_the_value_was_dropped():
    """Also where x is 0, as after ReLU, and the value tells nothing about the mask."""
    x, counter = mf.Input("x"), Counter()
    node = drop(x, counter, 0.3, KEY)
    result = Program(node, [x])({x: np.zeros((4, 6)), counter: 1}, seeds={node: np.ones((4, 6))})
    np.testing.assert_array_equal(result.gradients[x] == 0, dropped(1, (4, 6)))


@pytest.mark.parametrize("rate", [1, 1.5, -0.1, float("nan"), "half", None])
def test_a_wrong_rate_is_an_error(rate):
    for make in (lambda: drop(mf.Input(), Counter(), rate, KEY), lambda: Dropout(rate)):
        with pytest.raises(errors.SettingError, match="rate"):
            make()


def test_the_counter_is_one_number(backend):
    x, counter = mf.Input("x"), Counter()
    with pytest.raises(errors.ShapeError, match="counter"):
        run(drop(x, counter, 0.3, KEY), {x: np.ones(3), counter: [1, 2]})


@pytest.mark.parametrize("number", [-1, 2**31])
def test_passes_have_numbers_that_an_int32_holds(number):
    with pytest.raises(errors.SettingError, match="passes"):
        Counter().value = number


# Passes


def probe(rate=0.5, n=64):
    """A model whose cost's gradient with respect to ``p`` shows the mask: Σ over the kept elements of 2 p."""
    x, y, p = mf.Input("x"), mf.Input("y"), mf.Parameter(np.ones(n), "p")
    layer = Dropout(rate, seed=5)
    cost = mf.MSE(y, layer(p * x))
    return layer, cost, p, {x: np.ones(n), y: np.zeros(n)}


def trainer_masks(steps, start=0):
    """Which elements of p each step moved."""
    layer, cost, p, feed = probe()
    layer.counter.value = start
    trainer = Trainer(cost, SGD(1e-3))
    found = []
    for _ in range(steps):
        before = mf.to_numpy(p.value).copy()
        trainer.step(feed)
        found.append(mf.to_numpy(p.value) != before)
    return np.array(found), trainer


def test_every_captured_step_has_a_new_mask_and_is_captured_once(backend):
    masks, trainer = trainer_masks(20)
    assert len({mask.tobytes() for mask in masks}) == 20
    assert len(trainer._captures._kept) == 1
    with mf.use_backend("numpy"):
        expected, _ = trainer_masks(20)
    np.testing.assert_array_equal(masks, expected)


def test_the_mask_of_a_step_is_that_of_its_number(backend):
    """A run that is taken up again at step 7 sees the masks that it would have seen."""
    whole, _ = trainer_masks(12)
    resumed, _ = trainer_masks(5, start=7)
    np.testing.assert_array_equal(resumed, whole[7:])


def test_masks_go_on_where_the_backend_changes(backend):
    whole, _ = trainer_masks(6)
    layer, cost, p, feed = probe()
    trainer, found = Trainer(cost, SGD(1e-3)), []
    for n in range(6):
        with mf.use_backend("numpy" if n in (2, 3) else backend):
            before = mf.to_numpy(p.value).copy()
            trainer.step(feed)
            found.append(mf.to_numpy(p.value) != before)
    np.testing.assert_array_equal(found, whole)
    assert layer.counter.number == 6


def test_forward_and_backward_of_a_step_have_the_same_mask(backend):
    """The cost is Σ kept (2 p x)² / n and its gradient 2 · cost / p for p of ones: both tell the kept elements."""
    _, cost, p, feed = probe()
    program = Program(cost, [p])
    for _ in range(5):
        result = program(feed)
        gradient = mf.to_numpy(result.gradients[p])
        assert 0 < np.count_nonzero(gradient) < 64
        kept = np.count_nonzero(gradient)
        assert_close(mf.to_numpy(result.values), kept * 4 / 64, rounding("float64", np.full(64, 4)))
        assert_close(gradient[gradient != 0], np.full(kept, 8 / 64), rounding("float64", np.ones(1)))


def test_every_pass_of_the_lessons_functions_has_a_new_mask(backend):
    """The same as in a captured run: pass n has number n, in forward and backward."""
    expected, _ = trainer_masks(6)
    layer, cost, p, feed = probe()
    graph = mf.topological_sort(feed, cost)
    for n in range(6):
        mf.forward_and_backward(graph)
        gradient, value = mf.to_numpy(p.gradients[p]), mf.to_numpy(cost.value)
        np.testing.assert_array_equal(gradient != 0, expected[n])
        assert_close(value, np.count_nonzero(gradient) * 4 / 64, rounding("float64", np.full(64, 4)))
        assert layer.counter.number == n + 1


def test_a_program_counts_and_takes_a_number_that_is_fed(backend):
    x, counter = mf.Input("x"), Counter()
    program = Program(drop(x, counter, 0.5, KEY))
    feed = {x: np.ones(64)}
    first, second = (mf.to_numpy(program(feed).values) for _ in range(2))
    assert counter.number == 2
    assert np.any(first != second)
    np.testing.assert_array_equal(mf.to_numpy(program({**feed, counter: 1}).values), first)
    np.testing.assert_array_equal(mf.to_numpy(program({**feed, counter: np.int32(2)}).values), second)
    assert counter.number == 2  # a number that is fed does not count


def test_a_pass_that_fails_leaves_the_counter_as_it_was_in_the_lesson(backend):
    layer, cost, _, feed = probe()
    graph = mf.topological_sort(feed, cost)
    mf.forward_and_backward(graph)
    x = next(iter(feed))
    x.value = np.ones(3)
    with pytest.raises(errors.ShapeError):
        mf.forward_and_backward(graph)
    assert layer.counter.number == 1


def test_nothing_is_dropped_in_prediction(backend):
    x = mf.Input("x")
    model = Sequential([Dense(3, 4), Dropout(0.9), Dense(4, 2)], seed=0)
    data = np.random.default_rng(0).uniform(-1, 1, (5, 3)).astype("float32")
    values = [mf.to_numpy(p.value) for p in model.parameters]
    expected = (data @ values[0] + values[1]) @ values[2] + values[3]
    program = Program(model(x, training=False))
    assert not any(isinstance(leaf, Counter) for leaf in program.graph.leaves)
    for _ in range(2):
        assert_close(mf.to_numpy(program({x: data}).values), expected, rounding("float32", data, *values))
    assert model.counter.number == 0


def test_a_rate_of_0_builds_nothing():
    x = mf.Input("x")
    assert Dropout(0.0)(x) is x


# Layers


def mask_of(node, x, n=64):
    (counter,) = (leaf for leaf in Program(node).graph.leaves if isinstance(leaf, Counter))
    return mf.to_numpy(Program(node)({x: np.ones(n), counter: 1}).values) != 0


def test_layers_and_calls_of_one_layer_have_masks_of_their_own():
    x = mf.Input("x")
    model = Sequential([Dropout(0.5), Dropout(0.5), Sequential([Dropout(0.5)])], seed=0)
    inner = model[2]
    found = [mask_of(layer(x), x) for layer in (model[0], model[0], model[1], inner[0])]
    assert len({mask.tobytes() for mask in found}) == 4


def test_the_same_model_again_has_the_same_masks():
    x = mf.Input("x")
    for build in (lambda: Sequential([Dropout(0.5)], seed=3)[0], lambda: Dropout(0.5, seed=3)):
        np.testing.assert_array_equal(mask_of(build()(x), x), mask_of(build()(x), x))


def test_layers_without_a_seed_have_masks_of_their_own():
    x = mf.Input("x")
    assert np.any(mask_of(Dropout(0.5)(x), x) != mask_of(Dropout(0.5)(x), x))


def test_one_counter_governs_a_model():
    x = mf.Input("x")
    model = Sequential([Dropout(0.5), Sequential([Dropout(0.5)])])
    outputs = [model(x), model[1](x)]
    leaves = {leaf for output in outputs for leaf in Program(output).graph.leaves}
    assert leaves == {x, model.counter}


# Capture


def test_the_mask_is_computed_once_a_step(monkeypatch):
    calls = []
    compute = Mask.compute
    monkeypatch.setattr(Mask, "compute", lambda *args: calls.append(1) or compute(*args))
    _, cost, p, feed = probe()
    graph = mf.topological_sort(feed, cost)
    mf.forward_and_backward(graph)
    assert len(calls) == 1
    with mf.use_backend("strict"):
        program = Program(cost, [p])
        program(feed)
        calls.clear()
        program(feed)
    assert len(calls) == 1


def test_steps_are_captured(backend):
    """On the backends that capture, the mask does not make them fall back to the plain loop."""
    _, trainer = trainer_masks(1)
    assert "cannot be recorded" not in trainer.explain()


def test_threads_that_share_a_program_get_passes_of_their_own():
    x, counter = mf.Input("x"), Counter()
    program = Program(drop(x, counter, 0.5, KEY))
    program({x: np.ones(64)})
    found = []

    def work():
        found.extend(mf.to_numpy(program({x: np.ones(64)}).values).tobytes() for _ in range(20))

    run_threads([work] * 2)
    possible = {(np.where(dropped(n, (64,), 0.5), 0.0, 2.0)).tobytes() for n in range(2, 42)}
    assert set(found) <= possible
