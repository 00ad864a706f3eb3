"""Check 15: one step beside its peers on the same GPU, each measured twice for the spread."""

import gc
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias
from unittest.mock import patch

import cupy
import numpy as np

from miniflow_xp.backend import Backend
from miniflow_xp.backends import precision
from miniflow_xp.engine.optim import SGD
from miniflow_xp.engine.trainer import Trainer
from miniflow_xp.programs.bench.gpu_time import seconds, synchronize
from miniflow_xp.programs.bench.networks import random_batch
from miniflow_xp.programs.network import Network
from miniflow_xp.programs.verify.networks import Eager, mlp
from miniflow_xp.programs.verify.others import jax_step, torch_compiled_step, torch_step
from miniflow_xp.programs.verify.report import Figures, expect, in_words
from miniflow_xp.switch import load, use_backend

SMALL, LARGE = (64, 784, 256), (65536, 1024, 4096)
SIZES = (SMALL, (4096, 784, 1024), LARGE)  # rows, inputs, hidden
PRECISIONS = ("float32", "tf32", "float16")
RATE = 0.01

Step: TypeAlias = Callable[[], Any]
Make: TypeAlias = Callable[[Network, dict[Any, Any], bool], tuple[Step, Step]]
"""``make(network, feed, tf32) -> (a step, what waits for it)``; ImportError where the peer is not there."""


def check_peers(backend: Backend, figures: Figures) -> None:
    """15: three sizes: ours, captured and eager, torch, torch.compile and JAX in float32; ours and torch in the others.

    Claimed: at the smallest, 5 times naive CuPy's speed and at least torch.compile's; at the largest, torch's time
    times 1.15 at most, at equal precision. A peer that fails is told, and the others are measured.
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
    """Which of the claims these times do not bear out; a peer that was not measured is in none."""
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
    """(name, microseconds twice, or what went wrong) of each peer that is installed; memory is freed between them."""
    rows, inputs, hidden = size
    tf32, dtype = kind == "tf32", "float32" if kind == "tf32" else kind
    for name, make in peers(backend, kind, rows).items():
        network = mlp(inputs, hidden, dtype)
        feed = random_batch(network, np.random.default_rng(11), rows, dtype)
        try:
            with patch.dict(os.environ, {precision.NAME: "tf32" if tf32 else "fp32"}):
                found: list[float] | str = twice(*make(network, feed, tf32), 3 if rows > 4096 else 7)
        except ImportError:
            continue
        except Exception as error:  # noqa: BLE001, RUF100  one peer's failure is a result, not the end of the check
            found = in_words(error)
        free_memory()
        yield name, found


def twice(step: Step, finish: Step, rounds: int) -> list[float]:
    """Microseconds of a step, measured two times for the spread."""
    return [seconds(step, rounds, finish) * 1e6 for _ in range(2)]


def free_memory() -> None:
    """What a peer held goes back to the device: the pools of CuPy and torch would keep it from the next one."""
    gc.collect()
    cupy.get_default_memory_pool().free_all_blocks()
    if "torch" in sys.modules:
        sys.modules["torch"].cuda.empty_cache()


def peers(backend: Backend, kind: str, rows: int) -> dict[str, Make]:
    """Those that are measured at this precision and size."""
    found: dict[str, Make] = {"captured": trained_by(backend), "torch eager": torch_step}
    if kind == "float32":
        naive = trained_by(Eager(backend.device))
        found |= {"naive CuPy": naive, "torch.compile": torch_compiled_step, "jax.jit": jax_step}
    if kind == "float32" and rows <= 4096:
        found["NumPy"] = trained_by(load("numpy"))
    return found


def trained_by(backend: Backend) -> Make:
    """A Trainer on this backend, fed from its device."""

    def make(network: Network, feed: dict[Any, Any], tf32: bool) -> tuple[Step, Step]:  # noqa: ARG001  see ``Make``
        trainer = Trainer(network.cost, SGD(RATE))
        given = {node: backend.asarray(array) for node, array in feed.items()}

        def step() -> Any:
            with use_backend(backend):
                return trainer.step(given)

        return step, synchronize

    return make
