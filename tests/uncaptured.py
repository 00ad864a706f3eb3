"""Steps that CuPy does not capture: it says so, and they are computed call by call."""

from contextlib import nullcontext

import pytest


def told(backend, why):
    """Inside, CuPy warns that a step is not captured and says ``why``; other backends, and without a reason, nobody."""
    if backend.name == "cupy" and why:
        return pytest.warns(RuntimeWarning, match=f"not captured as a CUDA graph: .*{why}")
    return nullcontext()
