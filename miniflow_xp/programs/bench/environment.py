"""What the figures were measured on: machine, libraries, BLAS and its kernel, threads, load, GPU."""

import os
import platform
import shutil
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from miniflow_xp.programs.bench.affinity import usable_cores
from miniflow_xp.programs.bench.record import Machine, State
from miniflow_xp.system.version import __version__

PACKAGES = {
    "numpy": ("numpy",),
    "torch": ("torch",),
    "jax": ("jax", "jaxlib"),
    "cupy": ("cupy-cuda13x", "cupy-cuda12x", "cupy"),
    "strict": ("array-api-strict",),
}
VARIABLES = (
    "OPENBLAS_CORETYPE",
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "XLA_FLAGS",
    "CUDA_VISIBLE_DEVICES",
    "MINIFLOW_PRECISION",
)
GPU_FACTS = ("name", "driver_version", "memory.total", "clocks.max.sm")
GPU_STATE = ("clocks.sm", "temperature.gpu", "utilization.gpu")


def machine() -> Machine:
    """Facts that do not change during a run; runs on machines that differ in them are not compared."""
    return Machine(
        cpu=cpu_name(),
        cores=os.cpu_count(),
        usable_cores=usable_cores(),
        memory_bytes=memory_bytes(),
        platform=platform.platform(),
        python=platform.python_version(),
        gpu=gpu(GPU_FACTS),
        forced_kernel=os.environ.get("OPENBLAS_CORETYPE"),
        variables={name: os.environ[name] for name in VARIABLES if name in os.environ},
        packages={"miniflow_xp": __version__},
    )


def state() -> State:
    """Load of the machine, cores that are busy, and clock and temperature of the GPU, now."""
    load = list(os.getloadavg()) if hasattr(os, "getloadavg") else None
    return State(load=load, busy_cores=busy_cores(), gpu=gpu(GPU_STATE))


def busy_cores(seconds: float = 0.25) -> float | None:
    """How many cores work for others while this process sleeps; None where the system does not say.

    The load average would count what this process, or a run before this one, did in the last minute.
    """
    before = core_ticks()
    time.sleep(seconds)
    after = core_ticks()
    if before is None or after is None or after[1] <= before[1]:
        return None
    return (os.cpu_count() or 1) * (after[0] - before[0]) / (after[1] - before[1])


def core_ticks() -> tuple[int, int] | None:
    """Clock ticks of all cores since the start, busy ones and all of them, as Linux tells them."""
    try:
        first = Path("/proc/stat").read_text().splitlines()[0].split()
    except OSError:
        return None
    user, nice, system, idle, waiting, *others = map(int, first[1:9])
    busy = user + nice + system + sum(others)
    return busy, busy + idle + waiting


def libraries(backend: str) -> tuple[dict[str, str], dict[str, int], list[dict[str, Any]]]:
    """Packages and threads of a backend, and the BLAS libraries in this process by version, kernel and threads."""
    packages = {}
    for package in (*PACKAGES.get(backend, ()), "array-api-compat"):
        try:
            packages[package] = version(package)
        except PackageNotFoundError:
            continue
    torch = sys.modules.get("torch") if backend == "torch" else None
    return packages, {"torch": torch.get_num_threads()} if torch else {}, blas()


def blas() -> list[dict[str, Any]]:
    """The BLAS libraries that threadpoolctl, where it is installed, sees in this process."""
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return []
    return [
        {
            "library": pool["internal_api"],
            "version": pool["version"],
            "kernel": pool.get("architecture"),
            "threads": pool["num_threads"],
        }
        for pool in threadpool_info()
        if pool["user_api"] == "blas"
    ]


def cpu_name() -> str:
    """The processor, as the system names it."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if "model name" in line]
        if names:
            return names[0]
    return platform.processor() or platform.machine()


def memory_bytes() -> int | None:
    """Memory of the machine."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def gpu(facts: tuple[str, ...]) -> dict[str, str] | None:
    """What nvidia-smi tells of the first GPU; None where there is none."""
    command = shutil.which("nvidia-smi")
    if command is None:
        return None
    query = [command, f"--query-gpu={','.join(facts)}", "--format=csv,noheader,nounits", "--id=0"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode != 0:
        return None
    return dict(zip(facts, (field.strip() for field in done.stdout.split(",")), strict=False))
