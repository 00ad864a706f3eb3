"""Trainer: a captured step is the plain step is the lesson's step, on every backend."""

import gc
import os
import tracemalloc
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from on_threads import run_threads
from small_networks import TwoLayers, agree

import miniflow_xp as mf
from miniflow_xp import errors, switch
from miniflow_xp.backend import Backend
from miniflow_xp.engine.optim import SGD, Adam
from miniflow_xp.engine.trainer import Trainer

RATE = 0.3


class Network(TwoLayers):
    """Its batch of each step."""

    def feed(self, step, rows=6):
        return self.batch(rows, step, rows)

    def values(self):
        return [np.array(mf.to_numpy(p.value)) for p in self.parameters]

    def lesson_step(self, feed, rate=RATE):
        mf.forward_and_backward(mf.topological_sort(feed, self.cost))
        mf.sgd_update(self.parameters, rate)
        return mf.to_numpy(self.cost.value)


def agree_all(got, expected, dtype="float64", steps=1):
    for a, b in zip(got, expected, strict=True):
        agree(a, b, dtype, steps)


# What a step does


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("labels", [False, True])
def test_20_steps_are_the_lessons(backend, dtype, labels):
    ours, lesson = Network(dtype, labels), Network(dtype, labels)
    trainer = Trainer(ours.cost, SGD(RATE))
    for step in range(1, 21):
        rows = 2 if step % 7 == 0 else 6  # a short last batch in between
        cost = trainer.step(ours.feed(step, rows))
        agree(cost, lesson.lesson_step(lesson.feed(step, rows)), dtype, step)
    agree_all(ours.values(), lesson.values(), dtype, 20)


@pytest.mark.parametrize("make", [lambda: SGD(RATE, momentum=0.9), lambda: Adam(0.05)])
def test_20_captured_steps_are_20_of_the_plain_loop(backend, make, monkeypatch):
    ours, plain = Network(), Network()
    trainer, other = Trainer(ours.cost, make()), Trainer(plain.cost, make())
    costs = [trainer.step(ours.feed(step, 2 if step % 7 == 6 else 6)) for step in range(20)]
    monkeypatch.setattr(type(backend), "capture", Backend.capture)
    for step, cost in enumerate(costs):
        agree(cost, mf.to_numpy(other.step(plain.feed(step, 2 if step % 7 == 6 else 6))), steps=20)
    assert "plain loop" in other.explain()
    agree_all(ours.values(), plain.values(), steps=20)


def test_the_cost_is_a_0_d_array_on_the_device_from_before_the_update(backend):
    network = Network()
    expected = Network()
    cost = Trainer(network.cost, SGD(RATE)).step(network.feed(0))
    assert backend.owns(cost)
    assert backend.on_device(cost)
    assert cost.shape == ()
    agree(cost, expected.lesson_step(expected.feed(0)))


def test_a_cost_that_is_the_parameter_itself(backend):
    p = mf.Parameter(2.0, "p", dtype="float64")
    trainer = Trainer(p, SGD(0.5))
    assert [float(mf.to_numpy(trainer.step())) for _ in range(3)] == [2.0, 1.5, 1.0]
    assert float(mf.to_numpy(p.value)) == 0.5


def test_parameters_of_several_shapes_and_dtypes(backend):
    p = mf.Parameter(np.asarray(2.0, "float32"), "p")
    q = mf.Parameter(np.array([[1.0, -1.0]]), "q")
    r = mf.Parameter(np.array([0.5, 0.25, 1.0], "float32"), "r")
    x = mf.Input("x")
    a, b = mf.MSE(x, q * 2.0), mf.MSE(x, p * 0 * x)
    cost = a + b * 0 + mf.MSE(r, 0 * r)
    trainer = Trainer(cost, SGD(0.25))
    trainer.step({x: np.zeros((1, 2))})
    assert [str(mf.to_numpy(v.value).dtype) for v in (p, q, r)] == ["float32", "float64", "float32"]
    agree(p.value, np.asarray(2.0, "float32"), "float32")
    agree(q.value, np.array([[0.0, 0.0]]))
    agree(r.value, np.array([0.5, 0.25, 1.0], "float32") * np.float32(1 - 0.5 / 3), "float32")


