"""Several threads on one Trainer or Program, on every backend: each step and each pass counts once."""

import threading

import numpy as np
import pytest
from on_threads import run_threads
from small_training import same_bits

import miniflow_xp as mf


class Training:
    """X (8, 4) → 6 → dropout → 2 and MSE; always the same batch."""

    def __init__(self, rate=0.2):
        rng = np.random.default_rng(1)
        self.X, self.y = mf.Input("X"), mf.Input("y")
        self.model = mf.Sequential([mf.Dense(4, 6, mf.Tanh), mf.Dropout(rate), mf.Dense(6, 2)], seed=0)
        self.trainer = mf.Trainer(mf.MSE(self.y, self.model(self.X)), mf.Adam(0.01))
        self.feed = {self.X: rng.normal(size=(8, 4)), self.y: rng.normal(size=(8, 2))}
        self.feed = {leaf: array.astype("float32") for leaf, array in self.feed.items()}

    def values(self):
        return [np.array(mf.to_numpy(p.value)) for p in self.model.parameters]


def in_use(backend, work):
    """``work`` for a thread, which has no backend of its own."""

    def run():
        with mf.use_backend(backend):
            work()

    return run


def test_eight_threads_on_one_trainer_make_the_steps_of_one(backend):
    """1 + 8 · 30 steps of the same batch, each with its own mask of dropout: the order does not matter."""
    training, reference = Training(), Training()
    costs = [float(reference.trainer.step(reference.feed)) for _ in range(241)]
    found = [float(training.trainer.step(training.feed))]

    def work():
        found.extend(float(training.trainer.step(training.feed)) for _ in range(30))

    run_threads([in_use(backend, work)] * 8)
    assert training.trainer.snapshot().optimizer.steps == 241
    assert training.model.counter.number == 241
    same_bits(training.values(), reference.values())
    assert sorted(found) == sorted(costs)


def test_values_that_are_read_while_another_thread_trains_are_those_of_a_step(backend):
    """Also while captures change, with the length of the batch."""
    training, reference = Training(), Training()
    half = {leaf: array[:4] for leaf, array in training.feed.items()}
    seen, known, going = [], [], threading.Event()

    def train(t, feeds):
        for step in range(60):
            t.step(feeds[step // 5 % 2])
            yield

    feeds = [training.feed, half]
    twins = [{reference.X: feed[training.X], reference.y: feed[training.y]} for feed in feeds]
    first = training.model.parameters[0]
    trained = train(reference.trainer, twins)
    known.append(np.array(first.value).tobytes())
    known.extend(np.array(mf.to_numpy(reference.model.parameters[0].value)).tobytes() for _ in trained)

    def work():
        for _ in train(training.trainer, feeds):
            pass
        going.set()

    def read():
        while not going.is_set():
            seen.append(np.array(mf.to_numpy(first.value)).tobytes())

    run_threads([in_use(backend, work), in_use(backend, read), in_use(backend, read)])
    assert set(seen) <= set(known)
    same_bits(training.values(), reference.values())


def test_rates_copies_and_states_are_taken_while_another_thread_trains(backend):
    training = Training(rate=0)
    training.trainer.step(training.feed)
    steps = []

    def work():
        for _ in range(40):
            training.trainer.step(training.feed)

    def look():
        for n in range(10):
            training.trainer.learning_rate = 0.01 / (1 + n)
            steps.append(training.trainer.snapshot().optimizer.steps)
            training.trainer.explain()

    run_threads([in_use(backend, work), in_use(backend, look)])
    assert steps == sorted(steps)
    assert training.trainer.snapshot().optimizer.steps == 41


def test_eight_threads_on_one_program_each_take_a_pass_of_their_own(backend):
    """Dropout's numbers are given out once each; the captures are shared."""
    training, reference = Training(), Training()
    program, other = (mf.Program(t.trainer.cost, t.model.parameters) for t in (training, reference))

    def signature(result):
        return b"".join(np.array(mf.to_numpy(a)).tobytes() for a in [result.values, *result.gradients.values()])

    expected = [signature(other(reference.feed)) for _ in range(80)]
    found = []

    def work():
        found.extend(signature(program(training.feed)) for _ in range(10))

    run_threads([in_use(backend, work)] * 8)
    assert training.model.counter.number == 80
    assert sorted(found) == sorted(expected)


def test_a_feed_that_is_refused_in_one_thread_takes_no_pass_of_another(backend):
    training = Training()
    training.trainer.step(training.feed)

    def work():
        for _ in range(20):
            training.trainer.step(training.feed)

    def fail():
        for _ in range(20):
            with pytest.raises(mf.errors.FeedError):
                training.trainer.step({training.X: np.ones((0, 4)), training.y: np.ones((0, 2))})

    run_threads([in_use(backend, work), in_use(backend, fail)])
    assert training.trainer.snapshot().optimizer.steps == 21
    assert training.model.counter.number == 21
