"""Seconds of a call: by the wall clock until the device is done, the host's share, and by the device's own clock."""

import sys
from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Any, NamedTuple

from miniflow_xp.backend import Backend

DEVICE_SAMPLES = 5
LONGEST_BUSY = 0.2  # seconds
CYCLES = 1_000_000


def timed(
    step: Callable[[], Any],
    calls: int,
    wait: Callable[[Any], None],
    each: bool = False,
    now: Callable[[], float] = perf_counter,
) -> tuple[float, float]:
    """(seconds, host seconds) a call over so many calls; the host's end when it has launched everything.

    A device runs its work in turn, so waiting for the last result is enough. ``each`` waits for every result: JAX on
    the CPU runs independent calls in no fixed order.
    """
    start = now()
    for _ in range(calls - 1):
        result = step()
        if each:
            wait(result)
    result = step()
    asked = now()
    wait(result)
    return (now() - start) / calls, (asked - start) / calls


def wait_for(backend: Backend) -> Callable[[Any], None]:
    """Wait for a result: by its own method where it has one, else for the whole device."""

    def wait(result: Any) -> None:
        arrays = result if isinstance(result, list | tuple) else [result]
        ready = [getattr(a, "block_until_ready", None) for a in arrays]
        if ready and all(ready):
            for block in ready:
                block()  # type: ignore[misc]  # all are there
        else:
            backend.synchronize()

    return wait


class DeviceClock(NamedTuple):
    """A device's own clock: marks among its work.

    ``mark()`` puts one there, ``between(a, b)`` is the seconds from one to the other once both are behind, and
    ``busy(seconds)`` asks the device for work that takes about so long.
    """

    mark: Callable[[], Any]
    between: Callable[[Any, Any], float]
    busy: Callable[[float], None]


def device_clock(backend: Backend) -> DeviceClock | None:
    """The clock of a GPU, by CuPy or PyTorch; None elsewhere. Neither has run on a GPU yet."""
    library = sys.modules.get(backend.name)
    if backend.name == "cupy":
        return cupy_clock(library)
    if backend.name == "torch" and backend.device.startswith("cuda"):
        return torch_clock(library)
    return None


def cupy_clock(cupy: Any) -> DeviceClock:
    """CUDA events on the current stream; the work is a kernel that looks at the device's nanoseconds."""
    from miniflow_xp.programs.bench.gpu_time import spin  # here: it imports CuPy

    def mark() -> Any:
        event = cupy.cuda.Event()
        event.record()
        return event

    return DeviceClock(
        mark, lambda a, b: float(cupy.cuda.get_elapsed_time(a, b)) / 1e3, lambda seconds: spin(seconds * 1e3)
    )


def torch_clock(torch: Any) -> DeviceClock:
    """CUDA events on the current stream; the work is PyTorch's own idle kernel, whose cycles are counted first."""

    def mark() -> Any:
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def between(a: Any, b: Any) -> float:
        return float(a.elapsed_time(b)) / 1e3

    idle = torch.cuda._sleep  # noqa: SLF001  there is no public one
    idle(CYCLES)
    start = mark()
    idle(CYCLES)
    end = mark()
    end.synchronize()
    a_second = CYCLES / between(start, end)
    return DeviceClock(mark, between, lambda seconds: idle(int(seconds * a_second)))


def device_seconds(
    step: Callable[[], Any], wait: Callable[[Any], None], clock: DeviceClock, host_s: float, calls: int = 8
) -> float:
    """Seconds that the device itself works on a call; the median of some samples of ``calls`` calls.

    It is kept busy until the host, which takes ``host_s`` a call, has asked for everything: so it works without a gap,
    and what it waits for a slow host is not counted. NVIDIA's nvbench measures in this way.
    """
    samples = []
    for _ in range(DEVICE_SAMPLES):
        clock.busy(min(LONGEST_BUSY, 2 * calls * host_s))
        start = clock.mark()
        for _ in range(calls):
            result = step()
        end = clock.mark()
        wait(result)
        samples.append(clock.between(start, end) / calls)
    return median(samples)
