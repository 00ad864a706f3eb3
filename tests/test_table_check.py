"""The check of the table of functions: it passes what is right, says which function is wrong, and ends in time."""

from math import inf

import numpy as np
import pytest

from miniflow_xp import errors, gradcheck, use_backend
from miniflow_xp.arrays.tables import RULES
from miniflow_xp.gradcheck import table
from miniflow_xp.programs.verify import functions, report
from miniflow_xp.switch import load

SOME = ("exp", "sum", "take", "linalg.solve", "unique_values", "special.digamma", "matmul")


def test_the_functions_of_numpy_are_right():
    pytest.importorskip("scipy", reason="it has the special functions: pip install scipy")
    found = list(table.findings(load("numpy"), SOME))
    assert [(f.function, f.wrong) for f in found] == [(name, "") for name in SOME]
    assert [f.function for f in found if f.why_plain] == ["unique_values"]  # its shape depends on contents


def test_a_gradient_that_is_wrong_is_told(monkeypatch):
    monkeypatch.setitem(RULES, "expm1", lambda xp, g, y, x: (lambda: g * y * 2,))
    (found,) = table.findings(load("numpy"), ["expm1"])
    assert found.wrong.startswith("expm1: GradcheckError: ")


def test_a_value_that_is_not_numpys_is_told(monkeypatch):
    backend = load("numpy")
    monkeypatch.setattr(type(backend), "to_numpy", lambda self, array: np.asarray(array) + 1)
    (found,) = table.findings(backend, ["expm1"])
    assert found.wrong.startswith("expm1: AssertionError: ")
    assert "the value" in found.wrong


def test_a_replay_that_is_wrong_is_told(monkeypatch):
    class Wrong:
        captured = None

        def __init__(self, function):
            self.function = function

        def __call__(self, *arrays):
            value, gradients = self.function(*arrays)
            return value + 1, gradients

    monkeypatch.setattr(table, "jit", Wrong)
    (found,) = table.findings(load("numpy"), ["sin"])
    assert "what is replayed" in found.wrong


@pytest.mark.parametrize("name", ["exp", "concat", "linalg.cholesky"])
def test_gradcheck_takes_the_name_of_a_function(name):
    with use_backend("numpy"):
        gradcheck(name)


def test_gradcheck_by_name_finds_what_is_wrong(monkeypatch):
    monkeypatch.setitem(RULES, "expm1", lambda xp, g, y, x: (lambda: g,))
    with use_backend("numpy"), pytest.raises(errors.GradcheckError, match="expm1"):
        gradcheck("expm1")


def test_a_name_that_is_none_is_told_with_those_near_to_it():
    with pytest.raises(errors.DifferentiationError, match=r"no function has this name.*linalg\.solve"):
        gradcheck("linalg.solv")


def checked(monkeypatch, *names, seconds=inf):
    """The verdict of the check of verify-gpu for some functions, on NumPy."""
    monkeypatch.setattr(functions, "FUNCTIONS", names)
    monkeypatch.setattr(functions, "SECONDS", seconds)
    backend = load("numpy")
    return report.check(16, "functions", lambda figures: functions.check_functions(backend, figures))


def test_verify_tells_what_runs_call_by_call(monkeypatch):
    found = checked(monkeypatch, "exp", "unique_values", "argwhere")
    assert (found.verdict, found.note) == (report.PASSED, "")
    assert found.figures["run call by call"] == "2: unique_values, argwhere"
    assert found.figures["why"] == "its shape depends on contents"


def test_verify_tells_which_functions_are_wrong(monkeypatch):
    monkeypatch.setitem(RULES, "expm1", lambda xp, g, y, x: (lambda: g,))
    found = checked(monkeypatch, "sin", "expm1", "cos")
    assert (found.verdict, found.note) == (report.FAILED, "wrong: expm1")
    assert "GradcheckError" in found.figures["wrong: expm1"]
    assert found.figures["begun"] == "cos, 3 of 3"


def test_verify_ends_in_time_and_says_what_is_left(monkeypatch):
    found = checked(monkeypatch, "sin", "exp", "cos", seconds=-1)
    assert (found.verdict, found.note) == (report.NOT_CHECKED, "-1 s were over before exp, cos")


def test_numbers_of_any_dtype_are_compared():
    table.expect_same("x", np.float32(1.0), np.float64(1.0001))
    with pytest.raises(AssertionError):
        table.expect_same("x", np.float64(1.0), np.float64(1.0001))
