"""Functions of SciPy, scikit-learn, xarray, einops and array-api-extra, differentiated as they are.

SciPy reads SCIPY_ARRAY_API when it is first imported, and scikit-learn follows it. Set for all tests, none would show
what users see without it: so the table is judged in a process of its own, once, and tests look at what it found.
"""

import functools
import importlib.util
import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from conftest import why_unusable
from library_calls.page import PAGE, shown
from library_calls.rows import LIBRARIES, missing
from library_calls.versions import OF_NUMPY

from miniflow_xp import grad, jit
from miniflow_xp.errors import DifferentiationError

ROOT = Path(__file__).resolve().parent.parent
EVERY = {"numpy": 1, "torch": 8, "jax": 45}
"""All rows on NumPy, where they take seconds; a sample elsewhere. The whole: ``python -m tests.library_calls``."""

needs_all = pytest.mark.skipif(bool(missing()), reason=f"not installed: {', '.join(missing())}")
needs_scipy = pytest.mark.skipif("scipy" in missing(), reason="not installed: scipy")


@functools.cache
def found(backend):
    """What ``python -m tests.library_calls`` finds on a backend."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.library_calls", "--json", "--backends", backend, "--every", str(EVERY[backend])],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout)


def verdicts(backend):
    """[(row, verdict, reason)]"""
    return [tuple(v) for v in found(backend)["verdicts"][backend]]


def counted(library):
    return Counter(verdict for row, verdict, _ in verdicts("numpy") if row.startswith(f"{library}: "))


@needs_scipy
@pytest.mark.parametrize("backend", EVERY)
def test_no_gradient_is_wrong(backend):
    if reason := why_unusable(backend):
        pytest.skip(reason)
    assert len(verdicts(backend)) > 3
    assert [v for v in verdicts(backend) if v[1] == "wrong"] == []


@needs_scipy
def test_what_is_refused_says_why():
    assert [v for v in verdicts("numpy") if v[1] == "refused" and not v[2]] == []


@needs_scipy
def test_most_of_scipy_is_right():
    assert counted("SciPy")["right"] >= 160
    assert counted("SciPy")["right with rules"] >= 40


@needs_all
def test_most_of_the_others_is_right():
    assert counted("scikit-learn")["right"] >= 45
    assert counted("xarray")["right"] >= 55
    assert set(counted("einops")) == {"right"}
    assert counted("array-api-extra")["refused"] <= 1  # lazy_apply with as_numpy, whose function takes NumPy's arrays


@needs_all
def test_every_row_has_a_name_of_its_own():
    names = [row for row, *_ in verdicts("numpy")]
    assert [name for name, times in Counter(names).items() if times > 1] == []


@needs_all
def test_the_page_shows_these_verdicts():
    versions, page = shown()
    here = found("numpy")["versions"]
    if other := {name for name in OF_NUMPY if versions.get(name) != here.get(name)}:
        pytest.skip(f"the page is of other versions: {', '.join(sorted(other))}")
    now = {f"{library}: {call}": verdict for library, calls in page.items() for call, verdict in calls.items()}
    assert now == {row: verdict for row, verdict, _ in verdicts("numpy")}, "python -m tests.library_calls"


@needs_all
def test_the_example_of_the_page_runs(run_python):
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    printed = [run_python(block).stdout for block in blocks]
    assert len(printed) >= 1
    assert all(re.search(r"\d", text) for text in printed)


WITHOUT = """
import os
os.environ.pop("SCIPY_ARRAY_API", None)
import numpy as np
from scipy import stats
import miniflow_xp as mf
try:
    mf.grad(lambda x: stats.skew(x))(np.arange(3.0))
except mf.errors.DifferentiationError as error:
    print(error)
"""


@needs_scipy
def test_scipy_that_was_not_told_is_an_error_that_says_how(run_python):
    assert "Set SCIPY_ARRAY_API=1 in the environment before SciPy is first imported" in run_python(WITHOUT).stdout


@needs_scipy
def test_importing_this_package_does_not_tell_scipy(run_python):
    program = "import os, miniflow_xp as mf, miniflow_xp.special; print(os.environ.get('SCIPY_ARRAY_API'))"
    environment = {name: value for name, value in os.environ.items() if name != "SCIPY_ARRAY_API"}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "None\n"


def test_scikit_learn_that_was_not_told_is_an_error_that_says_how():
    pairwise = pytest.importorskip("sklearn.metrics.pairwise", reason="pip install scikit-learn")
    with pytest.raises(DifferentiationError, match="array_api_dispatch=True"):
        grad(lambda x: pairwise.rbf_kernel(x).sum())(np.eye(3))


@pytest.mark.skipif("einops" in missing(), reason="not installed: einops")
def test_einops_in_gradients_and_captured(backend):
    import einops

    def loss(x):
        return einops.reduce(einops.rearrange(x, "a b -> b a") ** 3, "b a -> ", "sum")

    x = np.arange(6.0).reshape(2, 3)
    gradient = grad(loss)
    for function in (gradient, jit(gradient)) if backend.name != "strict" else (gradient,):
        np.testing.assert_allclose(backend.to_numpy(function(backend.asarray(x))), 3 * x**2)


def test_nothing_is_imported_for_what_is_not(run_python):
    program = "import sys, numpy as np, miniflow_xp as mf; mf.grad(lambda x: x.sum())(np.ones(2))\n"
    program += "print([name for name in ('einops', 'scipy', 'sklearn', 'xarray') if name in sys.modules])"
    assert run_python(program).stdout == "[]\n"


def test_the_libraries_of_the_table_are_named():
    assert all(importlib.util.find_spec(f"library_calls.{module}") for _, module in LIBRARIES.values())
