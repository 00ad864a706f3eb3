"""The checks of ``miniflow-xp verify-gpu`` on the stand-in; not those of speed."""

import subprocess

import pytest
from gpu_standin.place import PYTHON, ROOT, environment, why_missing

pytestmark = [pytest.mark.gpu_standin, pytest.mark.skipif(bool(why_missing()), reason=why_missing())]


@pytest.mark.parametrize("number", [2, 3, 4, 5, 6, 7, 8, 9, 10, 13])
def test_a_check_passes(number):
    command = [PYTHON, "-m", "miniflow_xp", "verify-gpu", "--only", str(number)]
    done = subprocess.run(command, env=environment(), cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed, 0 failed, 0 not checked" in done.stdout
