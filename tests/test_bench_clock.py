"""The device's own clock, on a played device and on stand-ins for the libraries: no GPU has seen it."""

from types import SimpleNamespace

import pytest
from simulation import Clock, Device

from miniflow_xp.programs.bench import clock as clocks
from miniflow_xp.programs.bench.clock import DeviceClock, device_clock, device_seconds, torch_clock


def played(ask):
    """A device with a queue, and its clock: a mark is the moment when all that was asked before is done."""
    host = Clock()
    device = Device(host, ask)

    def mark():
        host.work(1e-6)
        return max(device.ready, host())

    return device, DeviceClock(mark, lambda a, b: b - a, device.launch)


@pytest.mark.parametrize("ask", [5e-6, 2e-3], ids=["a quick host", "a slow host"])
def test_what_a_device_waits_for_a_slow_host_is_not_counted(ask):
    device, own = played(ask)
    found = device_seconds(lambda: device.launch(1e-4), lambda _: device.synchronize(), own, host_s=ask)
    assert found == pytest.approx(1e-4)


def test_without_work_before_it_the_wait_is_counted():
    device, own = played(2e-3)
    idle = DeviceClock(own.mark, own.between, lambda _: None)
    found = device_seconds(lambda: device.launch(1e-4), lambda _: device.synchronize(), idle, host_s=2e-3)
    assert found > 1.5e-3


class Event:
    def __init__(self, now, enable_timing):
        assert enable_timing
        self.now, self.at = now, None

    def record(self):
        self.at = self.now()

    def synchronize(self):
        assert self.at is not None

    def elapsed_time(self, other):
        return 1e3 * (other.at - self.at)  # milliseconds, as CUDA counts


def test_pytorchs_idle_kernel_is_asked_for_seconds():
    now = Clock()
    hertz = 1.7e9
    cuda = SimpleNamespace(Event=lambda enable_timing: Event(now, enable_timing), _sleep=lambda n: now.work(n / hertz))
    own = torch_clock(SimpleNamespace(cuda=cuda))
    start = own.mark()
    own.busy(0.05)
    assert own.between(start, own.mark()) == pytest.approx(0.05)


def test_who_has_a_clock(monkeypatch):
    monkeypatch.setattr(clocks, "cupy_clock", lambda library: "cupy's")
    monkeypatch.setattr(clocks, "torch_clock", lambda library: "torch's")
    found = {
        (name, device): device_clock(SimpleNamespace(name=name, device=device))
        for name, device in [
            ("numpy", "cpu"),
            ("torch", "cpu"),
            ("torch", "cuda:0"),
            ("jax", "gpu:0"),
            ("cupy", "cuda:0"),
        ]
    }
    assert {key: clock for key, clock in found.items() if clock} == {
        ("torch", "cuda:0"): "torch's",
        ("cupy", "cuda:0"): "cupy's",
    }
