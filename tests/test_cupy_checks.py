"""The checks of ``miniflow-xp verify-gpu``, but those of speed: needs a GPU, or the stand-in for one (gpu_standin)."""

import os
from functools import partial

import pytest

from miniflow_xp.programs.verify import report
from miniflow_xp.programs.verify.apart import run_here
from miniflow_xp.programs.verify.run import CHECKS

pytest.importorskip("cupy", reason="CuPy is not installed")

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.parametrize("backend", ["cupy"], indirect=True),
    pytest.mark.usefixtures("backend"),
]

ON_SPEED = (1, 11, 12, 14, 15)
ELSEWHERE = (16,)  # test_cupy_functions makes it, function by function
LEFT_OUT = (*ON_SPEED, *ELSEWHERE)
CHECKED = {one.place.partition(":")[2]: one for one in CHECKS if one.needs_gpu and one.number not in LEFT_OUT}


@pytest.fixture
def fewer_steps(monkeypatch):
    """On the stand-in 200 steps instead of 1,000: a byte that the pools keep fails there as it does later."""
    if "FAKEGPU" in os.environ:
        monkeypatch.setattr("miniflow_xp.programs.verify.memory.STEPS", 200)


@pytest.mark.parametrize("one", CHECKED.values(), ids=CHECKED)
def test_it_passes(one, fewer_steps):
    found = report.check(one.number, one.name, partial(run_here, one))
    assert (found.verdict, found.note) == (report.PASSED, "")
