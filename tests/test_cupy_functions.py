"""Every array function on CuPy, a GPU's or the stand-in's: it is right, and in a graph or named by what explains it."""

import numpy as np
import pytest
from array_api_compat import array_namespace

from miniflow_xp import grad
from miniflow_xp.gradcheck.examples import CASES, FUNCTIONS
from miniflow_xp.gradcheck.table import examine, findings

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


@pytest.mark.parametrize("name", ["linalg.solve matrix, stack", "linalg.eig vectors complex", "linalg.svd wide stack"])
def test_where_cupy_takes_or_gives_less_it_is_right(backend, name):
    (case,) = [case for case in CASES if str(case) == name]
    assert examine(backend, case).wrong == ""


@pytest.mark.parametrize("stack", [(), (3,)], ids=str)
def test_cholesky_says_that_a_matrix_is_not_positive_definite(backend, stack):
    x = backend.asarray(np.zeros((*stack, 2, 2)) + np.array([[1.0, 2.0], [2.0, 1.0]]))
    with pytest.raises(np.linalg.LinAlgError, match="potrf"):
        grad(lambda x: array_namespace(x).sum(array_namespace(x).linalg.cholesky(x)))(x)


@pytest.mark.parametrize("op", ["abs", "sign"])
def test_at_0_a_complex_number_has_no_direction(backend, op):
    """CuPy's own quotient of a complex number and infinity is NaN."""

    def size(z):
        xp = array_namespace(z)
        return xp.sum(xp.real(getattr(xp, op)(z)))

    z = backend.asarray(np.array([0j, 3 + 4j]))
    assert backend.to_numpy(grad(size)(z))[0] == 0