def test_only_the_named_parameters_are_trained(backend):
    network, lesson = Network(), Network()
    chosen = network.parameters[2:]
    before = network.values()
    trainer = Trainer(network.cost, SGD(RATE), chosen)
    for step in range(3):
        trainer.step(network.feed(step))
        mf.forward_and_backward(mf.topological_sort(lesson.feed(step), lesson.cost))
        mf.sgd_update(lesson.parameters[2:], RATE)
    agree_all(network.values(), lesson.values(), steps=3)
    np.testing.assert_array_equal(network.values()[0], before[0])
    network.parameters[0].value = lesson.parameters[0].value = np.full((3, 4), 0.1)  # an untrained one may be set, too
    trainer.step(network.feed(9))
    mf.forward_and_backward(mf.topological_sort(lesson.feed(9), lesson.cost))
    mf.sgd_update(lesson.parameters[2:], RATE)
    agree_all(network.values(), lesson.values(), steps=4)


def test_nothing_but_values_of_parameters_is_changed(backend):
    network = Network()
    graph = mf.topological_sort(network.feed(0))
    mf.forward_and_backward(graph)
    others = [n for n in graph if not isinstance(n, mf.Parameter)]
    before = [(n.value, dict(n.gradients)) for n in others]
    Trainer(network.cost).step(network.feed(1))
    for node, (value, gradients) in zip(others, before, strict=True):
        assert node.value is value
        assert dict(node.gradients) == gradients


def test_integer_feeds_take_the_dtype_of_the_parameters(backend):
    """As in the lesson's functions: float32 parameters and whole numbers give a float32 step."""
    rows, targets = np.arange(12).reshape(4, 3) % 3, np.arange(8).reshape(4, 2) % 2
    for dtype in ("float32", "float64"):
        ours, lesson = Network(dtype), Network(dtype)
        for _ in range(2):
            cost = Trainer(ours.cost, SGD(RATE)).step({ours.X: rows, ours.y: targets.tolist()})
            agree(cost, lesson.lesson_step({lesson.X: rows, lesson.y: targets.tolist()}), dtype, 2)
        agree_all(ours.values(), lesson.values(), dtype, 2)


def test_integer_parameters_take_the_dtype_of_the_feeds(backend):
    x = mf.Input("x")
    p, q = mf.Parameter([1, 2], "p"), mf.Parameter([1, 2], "q")
    feed = {x: np.array([0.5, 0.25], "float32")}
    Trainer(mf.MSE(x, p), SGD(RATE)).step(feed)
    mf.forward_and_backward(mf.topological_sort(feed, mf.MSE(x, q)))
    mf.sgd_update([q], RATE)
    agree(p.value, mf.to_numpy(q.value), "float32")


def test_read_only_feeds_that_are_not_contiguous_are_left_as_they_are(backend):
    network, lesson = Network(), Network()
    wide = np.random.default_rng(5).uniform(-1, 1, (6, 8))
    X, y = wide[::2, 1:4], wide.T[3:5, 3:6].T
    X.flags.writeable = y.flags.writeable = False
    copies = X.copy(), y.copy()
    trainer = Trainer(network.cost, SGD(RATE))
    for _ in range(2):
        agree(trainer.step({network.X: X, network.y: y}), lesson.lesson_step({lesson.X: X, lesson.y: y}), steps=2)
    np.testing.assert_array_equal(X, copies[0])
    np.testing.assert_array_equal(y, copies[1])


def test_the_arrays_that_parameters_were_made_from_are_left_alone(backend):
    mine = backend.asarray(np.array([1.0, 2.0]))
    p = mf.Parameter(mine, "p")
    trainer = Trainer(mf.MSE(p, 0 * p), Adam(0.1))
    for _ in range(2):
        trainer.step()
    assert mf.to_numpy(mine).tolist() == [1, 2]
    assert mf.to_numpy(p.value).tolist() != [1, 2]


