"""The most memory that a step takes besides its data, as each library can tell."""

import gc
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from miniflow_xp.backend import Backend

CALLS = 5  # capture included


def peak_bytes(backend: Backend, step: Callable[[], Any], calls: int = CALLS) -> dict[str, Any]:
    """``peak_bytes`` of a few steps beyond what was held before them, and ``note``: how it was measured."""

    def run() -> None:
        for _ in range(calls):
            step()

    library = sys.modules.get(backend.name)
    gc.collect()
    if backend.name == "torch" and backend.device.startswith("cuda"):
        return torch_peak(library, run)
    if backend.name == "cupy":
        return cupy_peak(library, run)
    if "cpu" in backend.device and Path("/proc/self/clear_refs").exists():
        return process_peak(run)
    return {"peak_bytes": None, "why": "this library, or this system, does not tell its memory"}


def torch_peak(torch: Any, run: Callable[[], None]) -> dict[str, Any]:
    """PyTorch's own count on the GPU."""
    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    run()
    torch.cuda.synchronize()
    return {"peak_bytes": int(torch.cuda.max_memory_allocated() - before), "note": "PyTorch's allocator"}


def cupy_peak(cupy: Any, run: Callable[[], None]) -> dict[str, Any]:
    """What the device has less after the steps: CuPy's pools keep their peak. What they keep of others goes first."""
    cupy.cuda.runtime.deviceSynchronize()
    cupy.get_default_memory_pool().free_all_blocks()
    before = cupy.cuda.runtime.memGetInfo()[0]
    run()
    cupy.cuda.runtime.deviceSynchronize()
    return {"peak_bytes": int(before - cupy.cuda.runtime.memGetInfo()[0]), "note": "free memory of the device"}


def process_peak(run: Callable[[], None]) -> dict[str, Any]:
    """The highest resident memory of the process, which Linux counts afresh when it is told to."""
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    run()
    return {"peak_bytes": max(0, resident("VmHWM") - before), "note": "resident memory of the process"}


def resident(what: str) -> int:
    """A line of /proc/self/status, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(what + ":"))
