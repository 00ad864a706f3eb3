"""The lie detector on a made-up device, and measured peaks on every backend."""

import math
from itertools import repeat

import pytest
import simulation

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


class MadeUpDevice:
    """The backend's own arrays, on a device with a queue and a clock; what is asked takes as long as CEILING says."""

    def __init__(self, backend=None):
        self._backend, self.clock = backend, simulation.Clock()
        self._device = simulation.Device(self.clock)
        self.xp = self

    def __getattr__(self, name):
        return getattr(self._backend, name, None) or getattr(self._backend.xp, name)

    def launch(self, flops, *arrays):
        moved = {id(array): 4.0 * math.prod(array.shape) for array in arrays}
        self._device.launch(CEILING.bound(flops, sum(moved.values())))
        return arrays[-1]

    def matmul(self, a, b):
        return self.launch(2.0 * math.prod(a.shape) * math.prod(b.shape[1:]), a, b, self._backend.xp.matmul(a, b))

    def add(self, a, b):
        return self.launch(0.0, a, b, self._backend.xp.add(a, b))

    def abs(self, a):
        return self.launch(0.0, a, self._backend.xp.abs(a))

    def synchronize(self):
        self._device.synchronize()


def test_the_peaks_of_a_device_are_found_and_not_exceeded(backend):
    """Each kernel is waited for: the time is the device's, not that of asking it."""
    device = MadeUpDevice(backend)
    found = measure_ceilings(device, "float32", at_most_s=0.3, clock=device.clock)
    for name, peak in CEILING.to_json().items():
        assert 0.98 * peak < getattr(found, name) <= peak


def test_measuring_ends_before_its_time_is_over():
    class Scalar:
        ndim = 0
        shape = ()

        def __getitem__(self, key):
            return self

    class Numbers:
        def to_numpy(self, array):
            return array

    device = MadeUpDevice(Numbers())
    kernel = Kernel(lambda: device.launch(1e6, Scalar()), 1e6)
    rate = best_rate(device, repeat([kernel]), 0.2, device.clock)
    assert 0.1 < device.clock() < 0.2
    assert rate == pytest.approx(1e9, rel=0.02)
