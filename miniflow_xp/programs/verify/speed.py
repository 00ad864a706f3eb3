"""Checks of speed: fused rules against copies, sums down columns."""

from collections.abc import Callable
from functools import partial
from typing import Any

import cupy
import numpy as np

from miniflow_xp.backend import Backend
from miniflow_xp.backends.cupy.equations import MANY_ROWS
from miniflow_xp.backends.cupy.kernels import kernel
from miniflow_xp.backends.cupy.product import Gemm
from miniflow_xp.programs.bench.gpu_time import copy_bandwidth, seconds
from miniflow_xp.programs.verify.report import Figures, expect
from miniflow_xp.programs.verify.rules import elementwise, fused

SIZE = 256 << 20  # bytes an array: far beyond the 60 MB of second-level cache


def check_fused_rules(backend: Backend, figures: Figures) -> None:
    """11: each elementwise rule is one kernel, equals the plain rule, and moves bytes at 60 % of a copy's rate."""
    peak = copy_bandwidth(SIZE)
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
    expect(min(figures.values()) >= 0.6, "a fused rule moves bytes at less than 60 % of a copy's rate")


def check_column_sums(_: Backend, figures: Figures) -> None:
    """12: sums down the columns by CuPy's sum, a product with ones and in two stages: is our choice the quickest?"""
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
    expect(not slow, f"not the quickest by more than half: {', '.join(slow)}")
