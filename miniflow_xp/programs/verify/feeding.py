"""The check of feeding from the host while the device computes."""

import time
from typing import Any

import numpy as np

from miniflow_xp.backend import Backend
from miniflow_xp.engine.optim import SGD
from miniflow_xp.engine.trainer import Trainer
from miniflow_xp.programs.bench.gpu_time import batch, spin, synchronize
from miniflow_xp.programs.verify.networks import mlp
from miniflow_xp.programs.verify.report import Figures, expect
from miniflow_xp.switch import use_backend
from miniflow_xp.training.batches import Batches
from miniflow_xp.training.prefetch import prefetched

ROWS, INPUTS = 16384, 784  # of a batch: 51 MB in float32
SPIN = 50.0  # milliseconds
LARGE = 1 << 29  # bytes of a copy that takes about 10 ms


def check_prefetch(backend: Backend, figures: Figures) -> None:
    """14: prefetched feeding gives the costs of plain feeding, bit for bit; a copy runs beside a kernel."""
    rng = np.random.default_rng(10)
    images = rng.integers(0, 256, (4 * ROWS, INPUTS), dtype=np.uint8)
    y = rng.standard_normal((len(images), 1), dtype=np.float32)
    for name, X in (("uint8", images), ("float32", images / np.float32(255))):
        compare_feeding(backend, name, X, y, ROWS, figures)
    overlap(backend, figures)


def compare_feeding(backend: Backend, name: str, X: Any, y: Any, rows: int, figures: Figures, epochs: int = 10) -> None:
    """Train with plain, prefetched and again plain feeding, which shows the spread; the costs must be the same."""
    runs = [train_from_host(backend, X, y, rows, epochs, ahead) for ahead in (False, True, False)]
    figures[f"{name}, ms a step: plain, prefetched, plain again"] = [round(seconds * 1e3, 3) for _, seconds in runs]
    (first, _), (ahead, _), (again, _) = runs
    expect(first == again, f"{name}: plain feeding gives other costs the second time")
    expect(first == ahead, f"{name}: prefetched feeding gives other costs than plain feeding")


def train_from_host(backend: Backend, X: Any, y: Any, rows: int, epochs: int, ahead: bool) -> tuple[list[float], float]:
    """(costs, seconds a step) of a training on shuffled rows in host memory; the first epoch is not timed."""
    with use_backend(backend):
        network = mlp(X.shape[1], 512, "float32")
        trainer, batches = Trainer(network.cost, SGD(0.01)), Batches(X, y, batch_size=rows)
        feeds = ({network.X: b.X, network.y: b.y} for epoch in range(epochs) for b in batches.epoch(epoch))
        costs, start = [], 0.0
        for number, feed in enumerate(prefetched(feeds) if ahead else feeds):
            if number == len(batches):
                backend.synchronize()
                start = time.perf_counter()
            costs.append(trainer.step(feed))
        backend.synchronize()
        took = (time.perf_counter() - start) / (len(costs) - len(batches))
        return [float(backend.to_numpy(cost)) for cost in costs], took


def overlap(backend: Backend, figures: Figures) -> None:
    """Time a copy, a kernel, and both begun together, which must take less than one after the other."""
    uploader = backend.uploader(1)
    expect(uploader is not None, "this backend has no uploader")
    assert uploader is not None
    host = np.ones(LARGE // 4, np.float32)

    def begin() -> float:
        """Begin a copy; the time then."""
        synchronize()
        begun.append(uploader.start([host], ["float32"]))
        return time.perf_counter()

    begun: list[Any] = []
    begin()  # memory is taken, the kernel compiled
    batch(lambda: spin(SPIN), 1)
    uploader.close()
    kernel = batch(lambda: spin(SPIN), 1) * 1e3
    start = begin()
    uploader.close()
    copy = (time.perf_counter() - start) * 1e3
    start = begin()
    spin(SPIN)
    uploader.finish(begun[-1])
    synchronize()
    both = (time.perf_counter() - start) * 1e3
    uploader.close()
    figures["copy, kernel, both, ms"] = [copy, kernel, both]
    expect(both < kernel + copy / 2, "a copy does not run beside a kernel")
