"""Steps that CuPy does not capture: it says so, and they are computed call by call."""

import warnings
from contextlib import contextmanager, nullcontext

import pytest


def told(backend, why):
    """Inside, CuPy warns that a step is not captured and says ``why``; other backends, and without a reason, nobody."""
    if backend.name == "cupy" and why:
        return pytest.warns(RuntimeWarning, match=f"not captured as a CUDA graph: .*{why}")
    return nullcontext()


@contextmanager
def allowed():
    """Inside, CuPy may warn that a step is not captured."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "the step is not captured as a CUDA graph", RuntimeWarning)
        yield
