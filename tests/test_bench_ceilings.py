"""The lie detector on a made-up device, and measured peaks on every backend."""

import time

import numpy as np
import pytest
import simulation

from miniflow_xp import switch
from miniflow_xp.programs.bench.ceilings import MARGIN, Kernel, best_rate, lies, measure_ceilings
from miniflow_xp.programs.bench.record import Ceiling

CEILING = Ceiling(flops_per_s=1e9, bytes_per_s=1e8)
CEILINGS = {"numpy:cpu": {"float32": CEILING}}


def cell(samples, **facts):
    return simulation.made_up_cell(samples, **{"series": "Linear forward", "case": "n=8", "flops": 1e6} | facts)


def test_the_tighter_bound_counts():
    assert CEILING.bound(1e9, 1e6) == 1.0
    assert CEILING.bound(1e6, 1e8) == 1.0
    assert CEILING.bound(None, 1e8) == 1.0
    assert CEILING.bound(None, None) == 0.0
    assert Ceiling().bound(1e9, 1e8) == 0.0
    assert Ceiling(flops_per_s=1e9).bound(1e9, 1e9) == 1.0


def test_a_time_below_the_bound_is_a_lie():
    true, false = cell([1.1e-3, 2e-3]), cell([2e-3, 1e-5])
    (lie,) = lies([true, false], CEILINGS)
    assert lie.cell is false
    assert (lie.seconds, lie.bound_s) == (1e-5, 1e-3)
    assert "numpy:cpu, Linear forward, n=8, ours: 1e-05 s a step" in str(lie)


def test_the_margin_is_as_stated():
    edge = 1e-3 / (1 + MARGIN)
    assert lies([cell([edge * 1.01])], CEILINGS) == []
    assert len(lies([cell([edge * 0.99])], CEILINGS)) == 1
    assert len(lies([cell([0.9e-3])], CEILINGS, margin=0.1)) == 1


@pytest.mark.parametrize(
    "facts", [{"samples": []}, {"flops": None}, {"backend": "cupy:0"}, {"dtype": "float16"}, {"state": "failed"}]
)
def test_what_cannot_be_judged_is_not_judged(facts):
    assert lies([cell(**{"samples": [1e-9]} | facts)], CEILINGS) == []


def test_a_missing_synchronise_is_caught_and_an_honest_clock_is_not():
    assert simulation.caught(waits=False) == 1.0
    assert simulation.caught(waits=True) == 0.0


def test_a_transfer_that_shares_memory_is_no_lie():
    (lie,) = lies([cell([1e-9], family="transfer", backend="torch:cuda:0")], {"torch:cuda:0": {"float32": CEILING}})
    assert lie.seconds == 1e-9
    assert lies([cell([1e-9], family="transfer")], CEILINGS) == []


def test_measured_peaks_bound_what_is_measured_in_between(backend):
    before = measure_ceilings(backend, "float32", at_most_s=0.3)
    n = 192
    square = backend.asarray(np.ones((n, n)), "float32")
    samples = []
    with backend.activate():
        for _ in range(20):
            start = time.perf_counter()
            result = backend.xp.matmul(square, square)
            backend.synchronize()
            samples.append(time.perf_counter() - start)
    assert float(backend.to_numpy(result[0, 0])) == n
    after = measure_ceilings(backend, "float32", at_most_s=0.3)
    ceiling = Ceiling(
        flops_per_s=max(before.flops_per_s, after.flops_per_s), bytes_per_s=max(before.bytes_per_s, after.bytes_per_s)
    )
    honest = cell(samples, flops=2.0 * n**3, bytes=3.0 * 4 * n * n)
    assert lies([honest], {"numpy:cpu": {"float32": ceiling}}) == []


def test_measuring_is_bounded_in_time():
    start = time.perf_counter()
    measure_ceilings(switch.load("numpy"), "float32", at_most_s=0.2)
    assert time.perf_counter() - start < 2.0  # one call of each kernel at one size may start too late


def test_each_kernel_is_waited_for():
    """On a device with a queue, the peak is the device's, not the host's."""

    class Element:
        ndim = 0

        def __getitem__(self, key):
            return self

    clock = simulation.Clock()
    device = simulation.Device(clock)

    class Queue:
        def synchronize(self):
            device.synchronize()

        def to_numpy(self, array):
            return array

    def product():
        device.launch(1e-3)
        return Element()

    rate = best_rate(Queue(), iter([[Kernel(product, 1e6)]]), 10.0, clock)
    assert rate == pytest.approx(1e9, rel=0.02)
