"""A step that Ctrl-C ends, wherever it comes, is made wholly or not at all; so is one that NumPy raises in."""

import dis
import gc
import sys
from functools import cache
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from tracing import traced

import miniflow_xp as mf
from miniflow_xp.backends.numpy import capture
from miniflow_xp.engine.optim import SGD, Adam, RMSProp

PACKAGE = str(Path(mf.__file__).parent)

OPTIMIZERS = {
    "SGD": lambda: SGD(0.1),
    "momentum": lambda: SGD(0.1, momentum=0.9, weight_decay=1e-3),
    "RMSProp": lambda: RMSProp(0.01),
    "Adam": lambda: Adam(0.01),
    "clipped": lambda: Adam(0.01).clipped(0.01),
}


class Training:
    """X (4, 3) → 5 → 1 and MSE, always on the same batch."""

    def __init__(self, optimizer, dtypes=("float32", "float32")):
        rng = np.random.default_rng(2)
        self.X, self.y = mf.Input("X", dtype="float32"), mf.Input("y", dtype="float32")
        first, second = dtypes
        W, V = rng.normal(size=(3, 5)).astype(first), rng.normal(size=(5, 1)).astype(second)
        output = mf.Tanh(self.X @ mf.Parameter(W, "W")) @ mf.Parameter(V, "V")
        self.trainer = mf.Trainer(mf.MSE(self.y, output), OPTIMIZERS[optimizer]())
        self.feed = {self.X: rng.normal(size=(4, 3)), self.y: rng.normal(size=(4, 1))}

    def step(self):
        return self.trainer.step(self.feed)

    def state(self):
        found = self.trainer.snapshot()
        slots = [slot for slots in found.optimizer.slots.values() for slot in slots]
        return [found.optimizer.steps, *(array.tobytes() for array in [*found.values, *slots])]


LOOKS = ("CALL", "CALL_KW", "CALL_FUNCTION_EX", "JUMP_BACKWARD", "RESUME")
"""After these instructions Python looks whether Ctrl-C was pressed."""


@cache
def instructions(code):
    """{place: name of the instruction}."""
    return {i.offset: i.opname for i in dis.get_instructions(code)}


def interrupted(action, number):
    """Call ``action()``, with a KeyboardInterrupt at the place of this number where Ctrl-C can come; was there one?

    Places in this package's own code are counted: what it calls, it cannot change.
    """
    places, before = count(), {}

    def trace(frame, event, arg):
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        if event == "opcode":
            looks = before.get(frame) in LOOKS
            before[frame] = instructions(frame.f_code)[frame.f_lasti]
            if looks and next(places) == number:
                sys.settrace(None)
                raise KeyboardInterrupt
        return trace

    gc.disable()  # what it would call to finalize others' objects is no place of the action
    try:
        traced(trace, action)
    except KeyboardInterrupt:
        return True
    finally:
        gc.enable()
    return False


def check_everywhere(training, reference, every=1):
    """Interrupt a step at one place after the other: the state is that of the steps before, or one step on."""
    states = [reference.state()]
    for number in range(0, 100_000, every):
        ended = not interrupted(training.step, number)
        while len(states) < 2:
            reference.step()
            states.append(reference.state())
        found = training.state()
        assert found in states, number
        assert "torch" not in sys.modules or sys.modules["torch"].is_grad_enabled(), number
        if found == states[1]:
            del states[0]
        if ended:
            return
    raise AssertionError("it never came to an end")


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_step_is_whole_or_not_done_wherever_ctrl_c_comes(backend, optimizer):
    training, reference = Training(optimizer), Training(optimizer)
    for t in (training, reference):
        t.step()
        t.step()
    check_everywhere(training, reference, every=101 if backend.name == "strict" else 1)


def test_a_first_step_which_captures_is_whole_or_not_done(backend):
    for number in range(0, 12_000, 3001):
        training, reference = Training("Adam"), Training("Adam")
        interrupted(training.step, number)
        for _ in range(3 - int(training.trainer.snapshot().optimizer.steps)):
            training.step()
        for _ in range(3):
            reference.step()
        assert training.state() == reference.state()


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_parameters_of_two_dtypes(optimizer):
    """Then the update joins the gradients of the second group when the first is updated, with Python code of NumPy."""
    training, reference = (Training(optimizer, dtypes=("float32", "float64")) for _ in range(2))
    for t in (training, reference):
        t.step()
    check_everywhere(training, reference)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_step_on_threads(optimizer, monkeypatch):
    monkeypatch.setattr(capture, "WORTH_THREADS", 1)
    monkeypatch.setattr(capture, "WORTH_A_CALL", 1)
    monkeypatch.setattr(capture, "CHUNK_ROWS", 1)
    monkeypatch.setattr(capture, "blas_threads", lambda: 2)
    training, reference = Training(optimizer), Training(optimizer)
    for t in (training, reference):
        t.step()
    assert "2 threads" in training.trainer.explain()
    check_everywhere(training, reference)


class Clipping(SGD):
    """An update rule that NumPy computes with Python code of its own: xp.where, and xp.clip, which has no ufunc."""

    def update(self, xp, theta, gradient, slots, rate, step):
        slot = slots[0] + xp.clip(gradient, -0.1, 0.1)
        return xp.where(theta > 0, theta - rate * slot, theta * 0.5), [slot]


def test_an_update_rule_of_ones_own_with_functions_that_are_python_code(monkeypatch):
    monkeypatch.setitem(OPTIMIZERS, "own", lambda: Clipping(0.1, momentum=0.9))
    training, reference = Training("own"), Training("own")
    for t in (training, reference):
        t.step()
    check_everywhere(training, reference)


def test_an_overflow_in_the_update_that_raises_comes_when_the_update_is_through():
    training, reference = Training("momentum"), Training("momentum")
    for t in (training, reference):
        t.step()
        t.trainer.learning_rate = 1e38
        t.feed[t.y] = t.feed[t.y] * 1e6
    with np.errstate(over="raise"), pytest.raises(FloatingPointError):
        training.step()
    with np.errstate(all="ignore"):
        reference.step()
    assert training.state() == reference.state()


@pytest.fixture
def in_parts(monkeypatch):
    """On JAX, where a step is compiled in parts of about four equations; the module that has the parts."""
    pytest.importorskip("jax")
    from miniflow_xp.backends.jax import adapter, parts

    monkeypatch.setattr(adapter, "LARGE", -1)
    monkeypatch.setattr(parts, "EQUAL", 4)
    monkeypatch.setattr(parts, "PART", 4)
    with mf.use_backend("jax:cpu"):
        yield parts


def test_a_step_in_parts_on_jax(in_parts):
    training, reference = Training("Adam"), Training("Adam")
    for t in (training, reference):
        t.step()
        t.step()
    assert "parts" in training.trainer.explain()
    check_everywhere(training, reference)


@pytest.mark.parametrize("part", [0, 3])
def test_ctrl_c_while_jax_compiles_a_part(part, in_parts, monkeypatch):
    training, reference = Training("Adam"), Training("Adam")
    evaluate, compiled = in_parts.evaluate_on, count()

    def pressed(*args):
        if next(compiled) == part:
            raise KeyboardInterrupt
        return evaluate(*args)

    before = training.state()
    monkeypatch.setattr(in_parts, "evaluate_on", pressed)
    with pytest.raises(KeyboardInterrupt):
        training.step()
    assert training.state()[: len(before)] == before  # which has no slots yet
    for _ in range(2):
        training.step()
        reference.step()
        assert training.state() == reference.state()
