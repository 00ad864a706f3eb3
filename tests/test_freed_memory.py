"""Gradients of middling arrays use the memory of freed ones again, in a fresh process, where the C library is glibc."""

import os
import platform

import pytest

pytestmark = [
    pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library has its own ways"),
    pytest.mark.skipif(any("MALLOC_" in name for name in os.environ), reason="the user has told glibc its way"),
]

PROGRAM = """
import resource
import numpy as np
import miniflow_xp as mf

def f(x):
    xp = x.__array_namespace__()
    for _ in range(5):
        x = xp.exp(-x) * x + x
    return xp.sum(x)

gradient = mf.grad(f)
x = mf.get_backend().asarray(np.linspace(0.0, 1.0, 100_000))  # 196 pages
for _ in range(3):
    gradient(x)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    gradient(x)
print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / 20)
"""


@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_a_gradient_takes_no_pages_from_the_system_anew(backend, run_python):
    if backend == "torch":
        pytest.importorskip("torch")
    assert float(run_python(PROGRAM, MINIFLOW_BACKEND=backend).stdout) < 100
