"""The official test suite of the Array API standard, on traced arrays.

It runs where MINIFLOW_ARRAY_API_TESTS names a checkout of https://github.com/data-apis/array-api-tests, with
MINIFLOW_ARRAY_API_EXAMPLES examples a test (20). What is expected to fail, with the reason, stands in
``expected_failures``, a file for each library.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
SKIPPED_DTYPES = {"torch": "uint16,uint32,uint64"}  # PyTorch has them, but computes with few of them
FOLDER = os.environ.get("MINIFLOW_ARRAY_API_TESTS", "")


@pytest.mark.skipif(not FOLDER, reason="MINIFLOW_ARRAY_API_TESTS names no checkout of the official suite")
@pytest.mark.parametrize("library", ["numpy", "strict", "torch"])
def test_the_official_suite_passes_through_traced_arrays(library):
    expected = HERE / "expected_failures" / f"{library}.txt"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "array_api_tests", "-q", "-p", "no:cacheprovider"),
            *("--max-examples", os.environ.get("MINIFLOW_ARRAY_API_EXAMPLES", "20")),
            *("--xfails-file", str(expected), "--disable-deadline"),
        ],
        cwd=FOLDER,
        env={
            **os.environ,
            "ARRAY_API_TESTS_MODULE": f"traced_{library}",
            "ARRAY_API_TESTS_SKIP_DTYPES": SKIPPED_DTYPES.get(library, ""),
            "PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]),
        },
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
