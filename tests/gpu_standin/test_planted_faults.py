"""The tests find on the stand-in what they are there to find: a fault is planted, and the test of its kind fails."""

import subprocess

import pytest
from gpu_standin.place import PYTHON, ROOT, environment, why_missing

pytestmark = [pytest.mark.gpu_standin, pytest.mark.skipif(bool(why_missing()), reason=why_missing())]

FINDERS = {
    "streams_do_not_wait_for_each_other": "test_cupy_checks.py::check_streams",
    "steps_do_not_wait_for_copies": "test_prefetch.py::copies_of_a_gpu and uint8",
    "results_are_not_copied": "test_cupy_checks.py::check_results_are_kept",
    "systems_are_solved_on_another_stream": "test_cupy_functions.py::linalg.inv",
    "the_other_triangle_is_factored": "test_cupy_functions.py::linalg.cholesky",
    "memory_is_shared": "test_cupy_graph.py::test_memory_that_is_taken_between_steps_is_not_the_graphs",
}
"""The test that has to fail, by words of its name."""


TRIES = 6
"""Runs in which a fault has to be found once: which addresses are handed out again is left to the system."""


@pytest.mark.parametrize("fault", FINDERS)
def test_a_planted_fault_is_found(fault):
    file, _, test = FINDERS[fault].partition("::")
    without = run(file, test, "")
    assert without.returncode == 0, without.stdout
    found = next((done for _ in range(TRIES) if (done := run(file, test, fault)).returncode), None)
    assert found is not None, f"{TRIES} runs with the fault passed"
    died = found.returncode < 0  # where memory is not its own, that may come before a number is looked at
    assert died or found.returncode == 1, found.stdout
    assert died or "AssertionError" in found.stdout  # it is the numbers that are wrong


def run(file, test, fault):
    """The finished run of a test, with a fault or an empty text."""
    command = [PYTHON, "-m", "pytest", "-q", "-m", "gpu", "-p", "gpu_standin.faults", "-p", "no:cacheprovider"]
    settings = {"MINIFLOW_TEST_BACKENDS": "cupy", "PLANTED_FAULT": fault, "PYTEST_ADDOPTS": ""}
    return subprocess.run(
        [*command, "-k", test, ROOT / "tests" / file],
        env=environment() | settings,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
