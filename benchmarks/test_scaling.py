"""How everything scales: training steps by batch, width and depth, every node, transfers, capture, peers.

python -m pytest benchmarks --benchmark-only --backends numpy,torch,jax --benchmark-json=out.json
"""

import numpy as np
import pytest

from miniflow_xp import get_backend
from miniflow_xp.programs.bench.peers import FLOOR
from miniflow_xp.programs.bench.workloads import workload


class Clock:
    """A clock that shows what was measured before: each step moves it by the next sample."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


clock = Clock()


@pytest.mark.benchmark(timer=clock)
def test_scaling(benchmark, smoke, request, cell, backend_name):
    if smoke:
        run_once(request.getfixturevalue("case"), request.getfixturevalue("usable"))
        benchmark.pedantic(lambda: None)
        return
    found = request.getfixturevalue("measured").cell(cell, backend_name)
    if found.state == "failed":
        pytest.fail(found.why)
    if not found.samples:
        pytest.skip(found.why or "the budget was spent")
    samples = iter(found.samples)

    def replay():
        clock.now += next(samples)

    streamed = ", streamed" if found.residence == "streamed" else ""
    benchmark.group = f"{found.series}, {found.case}{streamed}"
    kept = (
        "axes",
        "axis",
        "backend",
        "contestant",
        "dtype",
        "residence",
        "kind",
        "calls",
        "first_call_s",
        "upload_s",
        "device_s",
        "peak_bytes",
    )
    benchmark.extra_info.update({name: getattr(found, name) for name in (*kept, "error", "stable", "flops", "bytes")})
    benchmark.pedantic(replay, rounds=len(found.samples))


def run_once(case, backend_name):
    """The case runs on the backend, and what it computes is finite."""
    backend = get_backend()
    result = workload(case, backend).step()
    if case.contestant == FLOOR:
        return  # it computes nothing that anybody reads
    arrays = result if isinstance(result, list | tuple) else [result]
    assert arrays, backend_name
    on_host = [backend.to_numpy(a) if backend.owns(a) else a for a in arrays]
    assert all(np.isfinite(a).all() for a in on_host)
