"""Peers side by side, interleaved; in ordinary test runs each contestant takes a few steps, and all must agree."""

import importlib.util
from importlib import import_module

import pytest

from benchmarks.peers import check_agreement, measure
from benchmarks.problem import SIZES, Problem
from benchmarks.test_scaling import Clock
from benchmarks.workers import MODULES, Worker

SMALL = (32, 8, 16)


def test_all_contestants_compute_the_same():
    costs = {}
    for library in MODULES:
        try:
            found = import_module(MODULES[library]).CONTESTANTS
        except ImportError:
            continue
        for name, make in found.items():
            if name != "torch.compile":  # takes a compiler and a minute
                step = make(Problem.of(*SMALL))
                costs[name] = [step() for _ in range(10)]
    check_agreement(costs, SMALL)


TIMED = {"{},{},{}".format(*size): size for size in SIZES[:4]}
ROUNDS = 7
NAMES = (
    ("numpy", "ours, numpy", "by hand, numpy", "lesson", "products"),
    ("torch", "ours, torch", "autograd, torch", "by hand, torch"),
    ("jax", "ours, jax", "jit, jax"),
)


@pytest.fixture(scope="session")
def workers(request):
    """One process for each library that is installed."""
    if not request.config.getoption("benchmark_only"):
        pytest.skip("nothing is timed in an ordinary test run: use --benchmark-only")
    found = [Worker(library) for library in MODULES if importlib.util.find_spec(library)]
    yield found
    for worker in found:
        worker.close()


@pytest.fixture(scope="session")
def times(workers):
    """{size: {contestant: seconds a step in each round}}, measured interleaved when first asked for."""
    names = [name for worker in workers for name in worker.names if name != "torch.compile"]
    found = {}

    def at(size):
        if size not in found:
            found[size] = measure(workers, TIMED[size], names, ROUNDS)["times"]
        return found[size]

    return at


clock = Clock()


@pytest.mark.benchmark(timer=clock)
@pytest.mark.parametrize("size", TIMED)
@pytest.mark.parametrize("name", [name for _, *names in NAMES for name in names])
def test_peers(benchmark, times, name, size):
    measured = times(size)
    if name not in measured:
        pytest.skip(f"the library of {name!r} is not installed")
    samples = iter(measured[name])

    def replay():
        clock.now += next(samples)

    benchmark.group = f"peers, {size}"
    benchmark.pedantic(replay, rounds=ROUNDS)
