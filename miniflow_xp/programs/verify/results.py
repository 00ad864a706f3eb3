"""Checks of results: rules, products, captured against eager steps."""

import warnings
from typing import Any

import array_api_compat.numpy as xp
import cupy
import numpy as np

from miniflow_xp.backend import Backend
from miniflow_xp.backends.cupy.capture import CupyCapture
from miniflow_xp.backends.cupy.product import Gemm
from miniflow_xp.engine.optim import Adam
from miniflow_xp.engine.trainer import Trainer
from miniflow_xp.programs.bench.gpu_time import copy_bandwidth, seconds
from miniflow_xp.programs.bench.networks import random_batch
from miniflow_xp.programs.verify.networks import Eager, mlp
from miniflow_xp.programs.verify.report import Figures, expect
from miniflow_xp.programs.verify.rules import cases
from miniflow_xp.switch import use_backend

BOUNDS = {"float32": 1e-5, "float16": 1e-2, "float64": 1e-12}
"""Of an error, against the largest element of the result: about 50 roundings each, more than these rules have."""


def check_ceilings(backend: Backend, figures: Figures) -> None:
    """1: versions, the bandwidth of a large copy, the rate of large products on random numbers."""
    runtime = cupy.cuda.runtime
    figures["device"] = backend.describe()
    figures["CUDA runtime and driver"] = f"{runtime.runtimeGetVersion()} {runtime.driverGetVersion()}"
    figures["copy TB/s"] = copy_bandwidth(1 << 30) / 1e12
    size = 8192
    for name, dtype, tf32 in (("FP32", "float32", False), ("TF32", "float32", True), ("FP16", "float16", False)):
        gemm = Gemm(tf32)
        a, b = (cupy.random.standard_normal((size, size), dtype=cupy.float32).astype(dtype) for _ in range(2))
        out = cupy.empty_like(a)
        figures[f"{name} TFLOP/s"] = 2 * size**3 / seconds(lambda: gemm.matmul(a, b, out)) / 1e12  # noqa: B023
    figures["products through"] = gemm.library.name


def check_rules(backend: Backend, figures: Figures) -> None:
    """2: every rule, value and gradients, captured, against float64 on the host; results are NaN before."""
    worst = dict.fromkeys(BOUNDS, 0.0)
    for dtype in BOUNDS:
        for case in cases():
            arrays = case.arrays(np.random.default_rng(1), dtype)
            exact = case.run(xp, *[a.astype("float64") if a.dtype.kind == "f" else a for a in arrays])
            captured = CupyCapture(backend, case.run, [backend.asarray(a) for a in arrays], 0)
            expect(captured._graph is not None, f"{case.node}: {captured.how}")  # noqa: SLF001  it is what is checked
            for array in captured._outputs:  # noqa: SLF001
                array.fill(np.nan)
            for found, reference in zip(captured(*map(backend.asarray, arrays)), exact, strict=True):
                worst[dtype] = max(worst[dtype], error(found, reference))
        figures[f"largest error, {dtype}"] = worst[dtype]
    expect(all(worst[dtype] < bound for dtype, bound in BOUNDS.items()), f"the bounds are {BOUNDS}")


def check_products(_: Backend, figures: Figures) -> None:
    """3: the captured product against float64 and ``cupy.matmul``: layouts, slices, dtypes."""
    rng, count = np.random.default_rng(2), 0
    for dtype in BOUNDS:
        gemm, eps = Gemm(tf32=False), float(np.finfo(dtype).eps)
        for n, k, m in ((64, 784, 256), (1, 5, 7), (7, 1, 5), (5, 7, 1), (300, 300, 300)):
            for a in layouts(rng, n, k, dtype):
                for b in layouts(rng, k, m, dtype):
                    out = cupy.full((n, m), np.nan, dtype)
                    gemm.matmul(a, b, out)
                    exact = a.get().astype("float64") @ b.get().astype("float64")
                    bound = (k + 2) * eps * max(1, k)  # elements up to 1; each of k additions rounds sums up to k
                    for found in (out, cupy.matmul(a, b)):
                        off = float(np.max(np.abs(found.get().astype("float64") - exact)))
                        expect(off <= bound, f"({n},{k},{m}) in {dtype}: off by {off:.3g}, allowed {bound:.3g}")
                    count += 1
        figures["products compared"] = count


def check_plain_matmul_refuses(_: Backend, figures: Figures) -> None:
    """4: does ``cupy.matmul`` still refuse to be captured? Where it does not, our own product may go."""
    a, stream, refused = cupy.ones((8, 8), cupy.float32), cupy.cuda.Stream(non_blocking=True), ""
    cupy.cuda.get_current_stream().synchronize()
    with stream:
        stream.begin_capture()
        try:
            cupy.matmul(a, a)
        except NotImplementedError as error:
            refused = str(error)
        finally:
            stream.end_capture()
    figures["refuses"] = refused or "no: our own product may not be needed any more"


def check_captured_equals_eager(backend: Backend, figures: Figures) -> None:
    """5: 100 steps of Adam, captured and by the plain loop, from the same start, a fresh batch each."""
    for dtype, bound in (("float64", 1e-9), ("float32", 1e-3)):  # rounding grows over 100 steps
        ends = []
        for one in (backend, Eager(backend.device)):
            with use_backend(one), warnings.catch_warnings():
                warnings.simplefilter("error", RuntimeWarning)
                rng, network = np.random.default_rng(3), mlp(32, 64, dtype)
                trainer = Trainer(network.cost, Adam(1e-3))
                for _ in range(100):
                    trainer.step(random_batch(network, rng, 48, dtype))
                ends.append([one.to_numpy(p.value) for p in network.parameters])
        figures[f"difference, {dtype}"] = max(error(a, b) for a, b in zip(*ends, strict=True))
        expect(figures[f"difference, {dtype}"] < bound, f"{dtype}: more than {bound}")


def layouts(rng: np.random.Generator, rows: int, columns: int, dtype: str) -> list[Any]:
    """A matrix row by row, column by column, and as slices of a larger one."""
    big = cupy.asarray(rng.uniform(-1, 1, (rows + 3, columns + 3)).astype(dtype))
    plain = cupy.ascontiguousarray(big[:rows, :columns])
    return [plain, cupy.asfortranarray(plain), big[1 : rows + 1, :columns], big[:rows, 2 : columns + 2]]


def error(found: Any, exact: Any) -> float:
    """The largest error against the largest element, 0 elements apart; infinite where something is not a number."""
    found, exact = np.asarray(cupy.asnumpy(found), "float64"), np.asarray(exact, "float64")
    if found.shape != exact.shape or not np.all(np.isfinite(found)):
        return float("inf")
    return float(np.max(np.abs(found - exact), initial=0) / max(1e-30, float(np.max(np.abs(exact), initial=0))))
