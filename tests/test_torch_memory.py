"""Replay on PyTorch writes over tensors that are done with: never over one that somebody still looks at."""

import random
from functools import partial

import numpy as np
import pytest
from conftest import why_unusable
from on_threads import run_threads

import miniflow_xp as mf
from miniflow_xp.engine.optim import SGD, Adam

pytestmark = pytest.mark.skipif(bool(why_unusable("torch")), reason=why_unusable("torch") or "usable")
torch = pytest.importorskip("torch")

SIDE = 4
CALLS = 5


def random_function(rng):
    """A function of three square arrays, the first two of which it renews: elementwise calls, views, products."""

    def elementwise(xp, a, b):
        c = round(rng.uniform(-2, 2), 1)
        return rng.choice(
            [
                lambda: a + b,
                lambda: a - b,
                lambda: a * b,
                lambda: -a,
                lambda: c * a,
                lambda: a + c,
                lambda: c - a,
                lambda: xp.tanh(a),
                lambda: xp.exp(-xp.abs(a)),
                lambda: a / (1 + b * b),
                lambda: a - b * b,
                lambda: xp.where(a > 0.1234, a, b),  # no tie, which rounding would decide
            ]
        )()

    def other(xp, a, b):
        return rng.choice(
            [
                lambda: xp.matrix_transpose(a),
                lambda: xp.reshape(xp.reshape(a, (-1,)), (SIDE, SIDE)),
                lambda: xp.permute_dims(a, (1, 0)) + b,
                lambda: xp.tanh(a @ b),
                lambda: xp.broadcast_to(xp.sum(xp.tanh(a), axis=0, keepdims=True), (SIDE, SIDE)),
                lambda: xp.concat([a[:2], b[2:]]),
                lambda: xp.astype(a, a.dtype, copy=False),
                lambda: xp.flip(a, axis=0) * b,
            ]
        )()

    seed = rng.random()

    def function(xp, *arrays):
        rng.seed(seed)  # the same function at every call
        values = list(arrays)
        for _ in range(rng.randrange(4, 25)):
            a, b = rng.choice(values), rng.choice(values[-6:])
            values.append((elementwise if rng.random() < 0.7 else other)(xp, a, b))
        bounded = [xp.tanh(rng.choice(values)) for _ in range(2)]  # the state does not grow without end
        return [*bounded, rng.choice(values), values[-1], rng.choice(values[-4:])]

    return function


@pytest.mark.parametrize("seed", range(150))
def test_a_random_step_replayed_gives_what_the_plain_one_gives_and_keeps_what_it_gave(seed):
    backend = mf.set_backend("torch")
    function = random_function(random.Random(seed))
    data = np.random.default_rng(seed).uniform(-1, 1, (CALLS + 2, SIDE, SIDE))
    state = [torch.tensor(x) for x in data[:2]]
    captured = backend.capture(function, [*state, torch.tensor(data[2])], 2)
    assert "recorded and replayed" in captured.how
    given = [(x, x.clone()) for x in state]
    for x in data[2:]:
        fed = torch.tensor(x)
        expected = [r.clone() for r in function(backend.xp, *state, fed)]
        found = captured(fed)
        for a, b in zip(found, expected[2:], strict=True):
            torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)
        given += [(a, a.clone()) for a in found] + [(fed, torch.tensor(x))]
        state = expected[:2]
        read = captured.read(0)
        torch.testing.assert_close(read, state[0], rtol=1e-12, atol=1e-12)
        given.append((read, read.clone()))
    for handed_out, copy in given:  # what a caller holds, later steps do not touch
        assert torch.equal(handed_out, copy)


def network(optimizer):
    X, y = mf.Input("X", dtype="float32"), mf.Input("y", dtype=int)
    model = mf.Sequential([mf.Dense(30, 40, mf.ReLU), mf.Dense(40, 5)], seed=0)
    trainer = mf.Trainer(mf.CrossEntropy(y, model(X)), optimizer)
    rng = np.random.default_rng(0)
    return trainer, {X: rng.standard_normal((16, 30), dtype="float32"), y: rng.integers(0, 5, 16)}


@pytest.mark.parametrize("optimizer", [SGD(0.1, momentum=0.9), Adam(0.01)])
def test_after_the_first_steps_the_state_stays_in_the_same_memory(optimizer):
    """As many tensors as are alive at once, and no fresh ones."""
    mf.set_backend("torch")
    trainer, feed = network(optimizer)
    addresses = []
    for _ in range(30):
        trainer.step(feed)
        addresses.append({t.data_ptr() for t in trainer._captured._state if t.numel() > 100})
    everywhere = set().union(*addresses[5:])
    assert len(everywhere) <= 3 * len(addresses[-1])


def test_threads_that_share_a_program_do_not_share_its_memory():
    mf.set_backend("torch")
    x = mf.Input("x", dtype="float64")
    program = mf.Program(mf.Tanh(mf.Tanh(x * 2.0 + 1.0) * 3.0 - 0.5) * 2.0)
    wrong = []

    def work(number):
        data = np.random.default_rng(number).standard_normal((200, 200))
        expected = np.tanh(np.tanh(data * 2 + 1) * 3 - 0.5) * 2
        found = (mf.to_numpy(program({x: data}).values) for _ in range(50))
        wrong.extend(number for values in found if not np.allclose(values, expected, rtol=1e-12))

    run_threads([partial(work, n) for n in range(4)])
    assert wrong == []
