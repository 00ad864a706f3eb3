"""Checks of captured steps: what they read, what they leave alone, what they wait for."""

import time
from collections.abc import Sequence
from typing import Any

import cupy
import numpy as np

from miniflow_xp.backend import Backend
from miniflow_xp.engine.optim import SGD
from miniflow_xp.engine.program import Program
from miniflow_xp.engine.trainer import Trainer
from miniflow_xp.programs.bench.gpu_time import spin
from miniflow_xp.programs.bench.networks import random_batch
from miniflow_xp.programs.network import Network
from miniflow_xp.programs.verify.networks import Eager, mlp
from miniflow_xp.programs.verify.report import Figures, expect
from miniflow_xp.programs.verify.results import error
from miniflow_xp.switch import use_backend

DTYPE = "float64"


def check_inputs_are_seen(backend: Backend, figures: Figures) -> None:
    """6: inputs from the host, from the device, strided, and changed in place; a changed learning rate."""
    rng, network = np.random.default_rng(4), mlp(16, 32, DTYPE)
    with use_backend(Eager(backend.device)):
        plain = Program(network.cost)
    reused = cupy.empty((8, 16))
    with use_backend(backend):
        program = Program(network.cost)
        for way in ("host", "device", "strided", "changed in place"):
            feed = random_batch(network, rng, 8, DTYPE)
            given = {network.y: cupy.asarray(feed[network.y]), network.X: cupy.asarray(feed[network.X])}
            if way == "host":
                given = feed
            elif way == "strided":
                given[network.X] = cupy.asfortranarray(given[network.X])
            elif way == "changed in place":
                reused[...] = given[network.X]
                given[network.X] = reused
            found = program(given).values
            with use_backend(Eager(backend.device)):
                figures[way] = off = error(found, cupy.asnumpy(plain(feed).values))
            expect(off < 1e-12, f"a captured step did not see its input: {way}")
        figures["learning rate"] = learning_rate_is_seen(network, rng)


def learning_rate_is_seen(network: Network, rng: np.random.Generator) -> str:
    """A learning rate of next to nothing leaves the parameters, another one moves them; nothing is captured anew."""
    trainer = Trainer(network.cost, SGD(0.1))
    feed = random_batch(network, rng, 8, DTYPE)
    trainer.step(feed)
    graph, before = trainer._captured, cupy.asnumpy(network.parameters[0].value)  # noqa: SLF001
    trainer.learning_rate = 1e-300
    trainer.step(feed)
    still = cupy.asnumpy(network.parameters[0].value)
    trainer.learning_rate = 0.1
    trainer.step(feed)
    moved = cupy.asnumpy(network.parameters[0].value)
    expect(np.array_equal(before, still) and not np.array_equal(still, moved), "the learning rate is frozen")
    expect(graph is trainer._captured, "a new learning rate is captured anew")  # noqa: SLF001
    return "takes effect"


def check_results_are_kept(backend: Backend, figures: Figures) -> None:
    """7: results stay while the graph runs on other inputs, and it neither reads nor writes memory that others take."""
    rng, network = np.random.default_rng(5), mlp(64, 64, "float32")
    with use_backend(backend):
        program = Program(network.cost, network.parameters)
        feed = random_batch(network, rng, 64, "float32")
        first = program(feed)
        arrays = [first.values, *first.gradients.values()]
        figures["arrays"] = len(arrays)
        kept = [cupy.asnumpy(a) for a in arrays]
        for _ in range(20):
            program(random_batch(network, rng, 64, "float32"))
        expect(same(arrays, kept), "a result was overwritten")
        held = foreign([*arrays, *feed.values()])
        again = program(feed)
    expect(same([again.values, *again.gradients.values()], kept), "the graph reads memory that is not its own")
    expect(all(bool(cupy.isnan(a).all()) for a in held), "the graph writes into memory that is not its own")
    figures["arrays of others"] = len(held)


def foreign(arrays: Sequence[Any], count: int = 30) -> list[Any]:
    """Arrays of NaN, so many of each of these sizes, where there were arrays of these sizes before.

    CuPy's pool keeps what was freed on another stream, such as the one of the capture, for that stream. So it gives all
    back to the device, which hands the same addresses out again.
    """
    cupy.get_default_memory_pool().free_all_blocks()
    return [cupy.full(size, np.nan, "float32") for size in {a.size for a in arrays} for _ in range(count)]


def same(arrays: Sequence[Any], expected: Sequence[Any]) -> bool:
    """Do they hold the same numbers?"""
    return all(np.array_equal(cupy.asnumpy(a), e) for a, e in zip(arrays, expected, strict=True))


def check_nothing_waits(backend: Backend, figures: Figures) -> None:
    """8: while the stream is busy for 400 ms, the host returns from a step in less than 200."""
    rng, network = np.random.default_rng(6), mlp(64, 64, "float32")
    with use_backend(backend):
        trainer = Trainer(network.cost, SGD(0.1))
        feeds = {"device": {n: cupy.asarray(a) for n, a in random_batch(network, rng, 64, "float32").items()}}
        feeds["host"] = random_batch(network, rng, 64, "float32")
        for name, feed in feeds.items():
            for _ in range(3):
                trainer.step(feed)
                spin(0.01)
            backend.synchronize()
            start = time.perf_counter()
            spin(400)
            trainer.step(feed)
            returned = time.perf_counter()
            backend.synchronize()
            figures[f"host, {name} feed, ms"] = (returned - start) * 1e3
            figures[f"all, {name} feed, ms"] = (time.perf_counter() - start) * 1e3
            expect(figures[f"all, {name} feed, ms"] > 360, "the stream was not busy")
            expect(figures[f"host, {name} feed, ms"] < 200, f"a step waits for the device ({name} feed)")


def check_streams(backend: Backend, figures: Figures) -> None:
    """10: two graphs on two streams, and one graph on two streams in turn, equal one after the other."""

    def train(streams: list[Any], shared: bool) -> list[Any]:
        networks = [mlp(64, 128, DTYPE, seed) for seed in range(1 if shared else 2)]
        trainers = [Trainer(n.cost, SGD(0.1)) for n in networks]
        rng = np.random.default_rng(7)
        batches = [[random_batch(network, rng, 64, DTYPE) for network in networks] for _ in range(30)]
        backend.synchronize()  # nothing comes from the host between the steps, which would wait for a stream
        for step, feeds in enumerate(batches):
            for n, (feed, trainer) in enumerate(zip(feeds, trainers, strict=True)):
                with streams[(step if shared else n) % 2]:
                    trainer.step(feed)
        backend.synchronize()
        return [backend.to_numpy(p.value) for network in networks for p in network.parameters]

    with use_backend(backend):
        null, two = cupy.cuda.Stream.null, [cupy.cuda.Stream(non_blocking=True) for _ in range(2)]
        for shared in (False, True):
            pairs = zip(train([null, null], shared), train(two, shared), strict=True)
            figures["one graph" if shared else "two graphs"] = max(error(a, b) for a, b in pairs)
    expect(max(figures.values()) < 1e-12, "streams do not wait for each other")
