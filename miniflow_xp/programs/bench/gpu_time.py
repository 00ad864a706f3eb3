"""Time on a GPU: by events, in batches long enough to measure, medians of several."""

import statistics
import time
from collections.abc import Callable
from typing import Any

import cupy

SPIN = r"""
extern "C" __global__ void spin(unsigned long long nanoseconds) {
  unsigned long long start, now;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(start));
  do { asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now)); } while (now - start < nanoseconds);
}
"""


def spin(milliseconds: float) -> None:
    """Keep the current stream busy for so long."""
    cupy.RawKernel(SPIN, "spin")((1,), (1,), (cupy.uint64(milliseconds * 1e6),))


def synchronize() -> None:
    """Wait for the current stream."""
    cupy.cuda.get_current_stream().synchronize()


def seconds(
    function: Callable[[], Any],
    rounds: int = 7,
    finish: Callable[[], Any] = synchronize,
    batch_seconds: float = 5e-3,
) -> float:
    """Median seconds of one call, of batches that end in one ``finish`` each."""
    batch(function, 3, finish)
    count = 1
    while (taken := batch(function, count, finish)) < batch_seconds and count < 1 << 14:
        count = max(count * 2, min(count * 16, int(count * batch_seconds / taken)))
    return statistics.median(batch(function, count, finish) / count for _ in range(rounds))


def batch(function: Callable[[], Any], count: int, finish: Callable[[], Any] = synchronize) -> float:
    """Seconds of ``count`` calls and one ``finish``."""
    start = time.perf_counter()
    for _ in range(count):
        function()
    finish()
    return time.perf_counter() - start


def copy_bandwidth(size: int) -> float:
    """Bytes a second of a copy of ``size`` bytes, reading and writing."""
    source = cupy.random.random(size // 4, dtype=cupy.float32)
    target = cupy.empty_like(source)
    return float(2 * source.nbytes) / seconds(lambda: cupy.copyto(target, source))