# Reading and setting values


def test_results_and_values_that_were_read_are_never_overwritten(backend):
    network = Network()
    trainer = Trainer(network.cost, SGD(RATE, momentum=0.9))
    kept = []
    for step in range(5):
        cost = trainer.step(network.feed(step))
        kept += [(a, np.array(mf.to_numpy(a))) for a in (cost, *(p.value for p in network.parameters))]
    for array, copy in kept:
        np.testing.assert_array_equal(mf.to_numpy(array), copy)
    assert not np.array_equal(kept[0][1], kept[5][1])


def test_reading_values_between_steps_changes_nothing(backend):
    reading, plain = Network(), Network()
    a, b = Trainer(reading.cost, Adam(0.1)), Trainer(plain.cost, Adam(0.1))
    for step in range(5):
        a.step(reading.feed(step))
        reading.values()
        b.step(plain.feed(step))
    for got, expected in zip(reading.values(), plain.values(), strict=True):
        np.testing.assert_array_equal(got, expected)


def test_a_value_that_is_set_between_steps_is_seen(backend):
    ours, lesson = Network(), Network()
    trainer = Trainer(ours.cost, SGD(RATE))
    for step in range(6):
        if step in (2, 4):
            value = np.full((4, 2), 0.1 * step)
            ours.parameters[2].value = value if step == 2 else backend.asarray(value)
            lesson.parameters[2].value = value
        agree(trainer.step(ours.feed(step)), lesson.lesson_step(lesson.feed(step)), steps=6)
    agree_all(ours.values(), lesson.values(), steps=6)


def test_setting_one_value_keeps_the_slots_of_the_others(backend):
    """Adam's averages go on, for the parameters that were not set."""
    one, two = Network(), Network()
    a, b = Trainer(one.cost, Adam(0.1)), Trainer(two.cost, Adam(0.1))
    for step in range(3):
        a.step(one.feed(step))
        b.step(two.feed(step))
    one.parameters[3].value = mf.to_numpy(one.parameters[3].value)  # the same number, set by hand
    a.step(one.feed(3))
    b.step(two.feed(3))
    agree_all(one.values(), two.values(), steps=4)


def test_the_lessons_functions_see_and_continue_a_training(backend):
    ours, lesson = Network(), Network()
    trainer = Trainer(ours.cost, SGD(RATE))
    for step in range(6):
        if step % 2:
            agree(ours.lesson_step(ours.feed(step)), lesson.lesson_step(lesson.feed(step)), steps=6)
        else:
            agree(trainer.step(ours.feed(step)), lesson.lesson_step(lesson.feed(step)), steps=6)
    agree_all(ours.values(), lesson.values(), steps=6)


def test_two_trainers_on_the_same_parameters(backend):
    ours, lesson = Network(), Network()
    first, second = Trainer(ours.cost, SGD(RATE)), Trainer(ours.cost, SGD(0.1), ours.parameters[:2])
    for step in range(6):
        if step % 2:
            second.step(ours.feed(step))
            mf.forward_and_backward(mf.topological_sort(lesson.feed(step), lesson.cost))
            mf.sgd_update(lesson.parameters[:2], 0.1)
        else:
            first.step(ours.feed(step))
            lesson.lesson_step(lesson.feed(step))
    agree_all(ours.values(), lesson.values(), steps=6)


# Learning rate and backend


@pytest.fixture
def captures(backend, monkeypatch):
    """The list of all captures made on the backend."""
    made, original = [], type(backend).capture

    def counting(self, function, arrays, state):
        made.append(state)
        return original(self, function, arrays, state)

    monkeypatch.setattr(type(backend), "capture", counting)
    return made


def test_a_new_learning_rate_is_seen_and_captures_nothing_anew(captures):
    ours, lesson = Network(), Network()
    trainer = Trainer(ours.cost, SGD(RATE))
    for step in range(6):
        trainer.learning_rate = rate = RATE / (1 + step)
        assert trainer.learning_rate == rate
        agree(trainer.step(ours.feed(step)), lesson.lesson_step(lesson.feed(step), rate), steps=6)
    assert len(captures) == 1
    agree_all(ours.values(), lesson.values(), steps=6)


