"""The lie detector: no step is faster than its arithmetic and its traffic allow on the machine at hand.

A time below that bound was taken before the device had finished. The peaks are measured, on the same backend.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import count
from math import inf
from typing import NamedTuple

import numpy as np

from miniflow_xp.backend import Array, Backend
from miniflow_xp.programs.bench.record import Ceiling, Cell
from miniflow_xp.programs.bench.scheduler import calls_for

MARGIN = 1.0  # of two cores one may be taken while peaks are measured; what did not wait misses by far more
SAMPLE_S = 0.006
LONGEST_S = 0.05  # no larger size is tried once one call takes so long
SINGLE = 3
SAMPLES = 3
LEAST_SIZES = 5  # streams of 4 MB, where all cores take part
GROWTH = 2  # a size up, between a sample as long as before and eight times the operations
MOST_BYTES = 2**29


class Lie(NamedTuple):
    """A cell with a time that cannot be: its shortest sample and the bound, in seconds a step."""

    cell: Cell
    seconds: float
    bound_s: float

    def __str__(self) -> str:
        cell = self.cell
        return (
            f"{cell.backend}, {cell.series}, {cell.case}, {cell.contestant or 'ours'}: "
            f"{self.seconds:.3g} s a step, but the machine's peaks need {self.bound_s:.3g} s: "
            "the clock was stopped before the work was done"
        )


def lies(cells: Iterable[Cell], ceilings: Mapping[str, Mapping[str, Ceiling]], margin: float = MARGIN) -> list[Lie]:
    """The measured cells whose shortest sample is more than ``margin`` below the bound: below bound / (1 + margin).

    ``ceilings`` is {backend: {dtype: ceiling}}; cells without one, or without samples, cannot be judged. Nor can
    transfers on the CPU: a library may share the memory of a NumPy array, and then moves nothing.
    """
    found = []
    for cell in cells:
        if cell.family == "transfer" and cell.backend.endswith(":cpu"):
            continue
        least = ceilings.get(cell.backend, {}).get(cell.dtype, Ceiling()).bound(cell.flops, cell.bytes)
        shortest = min((t for _, t in cell.times), default=inf)
        if shortest * (1 + margin) < least:
            found.append(Lie(cell, shortest, least))
    return found


def measure_ceilings(
    backend: Backend, dtype: str, at_most_s: float = 1.4, clock: Callable[[], float] = time.perf_counter
) -> Ceiling:
    """The best of several samples of products, and of streams, of many sizes.

    Streams start where data fits the first cache: a ceiling must hold for cells that are that small. Products count
    2 n³ operations; a stream counts each array that it reads or writes once.
    """
    start = clock()
    with backend.activate():
        flops = best_rate(backend, products(backend, dtype), start + 0.6 * at_most_s, clock)
        streamed = best_rate(backend, streams(backend, dtype), start + at_most_s, clock)
    return Ceiling(flops_per_s=flops, bytes_per_s=streamed)


class Kernel(NamedTuple):
    """A function without arguments that returns an array, and how much of what is counted one call does."""

    run: Callable[[], Array]
    amount: float


def products(backend: Backend, dtype: str) -> Iterator[Sequence[Kernel]]:
    """Square products, from 128 upwards."""
    for n, square, _ in squares(backend, dtype, 128):
        yield [Kernel(partial(backend.xp.matmul, square, square), 2.0 * n**3)]


def streams(backend: Backend, dtype: str) -> Iterator[Sequence[Kernel]]:
    """Elementwise sums, inner products and matrix-vector products, from 16 kB upwards in steps of 4."""
    xp = backend.xp
    for _, square, size in squares(backend, dtype, 64):
        flat, row = xp.reshape(square, (-1,)), square[0, :]
        yield [
            Kernel(partial(xp.add, square, square), 2 * size),
            Kernel(partial(xp.abs, square), 2 * size),
            Kernel(partial(xp.matmul, flat, flat), size),
            Kernel(partial(xp.matmul, square, row), size),
        ]


def squares(backend: Backend, dtype: str, smallest: int) -> Iterator[tuple[int, Array, float]]:
    """n, an (n, n) array of ones, and its bytes, n doubling. Ones cost a device less power: they suit a ceiling."""
    for n in (smallest * 2**k for k in count()):
        if n * n * 4 > MOST_BYTES:
            return
        square = backend.asarray(np.ones((n, n), "float32"), dtype)
        yield n, square, n * n * backend.xp.finfo(square.dtype).bits / 8


def best_rate(backend: Backend, sizes: Iterator[Sequence[Kernel]], until: float, clock: Callable[[], float]) -> float:
    """The highest amount a second of any kernel at any size; the LEAST_SIZES smallest are measured in any case."""
    best = 0.0
    for number, kernels in enumerate(sizes, 1):
        start = clock()
        seconds = [shortest_call(backend, kernel, clock) for kernel in kernels]
        best = max(best, *(kernel.amount / one for kernel, one in zip(kernels, seconds, strict=True)))
        now = clock()
        larger = GROWTH * (now - start)  # what the next size will take
        if min(seconds) > LONGEST_S or (number >= LEAST_SIZES and now + larger > until):
            break
    return best


def shortest_call(backend: Backend, kernel: Kernel, clock: Callable[[], float]) -> float:
    """Seconds a call in the best of some samples.

    Single calls come first: they compile, allocate and wake threads, and the shortest tells how many make a sample.
    """
    best = float("inf")
    for number in range(SINGLE + SAMPLES):
        calls = 1 if number < SINGLE else calls_for(best, SAMPLE_S)
        best = min(best, seconds_of(backend, kernel, calls, clock) / calls)
        if number > 0 and best > LONGEST_S:
            break
    return best


def seconds_of(backend: Backend, kernel: Kernel, calls: int, clock: Callable[[], float]) -> float:
    """Seconds for so many calls, with an element of the last result on the host at the end: then it is really done."""
    start = clock()
    for _ in range(calls):
        result = kernel.run()
    backend.synchronize()
    backend.to_numpy(result[(0,) * result.ndim])
    return clock() - start
