"""Checks of memory: flat over many steps, a clear error where it is full, and the fallback to eager steps."""

import warnings
from typing import Any
from unittest.mock import patch

import cupy
import numpy as np

from miniflow_xp.backend import Backend
from miniflow_xp.backends.cupy_graph import gpu
from miniflow_xp.node import Input
from miniflow_xp.ops import MatMul
from miniflow_xp.optim import SGD
from miniflow_xp.program import Program
from miniflow_xp.switch import use_backend
from miniflow_xp.trainer import Trainer
from miniflow_xp.verify.networks import Eager, mlp
from miniflow_xp.verify.report import expect
from miniflow_xp.verify.results import error

STEPS = 1000


def check_memory_is_flat(backend: Backend) -> dict[str, Any]:
    """9: pools and the device hold no more after 1,000 steps than after 10, eager and captured."""
    figures: dict[str, Any] = {}
    for name, one in (("captured", backend), ("eager", Eager(backend.device))):
        with use_backend(one):
            rng, network = np.random.default_rng(8), mlp(64, 64, "float32")
            trainer = Trainer(network.cost, SGD(0.1))
            feed = network.feed(rng, 64, "float32")
            for _ in range(10):
                trainer.step(feed)
            one.synchronize()
            before = held(trainer)
            for _ in range(STEPS - 10):
                trainer.step(feed)
            one.synchronize()
            grown = [after - b for after, b in zip(held(trainer), before, strict=True)]
        figures[f"{name}: growth of pool, private pool, device in bytes"] = grown
        expect(max(grown) <= 0, f"{name}: memory grows", figures)
    return figures


def held(trainer: Trainer) -> list[int]:
    """Bytes of CuPy's pool, of the graph's own pool, and in use on the device."""
    free, total = cupy.cuda.runtime.memGetInfo()
    pool = getattr(trainer._captured, "_pool", None)  # noqa: SLF001  it is what is checked
    return [cupy.get_default_memory_pool().total_bytes(), pool.total_bytes() if pool else 0, total - free]


def check_failures(backend: Backend) -> dict[str, Any]:
    """13: out of memory is a MemoryError, and the next step works; a failed capture gives eager, correct steps."""
    with use_backend(backend):
        a, b = Input("a"), Input("b")
        side = int((cupy.cuda.runtime.memGetInfo()[1] / 4) ** 0.5 * 1.1)
        try:
            Program(MatMul(a, b))({a: cupy.ones((side, 2), "float32"), b: cupy.ones((2, side), "float32")})
        except MemoryError as full:
            text = str(full)
        else:
            text = ""
        expect(bool(text), "a product larger than the device raised no MemoryError")
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
    figures: dict[str, Any] = {"out of memory": text, "after a failed capture": error(found, reference), "how": how}
    expect(bool(caught) and "refused by this check" in how, "a failed capture is not told", figures)
    expect(figures["after a failed capture"] < 1e-12, "after a failed capture steps are wrong", figures)
    return figures


def train(backend: Backend) -> tuple[str, Any]:
    """What the capture did, and a parameter after five steps."""
    with use_backend(backend):
        rng, network = np.random.default_rng(9), mlp(16, 16, "float64")
        trainer = Trainer(network.cost, SGD(0.1))
        for _ in range(5):
            trainer.step(network.feed(rng, 8, "float64"))
        return trainer.explain(), backend.to_numpy(network.parameters[0].value)
