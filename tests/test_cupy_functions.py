"""Every array function on CuPy, a GPU's or the stand-in's: it is right, and in a graph or named by what explains it."""

import pytest

from miniflow_xp.gradcheck.examples import FUNCTIONS
from miniflow_xp.gradcheck.table import findings

pytest.importorskip("cupy", reason="CuPy is not installed")

from miniflow_xp.backends.cupy.capture import CupyCapture

pytestmark = [pytest.mark.gpu, pytest.mark.parametrize("backend", ["cupy"], indirect=True)]

@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_right_and_captured_or_named(backend, name, monkeypatch):
    real = CupyCapture._capture

    def known_to_work(self):
        why = real(self)
        assert why == ""  # what no graph holds is to be known, and named, before it is tried
        return why

    monkeypatch.setattr(CupyCapture, "_capture", known_to_work)
    for found in findings(backend, [name]):
        assert found.wrong == ""
        assert "cannot be recorded" not in found.why_plain
