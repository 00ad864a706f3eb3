"""Tests CuPy on the stand-in for a GPU, which is built first where it is not there.

``python tests/gpu_standin/run.py`` runs the tests that need a GPU, the checks of ``verify-gpu`` and the planted faults,
on all cores. With arguments it runs any command of the stand-in's Python instead: ``run.py -m pytest -m gpu -k trace``.
"""

import subprocess
import sys

import build
from place import PYTHON, environment

EVERYTHING = ["-m", "pytest", "-q", "-m", "gpu or gpu_standin", "--numprocesses=auto", "tests"]


def main() -> int:
    """The command's exit status; 0 with the reason where the machine lacks what the building needs."""
    missing = build.main()
    if missing:
        return 0 if missing == build.MISSING else missing
    settings = {"MINIFLOW_TEST_BACKENDS": "cupy"}
    command = [PYTHON, *(sys.argv[1:] or EVERYTHING)]
    return subprocess.run(command, env=settings | environment(), check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
