"""Check 15: one step beside its peers on the same GPU, each measured twice for the spread."""

import gc
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest.mock import patch

import cupy

from miniflow_xp.backend import Backend
from miniflow_xp.backends import precision
from miniflow_xp.errors import BackendError
from miniflow_xp.programs.bench.gpu_time import seconds
from miniflow_xp.programs.bench.peers import Step, step_of
from miniflow_xp.programs.bench.peers.problem import Problem
from miniflow_xp.programs.verify.networks import Eager
from miniflow_xp.programs.verify.report import Figures, expect, in_words
from miniflow_xp.switch import Choice, load, use_backend

SMALL, LARGE = (64, 784, 256), (65536, 1024, 4096)
SIZES = (SMALL, (4096, 784, 1024), LARGE)  # rows, inputs, hidden
PRECISIONS = ("float32", "tf32", "float16")


def check_peers(backend: Backend, figures: Figures) -> None:
    """15: at three sizes, ours, torch, torch.compile and JAX in float32; ours and torch in TF32 and float16.

    Claimed: at the smallest, 5 times naive CuPy's speed and at least torch.compile's; at the largest, torch's time
    times 1.15 at most, at equal precision. A peer that fails is a failure of the check; the others are measured.
    """
    wrong: list[str] = []
    for kind in PRECISIONS:
        for size in SIZES:
            where, times = f"{kind} {size}", {}
            for name, found in measured(backend, kind, size):
                if isinstance(found, str):
                    wrong.append(f"{where}: {name} failed: {found}")
                else:
                    times[name] = min(found)
                    figures[f"{where}, {name}, µs"] = [round(t, 1) for t in found]
            wrong += misses(where, times, kind, size)
    expect(not wrong, "; ".join(wrong))


def misses(where: str, times: dict[str, float], kind: str, size: tuple[int, ...]) -> list[str]:
    """The claims that these times contradict; a peer that was not measured contradicts none."""
    ratios = {name: time / times["captured"] for name, time in times.items() if "captured" in times}
    found = []
    if size == SMALL and kind == "float32":
        if ratios.get("naive CuPy", 5) < 5:
            found.append(f"{where}: {ratios['naive CuPy']:.2f} times naive CuPy's speed, not 5")
        if ratios.get("torch.compile", 1) < 1:
            found.append(f"{where}: {ratios['torch.compile']:.2f} times torch.compile's speed, not 1")
    if size == LARGE and ratios.get("torch eager", 1) < 1 / 1.15:
        found.append(f"{where}: {ratios['torch eager']:.2f} times torch's speed, not 1 / 1.15")
    return found


def measured(backend: Backend, kind: str, size: tuple[int, int, int]) -> Iterator[tuple[str, list[float] | str]]:
    """(name, microseconds twice, or what went wrong) of each peer that is there; memory is freed between them."""
    tf32, dtype = kind == "tf32", "float32" if kind == "tf32" else kind
    rounds = 3 if size[0] > 4096 else 7
    for name, (choice, place) in peers(backend, kind, size[0]).items():
        try:
            chosen = load(choice)
        except BackendError:
            continue
        try:
            with products_in(tf32), use_backend(chosen):
                step = step_of(place, Problem.of(*size, dtype), chosen)
                found: list[float] | str = twice(step, chosen.synchronize, rounds)
        except Exception as error:  # noqa: BLE001, RUF100  one peer's failure is a result, not the end of the check
            found = in_words(error)
        free_memory()
        yield name, found


@contextmanager
def products_in(tf32: bool) -> Iterator[None]:
    """TF32 or true float32 in the products of ours and of torch."""
    if "torch" in sys.modules:
        sys.modules["torch"].backends.cuda.matmul.allow_tf32 = tf32
    with patch.dict(os.environ, {precision.NAME: "tf32" if tf32 else "fp32"}):
        yield


def twice(step: Step, finish: Callable[[], object], rounds: int) -> list[float]:
    """Microseconds of a step, measured two times for the spread."""
    return [seconds(step, rounds, finish) * 1e6 for _ in range(2)]


def free_memory() -> None:
    """Give a peer's memory back to the device; the pools of CuPy and torch would keep it from the next peer."""
    gc.collect()
    cupy.get_default_memory_pool().free_all_blocks()
    if "torch" in sys.modules:
        sys.modules["torch"].cuda.empty_cache()


def peers(backend: Backend, kind: str, rows: int) -> dict[str, tuple[Choice, str]]:
    """The peers at this precision and size: {name: (its backend, the place of its step among bench's peers)}."""
    found: dict[str, tuple[Choice, str]] = {
        "captured": (backend, "ours:trained"),
        "torch eager": ("torch:cuda", "in_torch:with_optimizer"),
    }
    if kind == "float32":
        found["naive CuPy"] = Eager(backend.device), "ours:trained"
        found["torch.compile"] = "torch:cuda", "in_torch:with_compiled_cost"
        found["jax.jit"] = "jax:gpu", "in_jax:jitted"
    if kind == "float32" and rows <= 4096:
        found["NumPy"] = "numpy", "ours:trained"
    return found
