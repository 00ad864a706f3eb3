"""Every array function on CuPy, a GPU's or the stand-in's: it is right, and in a graph or named by what explains it."""

import os

import pytest

from miniflow_xp.gradcheck.examples import FUNCTIONS
from miniflow_xp.gradcheck.table import findings

pytest.importorskip("cupy", reason="CuPy is not installed")

from miniflow_xp.backends.cupy.capture import CupyCapture

pytestmark = [pytest.mark.gpu, pytest.mark.parametrize("backend", ["cupy"], indirect=True)]

NOT_PLAYED = {name for name in FUNCTIONS if name.startswith("linalg.")} - {
    *(
        "linalg.cross",
        "linalg.diagonal",
        "linalg.matmul",
        "linalg.matrix_transpose",
        "linalg.outer",
        "linalg.tensordot",
    ),
    *("linalg.trace", "linalg.vecdot", "linalg.vector_norm"),
}
"""They ask cuSOLVER, or cuBLAS to factorise, which the stand-in does not play."""


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_right_and_captured_or_named(backend, name, monkeypatch):
    if "FAKEGPU" in os.environ and name in NOT_PLAYED:
        pytest.skip("the stand-in does not play what factorises a matrix")
    real = CupyCapture._capture

    def known_to_work(self):
        why = real(self)
        assert why == ""  # what no graph holds is to be known, and named, before it is tried
        return why

    monkeypatch.setattr(CupyCapture, "_capture", known_to_work)
    for found in findings(backend, [name]):
        assert found.wrong == ""
