"""Checks of speed: fused rules against copies, sums down columns, feeding from the host while computing."""

from collections.abc import Callable
from functools import partial
from typing import Any

import cupy
import numpy as np

from miniflow_xp.backend import Backend
from miniflow_xp.backends.cupy_graph.equations import MANY_ROWS
from miniflow_xp.backends.cupy_graph.kernels import kernel
from miniflow_xp.backends.cupy_graph.product import Gemm
from miniflow_xp.optim import SGD
from miniflow_xp.switch import use_backend
from miniflow_xp.trainer import Trainer
from miniflow_xp.verify.networks import mlp
from miniflow_xp.verify.report import expect
from miniflow_xp.verify.results import error
from miniflow_xp.verify.rules import elementwise, fused
from miniflow_xp.verify.timing import batch, copy_bandwidth, seconds

SIZE = 256 << 20  # bytes an array: far beyond the 60 MB of second-level cache


def check_fused_rules(backend: Backend) -> dict[str, Any]:
    """11: each elementwise rule is one kernel, equals the plain rule, and moves bytes at 60 % of a copy's rate."""
    peak, figures = copy_bandwidth(SIZE), {}
    for case in elementwise():
        name = type(case.node).__name__
        (one,) = fused(case, "float32")
        arrays = [cupy.random.standard_normal(SIZE // 4, dtype=cupy.float32) for _ in range(len(case.shapes) + 1)]
        plain = case.run(backend.xp, *arrays)
        used = [arrays[n] for n in one.inputs]
        outs = [cupy.full(SIZE // 4, np.nan, cupy.float32) for _ in one.outputs]
        run = kernel(one.source)
        run(*used, *outs)
        for found, number in zip(outs, one.outputs, strict=True):
            off = float(cupy.max(cupy.abs(found - plain[number])) / cupy.max(cupy.abs(plain[number])))
            expect(off < 1e-5, f"{name}: fused and plain differ by {off:.3g}")
        rate = (len(used) + len(outs)) * SIZE / seconds(partial(run, *used, *outs), rounds=3)
        figures[f"{name}, of copy"] = rate / peak
        del arrays, plain, used, outs
    expect(min(figures.values()) >= 0.6, "a fused rule moves bytes at less than 60 % of a copy's rate", figures)
    return figures


def check_column_sums(_: Backend) -> dict[str, Any]:
    """12: sums down the columns by CuPy's sum, a product with ones and in two stages: is our choice the quickest?"""
    figures: dict[str, Any] = {}
    slow: list[str] = []
    gemm = Gemm(tf32=False)
    for rows, columns in ((64, 256), (256, 128), (512, 512), (4096, 1024), (16384, 128), (65536, 4096)):
        x = cupy.random.standard_normal((rows, columns), dtype=cupy.float32)
        out, halves = cupy.empty(columns, cupy.float32), max(2, min(64, rows // 32))
        ways: dict[str, Callable[[], Any]] = {
            "sum": lambda x=x, out=out: cupy.sum(x, axis=0, out=out),  # type: ignore[misc]
            "ones": lambda x=x, out=out: gemm.column_sums(x, out),  # type: ignore[misc]
            "two": lambda x=x, h=halves: x.reshape(h, -1, x.shape[1]).sum(axis=1).sum(axis=0),  # type: ignore[misc]
        }
        times = {name: seconds(way) * 1e6 for name, way in ways.items()}
        ours = "ones" if rows >= MANY_ROWS else "sum"
        figures[f"({rows}, {columns}), µs"] = {name: round(t, 1) for name, t in times.items()}
        if times[ours] > 1.5 * min(times.values()):
            slow.append(f"({rows}, {columns}): {ours} was chosen")
    expect(not slow, f"not the quickest by more than half: {', '.join(slow)}", figures)
    return figures


def check_prefetch(backend: Backend) -> dict[str, Any]:
    """14: batches that are copied from pinned memory while the last step runs give the same costs, in less time."""
    rows, inputs, steps = 16384, 784, 20
    rng = np.random.default_rng(10)
    hosts = []
    for _ in range(2):  # two buffers that take turns
        host = pinned((rows, inputs))
        host[...] = rng.standard_normal((rows, inputs), dtype=np.float32)
        hosts.append(host)
    y = cupy.asarray(rng.standard_normal((rows, 1), dtype=np.float32))
    with use_backend(backend):
        costs, times = [], []
        for overlapped in (False, True):
            network = mlp(inputs, 512, "float32")
            trainer = Trainer(network.cost, SGD(0.01))
            copies = cupy.cuda.Stream(non_blocking=True) if overlapped else cupy.cuda.get_current_stream()
            feeder = Feeder(hosts, copies)
            found: list[Any] = []

            def run() -> None:
                found.append(trainer.step({network.X: feeder.next(), network.y: y}))  # noqa: B023

            for _ in range(4):
                run()
            times.append(batch(run, steps) / steps * 1e3)
            costs.append([float(c) for c in found])
    figures = {"in turn, ms": times[0], "overlapped, ms": times[1], "costs differ by": error(costs[1], costs[0])}
    expect(figures["costs differ by"] < 1e-6, "costs differ", figures)
    expect(times[1] < times[0], "copies and steps do not overlap", figures)
    return figures


def pinned(shape: tuple[int, int]) -> Any:
    """A float32 array in memory that the device can read while the host works."""
    memory = cupy.cuda.alloc_pinned_memory(4 * shape[0] * shape[1])
    return np.frombuffer(memory, np.float32, shape[0] * shape[1]).reshape(shape)


class Feeder:
    """Two device buffers filled in turn on a stream of copies, with events both ways."""

    def __init__(self, hosts: list[Any], copies: Any) -> None:
        self.hosts, self.copies = hosts, copies
        self.buffers = [cupy.empty(h.shape, h.dtype) for h in hosts]
        self.number = 0
        self.filled = [self.fill(0), self.fill(1)]

    def fill(self, which: int) -> Any:
        """Start the copy into a buffer once the steps so far no longer read it; returns the event of its end."""
        self.copies.wait_event(cupy.cuda.get_current_stream().record())
        self.buffers[which].set(self.hosts[which], stream=self.copies)
        return self.copies.record()

    def next(self) -> Any:
        """The next batch; the buffer given before it is filled again while this one is worked on."""
        which = self.number % 2
        if self.number:
            self.filled[1 - which] = self.fill(1 - which)
        self.number += 1
        cupy.cuda.get_current_stream().wait_event(self.filled[which])
        return self.buffers[which]
