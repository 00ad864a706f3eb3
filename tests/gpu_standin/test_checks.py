"""The checks of ``miniflow-xp verify-gpu`` on the stand-in, each in a process of its own; not those of speed."""

import json
import subprocess

import pytest
from gpu_standin.place import PYTHON, ROOT, environment, why_missing

pytestmark = [pytest.mark.gpu_standin, pytest.mark.skipif(bool(why_missing()), reason=why_missing())]

CHECKS = (2, 3, 4, 5, 6, 7, 8, 9, 10, 13)
ONE = """
import json, sys
from miniflow_xp.switch import load
from miniflow_xp.verify import run
number = int(sys.argv[1])
place, name = run.FIFTEEN[number - 1]
print(json.dumps(run.check(number, name, run.on(load("cupy"), place))._asdict(), default=str))
"""


@pytest.mark.parametrize("number", CHECKS)
def test_a_check_passes(number):
    command = [PYTHON, "-c", ONE, str(number)]
    done = subprocess.run(command, env=environment(), cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["verdict"] == "passed", found
