"""The problems of ``python -m benchmarks.optimize``, in small: the same optimum, in no more calls than differences."""

import numpy as np
import pytest

pytest.importorskip("scipy")

from benchmarks.optimize_problems import problems

SMALL = problems(small=True)


@pytest.mark.parametrize("name", SMALL)
def test_the_optimum_is_that_of_handwritten_derivatives_with_fewer_calls_than_differences(name):
    problem, found, calls = SMALL[name], {}, {}
    for way in ("by_hand", "ours", "differences"):
        problem.calls = 0
        found[way] = getattr(problem, way)()
        calls[way] = problem.calls
    np.testing.assert_allclose(found["ours"], found["by_hand"], rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(problem.ours(jit=True), found["by_hand"], rtol=1e-6, atol=1e-7)
    assert calls["ours"] <= calls["differences"]
