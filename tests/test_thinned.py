"""What runs by default leaves no function of the table unseen, and coverage follows one test of each kind."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import thinned

from miniflow_xp.gradcheck.examples import CASES

FIRST, SECOND, CAPTURED = "test_first_derivative", "test_second_derivative", "test_captured_it_is_the_same"
VALUE = "test_the_value_is_that_of_the_library"
TABLE = SimpleNamespace(__name__=thinned.TABLE, CASES=CASES)


def a_test(name, library="", **parameters):
    """What thinned.py asks of a test."""
    on = {"backend": library} if library else {}
    return SimpleNamespace(
        module=TABLE, path=Path("of_the_table.py"), originalname=name, callspec=SimpleNamespace(params=on | parameters)
    )


@pytest.mark.parametrize(
    ("name", "libraries"),
    [
        (FIRST, ("numpy", "torch", "jax", "strict")),
        (CAPTURED, ("numpy", "torch", "jax", "strict")),
        (SECOND, ("numpy", "torch", "strict")),
        (VALUE, ("numpy", "torch", "strict")),
        ("test_pytorch_agrees", ("",)),
    ],
)
def test_every_function_is_seen(name, libraries):
    for library in libraries:
        seen = {row.op for row in CASES if thinned.is_wanted(a_test(name, library, row=row))}
        assert seen == {row.op for row in CASES}, library


def test_jax_judges_where_pytorch_cannot():
    plain = [row for row in CASES if thinned.is_first(TABLE, row)]
    judged = {row.op for row in CASES if thinned.is_wanted(a_test("test_jax_agrees", row=row))}
    assert judged == {row.op for row in plain if "torch" in {**row.no_oracle, **row.skip}}
    elsewhere = a_test("test_jax_agrees", row=CASES[0])
    elsewhere.module = SimpleNamespace(__name__="test_numpy_code")
    assert thinned.is_wanted(elsewhere)


def test_the_row_that_is_seen_everywhere_is_a_plain_one_with_a_second_derivative():
    """That of exp once was one of e^(i x), whose gradient is 0: its sign could have been wrong."""
    for seen in [row for row in CASES if thinned.is_first(TABLE, row)]:
        rows = [row for row in CASES if row.op == seen.op]
        assert seen.twice == any(row.twice for row in rows)
        assert not seen.detail or all(row.detail for row in rows if row.twice == seen.twice)


def test_numpy_sees_every_row():
    for name in (FIRST, SECOND, CAPTURED, VALUE):
        assert all(thinned.is_wanted(a_test(name, "numpy", row=row)) for row in CASES)


def test_coverage_follows_every_row_once():
    followed = set()
    tests = [a_test(name, "numpy", row=row) for row in CASES for name in (FIRST, SECOND, CAPTURED, VALUE)]
    names = []
    for test in tests:
        if thinned.is_followed(test, followed):
            followed.add(thinned.kind_of(test))
            names.append(test.originalname)
    assert [names.count(name) for name in (FIRST, SECOND, CAPTURED, VALUE)] == [len(CASES), 1, 1, 1]


def test_coverage_follows_what_is_only_varied_once_on_each_backend():
    module = SimpleNamespace(__name__="test_rules")
    tests = [a_test("test_value", library, dtype=n) for library in ("numpy", "torch") for n in ("float64", "float32")]
    followed, found = set(), []
    for test in tests:
        test.module = module
        found.append(thinned.is_followed(test, followed))
        followed.add(thinned.kind_of(test))
    assert found == [True, False, True, False]


def test_coverage_follows_no_test_of_many_steps():
    assert thinned.is_followed(a_test("test_300_steps"), set())
    assert not thinned.is_followed(a_test("test_memory_is_flat_over_10_000_steps"), set())


TRACED = """
import sys

import pytest


def is_traced():
    return sys.gettrace() is not None


@pytest.fixture
def prepared():
    return is_traced()


def test_once(prepared):
    assert prepared
    assert is_traced()


def test_work_is_flat(prepared):
    assert prepared
    assert not is_traced()
"""


@pytest.mark.parametrize("processes", ["0", "1"])
def test_coverage_measures_nothing_where_it_follows_nothing(processes, tmp_path):
    pytest.importorskip("xdist", reason="it starts the processes of tests: pip install pytest-xdist")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", "utf-8")
    (tmp_path / "test_traced.py").write_text(TRACED, "utf-8")
    environment = {
        name: value for name, value in os.environ.items() if name not in ("PYTEST_ADDOPTS", "MINIFLOW_TEST_TABLE")
    }
    tests = Path(thinned.__file__).parent
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "thinned", "-n", processes),
            *("--cov=test_traced", "--cov-report=", f"--basetemp={tmp_path / 'tmp'}"),
        ],
        env=environment | {"PYTHONPATH": os.pathsep.join([str(tests), str(tests.parent)])},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "2 passed" in done.stdout, done.stdout + done.stderr
