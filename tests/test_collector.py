"""While a step is captured Python's collector of cyclic garbage rests; it leaves nothing that only it could free."""

import gc
import os
import threading

import numpy as np
import pytest

import miniflow_xp as mf
from miniflow_xp.recording.equations import Value
from miniflow_xp.recording.tape import Tape
from miniflow_xp.system.collector import no_garbage_collection


class Looks(mf.Node):
    """x, and whether the collector was on while it was computed; then ``error``, if there is one."""

    def __init__(self, x, error=None):
        super().__init__([x])
        self.error, self.seen = error, []

    def compute(self, xp, x):
        self.seen.append(gc.isenabled())
        if self.error is not None:
            raise self.error
        return xp.tanh(x)


@pytest.fixture(autouse=True)
def on_again():
    assert gc.isenabled()
    yield
    was_on = gc.isenabled()
    gc.enable()
    assert was_on


def test_the_collector_rests_during_a_capture_and_is_on_again(backend):
    x = mf.Input("x")
    node = Looks(x)
    mf.Program(node)({x: np.ones(3, "float32")})
    assert node.seen[0] is False  # where nothing is captured a call computes it again
    assert gc.isenabled()


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()], ids=["error", "Ctrl-C"])
def test_the_collector_is_on_again_after_a_capture_that_fails(backend, error):
    x = mf.Input("x")
    node = Looks(x, error)
    with pytest.raises(type(error)):
        mf.Program(node)({x: np.ones(3, "float32")})
    assert not any(node.seen)
    assert gc.isenabled()


@pytest.mark.parametrize("train", [True, False])
def test_the_collector_rests_while_jax_traces_and_compiles(train, monkeypatch):
    pytest.importorskip("jax")
    from miniflow_xp.backends.jax import adapter

    seen, evaluate = [], adapter.evaluate

    def looking(*args):
        seen.append(gc.isenabled())
        return evaluate(*args)

    monkeypatch.setattr(adapter, "evaluate", looking)
    x = mf.Input("x")
    cost = mf.MSE(x, mf.Tanh(mf.Parameter(np.ones(3, "float32"))))
    with mf.use_backend("jax:cpu"):
        run = mf.Trainer(cost).step if train else mf.Program(cost)
        run({x: np.ones(3, "float32")})
    assert seen == [False]
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off():
    gc.disable()
    try:
        with no_garbage_collection():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_the_collector_rests_until_the_last_block_ends():
    with no_garbage_collection():
        with no_garbage_collection():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()


def test_the_collector_rests_until_the_last_thread_has_left_its_block():
    entered, leave = threading.Event(), threading.Event()

    def inside():
        with no_garbage_collection():
            entered.set()
            leave.wait()

    thread = threading.Thread(target=inside)
    with no_garbage_collection():
        thread.start()
        entered.wait()
    assert not gc.isenabled()
    leave.set()
    thread.join()
    assert gc.isenabled()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*")
@pytest.mark.parametrize("own", [False, True], ids=["in another thread", "in this thread too"])
def test_a_forked_process_does_not_wait_for_a_block_of_a_thread_that_it_does_not_have(own):
    entered, leave = threading.Event(), threading.Event()

    def inside():
        with no_garbage_collection():
            entered.set()
            leave.wait()

    def in_child():
        if own:
            with no_garbage_collection():
                child = os.fork()
                resting = not gc.isenabled()
        else:
            child, resting = os.fork(), True
        if child == 0:
            os._exit(0 if resting and gc.isenabled() else 1)
        return child

    thread = threading.Thread(target=inside)
    thread.start()
    entered.wait()
    status = os.waitpid(in_child(), 0)[1]
    leave.set()
    thread.join()
    assert status == 0


def test_a_capture_leaves_no_cycle_of_what_was_recorded():
    """On NumPy, which keeps the calls: counting references frees the rest."""
    x = mf.Input("x")
    program = mf.Program(mf.Tanh(x))
    gc.collect()
    with no_garbage_collection(), mf.use_backend("numpy"):
        before = tapes()
        program({x: np.ones(3)})
        after = tapes()
    assert after == before


def test_a_capture_keeps_none_of_the_equations():
    """What a user holds on to is the calls, and the collector has less to go through."""
    x = mf.Input("x")
    program = mf.Program(mf.MSE(x, mf.Tanh(x)), x)
    with mf.use_backend("numpy"):
        before = alive(Value)
        program({x: np.ones(3)})
    assert alive(Value) == before


def tapes():
    return alive(Tape)


def alive(kind):
    return sum(type(thing) is kind for thing in gc.get_objects())