def test_a_first_step_converts_its_data_once(backend, monkeypatch):
    converted, original = [], type(backend).asarray

    def counting(self, host, dtype=None):
        converted.append(host)
        return original(self, host, dtype)

    monkeypatch.setattr(type(backend), "asarray", counting)
    x, rows = mf.Input("x", dtype="float32"), np.linspace(-1, 1, 8)
    mf.Trainer(mf.MSE(x, mf.Parameter(0.5) * x)).step({x: rows})
    assert sum(host is rows for host in converted) == 1


def test_setting_a_value_captures_nothing_anew(captures):
    network = Network()
    trainer = Trainer(network.cost, Adam())
    for step in range(4):
        network.parameters[0].value = np.full((3, 4), 0.1 * step)
        trainer.step(network.feed(step))
    assert len(captures) == 1


def test_batches_of_two_lengths_are_captured_twice(captures):
    network = Network()
    trainer = Trainer(network.cost, Adam())
    for _ in range(3):
        for rows in (6, 6, 2):
            trainer.step(network.feed(0, rows))
    assert len(captures) == 2


@pytest.mark.parametrize("rate", [-1, float("inf"), float("nan")])
def test_a_malformed_learning_rate(rate):
    network = Network()
    trainer = Trainer(network.cost, SGD(RATE))
    with pytest.raises(errors.SettingError, match="learning_rate"):
        trainer.learning_rate = rate
    assert trainer.learning_rate == RATE


def test_the_memory_of_a_batch_may_be_used_again_as_soon_as_its_step_is_asked_for(backend):
    """A library that works in the background must not read what the next batch has overwritten."""
    A, B = np.zeros((1000, 1000)), np.zeros((1000, 1))
    X, y, W = mf.Input("X"), mf.Input("y"), mf.Parameter(np.ones((1000, 1)), "W")
    trainer = Trainer(mf.MSE(y, mf.MatMul(X, W)), SGD(1e-30))
    costs = []
    for number in range(6):
        A[...] = number
        costs.append(trainer.step({X: A, y: B}))
    assert [float(mf.to_numpy(cost)) for cost in costs] == pytest.approx([1e6 * n**2 for n in range(6)], rel=1e-12)


def test_at_a_learning_rate_of_0_where_schedules_may_end_nothing_moves(backend):
    network = Network()
    trainer = Trainer(network.cost, SGD(RATE))
    trainer.step(network.feed(0))
    before = network.values()
    trainer.learning_rate = 0
    trainer.step(network.feed(0))
    for value, kept in zip(network.values(), before, strict=True):
        np.testing.assert_array_equal(value, kept)


def test_what_is_set_on_the_optimizer_takes_effect_from_the_next_step(captures):
    network, lesson = Network(), Network()
    trainer = Trainer(network.cost, SGD(RATE))
    for step, rate in enumerate([RATE, 0.0, 0.05, 0.05]):
        trainer.optimizer.learning_rate = rate
        assert trainer.learning_rate == rate
        agree(trainer.step(network.feed(step)), lesson.lesson_step(lesson.feed(step), rate), steps=4)
    assert len(captures) == 1
    trainer.optimizer.learning_rate = 0.1
    trainer.learning_rate = 0.2  # the later of the two
    agree(trainer.step(network.feed(4)), lesson.lesson_step(lesson.feed(4), 0.2), steps=5)
    agree_all(network.values(), lesson.values(), steps=5)
    for rate in (-1, float("nan")):
        with pytest.raises(errors.SettingError, match="learning_rate"):
            trainer.optimizer.learning_rate = rate
    assert trainer.learning_rate == 0.2


