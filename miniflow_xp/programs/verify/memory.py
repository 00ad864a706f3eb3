"""Checks of memory: flat over many steps, a clear error where it is full, and the fallback to eager steps."""

import warnings
from typing import Any
from unittest.mock import patch

import cupy
import numpy as np

from miniflow_xp.backend import Backend
from miniflow_xp.backends.cupy import gpu
from miniflow_xp.engine.optim import SGD
from miniflow_xp.engine.program import Program
from miniflow_xp.engine.trainer import Trainer
from miniflow_xp.node import Input
from miniflow_xp.ops import MatMul
from miniflow_xp.programs.bench.networks import random_batch
from miniflow_xp.programs.verify.networks import Eager, mlp
from miniflow_xp.programs.verify.report import Figures, expect
from miniflow_xp.programs.verify.results import error
from miniflow_xp.switch import use_backend

STEPS = 1000
OTHERS = 8 << 20  # bytes: CUDA and other processes take and free some, in pieces of 2 MiB


def check_memory_is_flat(backend: Backend, figures: Figures) -> None:
    """9: pools hold no more after 1,000 steps than after 10, eager and captured, and the device hardly more."""
    for name, one in (("captured", backend), ("eager", Eager(backend.device))):
        with use_backend(one):
            rng, network = np.random.default_rng(8), mlp(64, 64, "float32")
            trainer = Trainer(network.cost, SGD(0.1))
            feed = random_batch(network, rng, 64, "float32")
            for _ in range(10):
                trainer.step(feed)
            one.synchronize()
            before = bytes_taken(trainer)
            for _ in range(STEPS - 10):
                trainer.step(feed)
            one.synchronize()
            grown = [after - b for after, b in zip(bytes_taken(trainer), before, strict=True)]
        figures[f"{name}: growth of pool, private pool, device in bytes"] = grown
        *pools, device = grown
        expect(max(pools) <= 0, f"{name}: the pools grow")
        expect(device <= OTHERS, f"{name}: the memory of the device grows by more than {OTHERS} bytes")


def bytes_taken(trainer: Trainer) -> list[int]:
    """Bytes of CuPy's pool, of the graph's own pool, and in use on the device."""
    free, total = cupy.cuda.runtime.memGetInfo()
    pool = getattr(trainer._captured, "_pool", None)  # noqa: SLF001  it is what is checked
    return [cupy.get_default_memory_pool().total_bytes(), pool.total_bytes() if pool else 0, total - free]


def check_failures(backend: Backend, figures: Figures) -> None:
    """13: out of memory is a MemoryError, and the next step works; a failed capture gives eager, correct steps."""
    with use_backend(backend):
        a, b = Input("a"), Input("b")
        side = int((cupy.cuda.runtime.memGetInfo()[1] / 4) ** 0.5 * 1.1)
        try:
            Program(MatMul(a, b))({a: cupy.ones((side, 2), "float32"), b: cupy.ones((2, side), "float32")})
        except MemoryError as full:
            figures["out of memory"] = str(full)
        expect("out of memory" in figures, "a product larger than the device raised no MemoryError")
        expect(train(backend)[0] is not None, "the step after it does not run")
    reference = train(Eager(backend.device))[1]
    real = gpu.Gpu.launch

    def refuse(self: Any, *arguments: Any) -> None:
        if cupy.cuda.get_current_stream().is_capturing():
            raise RuntimeError("refused by this check")
        real(self, *arguments)

    with patch.object(gpu.Gpu, "launch", refuse), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        how, found = train(backend)
    figures["after a failed capture"] = off = error(found, reference)
    figures["how"] = how
    expect(bool(caught) and "refused by this check" in how, "a failed capture is not told")
    expect(off < 1e-12, "after a failed capture steps are wrong")


def train(backend: Backend) -> tuple[str, Any]:
    """What the capture did, and a parameter after five steps."""
    with use_backend(backend):
        rng, network = np.random.default_rng(9), mlp(16, 16, "float64")
        trainer = Trainer(network.cost, SGD(0.1))
        for _ in range(5):
            trainer.step(random_batch(network, rng, 8, "float64"))
        return trainer.explain(), backend.to_numpy(network.parameters[0].value)
