"""What passed in one run of pytest is left out in the next."""

import os
import subprocess
import sys
from pathlib import Path

TESTS = """
import os
import pytest

def test_of_the_first_run():
    pass

@pytest.mark.parametrize("text", ["a b", "ü"])
def test_that_needs_more(text):
    if "MORE" not in os.environ:
        pytest.skip("there is no more")

def test_that_fails():
    assert "MORE" in os.environ
"""


def run(folder, *options, **settings):
    """The counts of the outcomes, in pytest's words."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "passed",
        "-p",
        "no:cacheprovider",
        "-c",
        "pytest.ini",
        *options,
    ]
    plain = {"PYTHONPATH": str(Path(__file__).parent), "PYTEST_ADDOPTS": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    environment = os.environ | plain | settings
    done = subprocess.run(
        [*command, "test_it.py"], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return done.stdout.splitlines()[-1].rpartition(" in ")[0]


def test_a_second_run_takes_what_the_first_one_did_not_pass(tmp_path):
    (tmp_path / "test_it.py").write_text(TESTS)
    (tmp_path / "pytest.ini").touch()  # the folder is pytest's root: it looks through what is between the two
    passed = tmp_path / "passed"
    assert run(tmp_path, "--record-passed", passed) == "1 failed, 1 passed, 2 skipped"
    assert passed.read_text() == "test_it.py::test_of_the_first_run\n"
    assert run(tmp_path, "--not-yet-passed", passed, MORE="1") == "3 passed, 1 deselected"