@pytest.mark.parametrize(
    ("make", "name", "value"),
    [
        (lambda: Adam(0.1), "betas", (0.2, 0.3)),
        (lambda: Adam(0.1), "epsilon", 0.5),
        (lambda: SGD(RATE), "momentum", 0.9),
        (lambda: SGD(RATE, momentum=0.9), "momentum", 0.0),
        (lambda: SGD(RATE), "weight_decay", 0.5),
        (lambda: SGD(RATE), "clip_norm", 0.01),
    ],
)
def test_a_setting_of_the_optimizer_takes_effect_from_the_next_step(backend, make, name, value):
    """As if the steps from there on were those of an optimizer made so, with what is remembered until then."""
    ours, theirs = Network(), Network()
    trainer, before, after = Trainer(ours.cost, make()), Trainer(theirs.cost, make()), Trainer(theirs.cost, make())
    trainer.step(ours.feed(0))
    before.step(theirs.feed(0))
    setattr(trainer.optimizer, name, value)
    setattr(after.optimizer, name, value)  # which has not made a step yet
    after.restore(before.snapshot())
    for step in (1, 2):
        agree(trainer.step(ours.feed(step)), mf.to_numpy(after.step(theirs.feed(step))), steps=3)
    agree_all(ours.values(), theirs.values(), steps=3)


def test_a_trainer_keeps_its_optimizer():
    network = Network()
    trainer = Trainer(network.cost, SGD(RATE))
    with pytest.raises(AttributeError, match="optimizer"):
        trainer.optimizer = Adam()


def usable(name):
    """A backend that can be used here, or None."""
    try:
        return switch.load(name)
    except errors.BackendError:
        return None


@pytest.mark.parametrize("make", [lambda: SGD(RATE), lambda: SGD(RATE, momentum=0.9), lambda: Adam(0.1)])
def test_training_goes_on_when_the_backend_changes(make):
    """Parameters, slots and the number of the step move to whatever backend is chosen."""
    names = [name for name in ("numpy", "strict", "torch", "jax") if usable(name)]
    ours, still = Network(), Network()
    trainer, other = Trainer(ours.cost, make()), Trainer(still.cost, make())
    for step, name in enumerate([*names, *names[::-1], *names]):
        with mf.use_backend(name):
            cost = trainer.step(ours.feed(step))
            assert mf.get_backend().owns(cost)
            assert mf.get_backend().owns(ours.parameters[0].value)
            found = mf.to_numpy(cost)
        agree(found, other.step(still.feed(step)), steps=12)
    agree_all(ours.values(), still.values(), steps=12)


def test_learning_rate_and_backend_change_between_two_steps(backend):
    ours, lesson = Network(), Network()
    trainer = Trainer(ours.cost, SGD(RATE))
    trainer.step(ours.feed(0))
    lesson.lesson_step(lesson.feed(0))
    trainer.learning_rate = 0.1
    values = lesson.values()
    with mf.use_backend("strict" if backend.name == "numpy" else "numpy"):
        agree_all([p.value for p in ours.parameters], values, steps=2)
        for parameter, value in zip(lesson.parameters, values, strict=True):
            parameter.value = value
        agree(trainer.step(ours.feed(1)), lesson.lesson_step(lesson.feed(1), 0.1), steps=2)
        agree_all(ours.values(), lesson.values(), steps=2)


# What goes wrong changes nothing


def failing_feeds(network):
    X, y = network.feed(0).values()
    yield errors.ShapeError, "'first'", {network.X: X[:, :2], network.y: y}
    yield errors.ShapeError, "'cost'", {network.X: X, network.y: y[:3]}
    yield errors.UnfedError, "'y'", {network.X: X}
    yield errors.NotInGraphError, "'output'", {network.X: X, network.y: y, network.output: y}
    yield errors.DtypeError, "'X'", {network.X: X * 1j, network.y: y}
    yield errors.FeedError, "'X'", {network.X: [[1.0], [1.0, 2.0]], network.y: y}
    if network.labels:
        yield errors.LabelError, "'cost'", {network.X: X, network.y: y + 1}
        yield errors.LabelError, "'cost'", {network.X: X, network.y: y - 1}
        yield errors.LabelError, "'cost'", {network.X: X, network.y: (y + 1).tolist()}


