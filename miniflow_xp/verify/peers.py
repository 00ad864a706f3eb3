"""Check 15: one step beside its peers on the same GPU, each measured twice for the spread."""

import os
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias
from unittest.mock import patch

import cupy
import numpy as np

from miniflow_xp.backend import Backend
from miniflow_xp.backends import precision
from miniflow_xp.optim import SGD
from miniflow_xp.switch import load, use_backend
from miniflow_xp.trainer import Trainer
from miniflow_xp.verify.networks import Eager, Network, mlp
from miniflow_xp.verify.others import jax_step, torch_compiled_step, torch_step
from miniflow_xp.verify.report import expect
from miniflow_xp.verify.timing import seconds, synchronize

SMALL, LARGE = (64, 784, 256), (65536, 1024, 4096)
SIZES = (SMALL, (4096, 784, 1024), LARGE)  # rows, inputs, hidden
PRECISIONS = ("float32", "tf32", "float16")
RATE = 0.01

Step: TypeAlias = Callable[[], Any]
Make: TypeAlias = Callable[[Network, dict[Any, Any], bool], tuple[Step, Step]]
"""``make(network, feed, tf32) -> (a step, what waits for it)``; ImportError where the peer is not there."""


def check_peers(backend: Backend) -> dict[str, Any]:
    """15: three sizes: ours, captured and eager, torch, torch.compile and JAX in float32; ours and torch in the others.

    Claimed: at the smallest, 5 times naive CuPy's speed and at least torch.compile's; at the largest, torch's time
    times 1.15 at most, at equal precision.
    """
    figures: dict[str, Any] = {}
    wrong: list[str] = []
    for kind in PRECISIONS:
        for size in SIZES:
            times = dict(measured(backend, kind, size))
            where = f"{kind} {size}"
            figures[f"{where}, µs"] = {name: [round(t, 1) for t in found] for name, found in times.items()}
            wrong += misses(where, {name: min(found) for name, found in times.items()}, kind, size)
    expect(not wrong, "; ".join(wrong), figures)
    return figures


def misses(where: str, times: dict[str, float], kind: str, size: tuple[int, ...]) -> list[str]:
    """Which of the claims these times do not bear out."""
    ratios = {name: time / times["captured"] for name, time in times.items()}
    found = []
    if size == SMALL and kind == "float32":
        if ratios["naive CuPy"] < 5:
            found.append(f"{where}: {ratios['naive CuPy']:.2f} times naive CuPy's speed, not 5")
        if ratios.get("torch.compile", 1) < 1:
            found.append(f"{where}: {ratios['torch.compile']:.2f} times torch.compile's speed, not 1")
    if size == LARGE and ratios.get("torch eager", 1) < 1 / 1.15:
        found.append(f"{where}: {ratios['torch eager']:.2f} times torch's speed, not 1 / 1.15")
    return found


def measured(backend: Backend, kind: str, size: tuple[int, int, int]) -> Iterator[tuple[str, list[float]]]:
    """(name, microseconds twice) of each peer that is installed; its memory is freed before the next."""
    rows, inputs, hidden = size
    tf32, dtype = kind == "tf32", "float32" if kind == "tf32" else kind
    for name, make in peers(backend, kind, rows).items():
        network = mlp(inputs, hidden, dtype)
        feed = network.feed(np.random.default_rng(11), rows, dtype)
        with patch.dict(os.environ, {precision.NAME: "tf32" if tf32 else "fp32"}):
            try:
                step, finish = make(network, feed, tf32)
            except ImportError:
                continue
            yield name, [seconds(step, 3 if rows > 4096 else 7, finish) * 1e6 for _ in range(2)]
        del step, finish, network
        cupy.get_default_memory_pool().free_all_blocks()


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
