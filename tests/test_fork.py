"""A forked process goes on with a training that its parent began, on NumPy; a child that hangs is killed and fails."""

import os

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")

TRAINING = """
import os, signal, sys, threading, warnings
import numpy as np
import miniflow_xp as mf

def training(rows=8192):
    rng = np.random.default_rng(0)
    X, y = mf.Input("X"), mf.Input("y")
    model = mf.Sequential([mf.Dense(64, 256, mf.Tanh), mf.Dense(256, 1)], seed=0)
    feed = {X: rng.normal(size=(rows, 64)).astype("float32"), y: rng.normal(size=(rows, 1)).astype("float32")}
    return mf.Trainer(mf.MSE(y, model(X)), mf.Adam(0.01)), feed

def state(trainer):
    found = trainer.snapshot()
    slots = [slot for slots in found.optimizer.slots.values() for slot in slots]
    return found.optimizer.steps, b"".join(array.tobytes() for array in [*found.values, *slots])

def in_child(work, meanwhile=lambda: None):
    warnings.simplefilter("ignore", DeprecationWarning)  # newer Pythons warn of any fork where threads run
    child = os.fork()
    if child == 0:
        signal.alarm(300)  # a guard and no bound: a child takes a few seconds
        try:
            work()
        except BaseException as error:
            print(repr(error), flush=True)
            os._exit(1)
        os._exit(0)
    meanwhile()
    assert os.waitpid(child, 0)[1] == 0
"""


def test_a_step_on_threads_goes_on_in_a_forked_process(run_python):
    done = run_python(
        TRAINING
        + """
trainer, feed = training()
reference, same_feed = training()
trainer.step(feed)
for _ in range(2):
    reference.step(same_feed)
print("on 2 threads" in trainer.explain())

def work():
    trainer.step(feed)
    assert state(trainer) == state(reference)
    in_child(lambda: trainer.step(feed))  # and in its own children

in_child(work)
in_child(work)
trainer.step(feed)
assert state(trainer) == state(reference)
""",
        OPENBLAS_NUM_THREADS="2",
        MKL_NUM_THREADS="2",
    )
    if done.stdout.splitlines()[0] != "True":
        pytest.skip("NumPy's BLAS shows no threads here")
    assert done.stdout.splitlines() == ["True"]


@pytest.mark.parametrize("rows", [8192, 16])
def test_a_fork_while_another_thread_trains_finds_whole_steps(run_python, rows):
    """The locks that the thread held are free in the child, and what they guard is of one step."""
    run_python(
        TRAINING
        + f"""
for _ in range(2):
    trainer, feed = training({rows})
    trainer.step(feed)
    begun, done = threading.Event(), threading.Event()

    def train():
        while not done.is_set():
            trainer.step(feed)
            begun.set()

    def work():
        steps, found = state(trainer)
        reference, same_feed = training({rows})
        for _ in range(int(steps)):
            reference.step(same_feed)
        assert state(reference) == (steps, found)
        trainer.step(feed)
        assert trainer.snapshot().optimizer.steps == steps + 1

    thread = threading.Thread(target=train)
    thread.start()
    begun.wait()
    in_child(work, meanwhile=done.set)
    thread.join()
""",
        OPENBLAS_NUM_THREADS="2",
    )


def test_a_fork_waits_for_a_lock_whose_holder_ends_and_frees_the_others(run_python):
    run_python(
        TRAINING
        + """
from miniflow_xp.system.locks import lock

free, awaited = lock(), lock(fork_waits=True)
begun, forked = threading.Event(), threading.Event()

def hold():
    with free:
        with awaited:
            begun.set()
        forked.wait()

thread = threading.Thread(target=hold)
thread.start()
begun.wait()

def work():
    with free, awaited:
        pass

with awaited:  # by this thread itself: it may fork
    in_child(work)
forked.set()
thread.join()
work()
"""
    )