@pytest.mark.parametrize("labels", [False, True])
@pytest.mark.parametrize("steps_before", [0, 2])
def test_parameters_are_untouched_by_a_step_that_raises(backend, labels, steps_before):
    network, lesson = Network(labels=labels), Network(labels=labels)
    trainer = Trainer(network.cost, Adam(0.1))
    other = Trainer(lesson.cost, Adam(0.1))
    for step in range(steps_before):
        trainer.step(network.feed(step))
        other.step(lesson.feed(step))
    before = network.values()
    for kind, words, feed in failing_feeds(network):
        with pytest.raises(kind, match=words):
            trainer.step(feed)
        for got, expected in zip(network.values(), before, strict=True):
            np.testing.assert_array_equal(got, expected)
    agree(trainer.step(network.feed(5)), mf.to_numpy(other.step(lesson.feed(5))), steps=3)
    agree_all(network.values(), lesson.values(), steps=3)


def test_a_value_of_another_shape_that_does_not_fit_is_refused_and_can_be_mended(backend):
    network = Network()
    trainer = Trainer(network.cost, SGD(RATE))
    trainer.step(network.feed(0))
    before = network.values()
    network.parameters[0].value = np.ones((5, 4))
    with pytest.raises(errors.ShapeError, match="'first'"):
        trainer.step(network.feed(1))
    network.parameters[0].value = before[0]
    for got, expected in zip(network.values(), before, strict=True):
        np.testing.assert_array_equal(got, expected)
    trainer.step(network.feed(1))


def test_a_parameter_that_the_cost_does_not_depend_on():
    network = Network()
    other = mf.Parameter(1.0, "other")
    with pytest.raises(errors.NoGradientError, match="'other'"):
        Trainer(network.cost, SGD(), [*network.parameters, other])


def test_a_parameter_that_no_gradient_reaches():
    labels, logits = mf.Parameter(np.array([0, 1]), "labels", dtype=int), mf.Parameter(np.ones((2, 2)), "logits")
    trainer = Trainer(mf.CrossEntropy(labels, logits), SGD())
    with pytest.raises((errors.NoGradientError, errors.DtypeError), match="'labels'"):
        trainer.step()
    assert labels.value.dtype.kind == "i"


def test_a_cost_without_parameters_and_one_that_is_no_scalar(backend):
    x = mf.Input("x")
    with pytest.raises(errors.GraphError, match="'plain'"):
        Trainer(mf.MSE(x, 0 * x, name="plain"))
    network = Network()
    with pytest.raises(errors.CostError, match="'output'"):
        Trainer(network.output).step({network.X: np.ones((2, 3))})


def test_parameters_that_are_none_or_named_twice():
    network = Network()
    with pytest.raises(errors.GraphError, match="'X'"):
        Trainer(network.cost, SGD(), [network.X])
    with pytest.raises(errors.GraphError, match="'W1'"):
        Trainer(network.cost, SGD(), [network.parameters[0]] * 2)
    with pytest.raises(errors.GraphError):
        Trainer(network.cost, SGD(), [])


def test_one_parameter_need_not_be_in_a_list():
    network = Network()
    first = network.parameters[0]
    assert Trainer(network.cost, SGD(), first).parameters == [first]


def test_an_overflow_that_raises_leaves_the_parameters_as_they_were():
    """With NumPy told to raise, in the middle of a step: before the update, or in it."""
    p = mf.Parameter(np.array([1.0, 2.0]), "p")
    x = mf.Input("x")
    trainer = Trainer(mf.MSE(p * x, 0 * x), SGD(0.1, momentum=0.5))
    trainer.step({x: np.ones(2)})
    before = p.value
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        trainer.step({x: np.full(2, 1e200)})
    np.testing.assert_array_equal(p.value, before)


# Many steps, many threads


def test_memory_is_flat_over_10_000_steps():
    network = Network("float32")
    trainer = Trainer(network.cost, Adam(1e-3))
    feeds = [network.feed(step) for step in range(4)] + [network.feed(0, 2)]

    def train(steps):
        for step in range(steps):
            trainer.step(feeds[step % len(feeds)])
            _ = network.parameters[0].value

    tracemalloc.start()
    try:
        train(100)
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        train(10_000)
        gc.collect()
        after = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert after - before < 10_000  # bytes: less than one a step


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the memory of a process is read from /proc")
@pytest.mark.parametrize("name", ["numpy", "torch", "jax"])
def test_the_memory_of_the_process_is_flat_over_10_000_steps(name):
    pytest.importorskip(name)
    network = Network("float32")
    with mf.use_backend(name) as backend:
        trainer = Trainer(network.cost, Adam(1e-3))
        feeds = [network.feed(step) for step in range(4)]

        def resident(steps):
            for step in range(steps):
                trainer.step(feeds[step % len(feeds)])
                _ = network.parameters[0].value
            gc.collect()
            backend.synchronize()
            return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

        resident(1000)
        before = resident(1000)
        assert resident(10_000) - before < 1_000_000  # bytes: less than 100 a step


@pytest.mark.parametrize("name", ["torch", "strict"])
def test_objects_do_not_pile_up_on_other_backends(name):
    pytest.importorskip({"strict": "array_api_strict"}.get(name, name))
    network = Network()
    with mf.use_backend(name):
        trainer = Trainer(network.cost, Adam(1e-3))
        feed = network.feed(0)

        def objects(steps):
            for _ in range(steps):
                trainer.step(feed)
            gc.collect()
            return len(gc.get_objects())

        objects(50)
        before = objects(50)
        assert objects(300) - before < 100  # less than one for each step more


def test_two_trainers_of_shared_nodes_in_two_threads(backend):
    """Two costs on one hidden layer, each with its own parameters: two threads train at once."""
    rng = np.random.default_rng(3)
    x = mf.Input("x")
    heads = [mf.Parameter(rng.uniform(-1, 1, (3, 2)), f"head {n}") for n in range(2)]
    shared = mf.Sigmoid(mf.Linear(x, mf.Parameter(rng.uniform(-1, 1, (3, 3))), mf.Parameter(np.zeros(3))))
    trainers = [Trainer(mf.MSE(mf.Input(f"y {n}"), shared @ head), SGD(0.1), [head]) for n, head in enumerate(heads)]
    targets = [t.cost.inbound_nodes[0] for t in trainers]
    feeds = [{x: rng.uniform(-1, 1, (4, 3)), targets[n]: np.full((4, 2), 1.0 + n)} for n in range(2)]

    def work(n):
        with mf.use_backend(backend):
            for _ in range(30):
                trainers[n].step(feeds[n])

    alone = []
    for n in range(2):
        start = np.array(heads[n].value)
        work(n)
        alone.append(np.array(mf.to_numpy(heads[n].value)))
        heads[n].value = start
    run_threads([partial(work, n) for n in range(2)])
    agree_all([mf.to_numpy(h.value) for h in heads], alone, steps=30)


def test_explain_says_what_capture_did(backend):
    network = Network()
    trainer = Trainer(network.cost)
    assert "not captured" in trainer.explain()
    trainer.step(network.feed(0))
    assert backend.name in trainer.explain()


def test_what_is_read_cannot_be_written_to_and_a_new_value_is_seen(backend):
    x, y, W = mf.Input("x"), mf.Input("y"), mf.Parameter(np.ones((3, 1)), "W")
    trainer = Trainer(mf.MSE(y, x @ W), SGD(0.1))
    feed = {x: np.ones((2, 3)), y: np.zeros((2, 1))}
    trainer.step(feed)
    for _ in range(2):
        if backend.name == "numpy":
            with pytest.raises(ValueError, match="read-only"):
                W.value[...] = 0
        W.value = np.zeros((3, 1))
        assert float(trainer.step(feed)) == 0
    np.testing.assert_array_equal(mf.to_numpy(W.value), np.zeros((3, 1)))
