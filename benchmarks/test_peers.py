"""Peers as a pytest-benchmark suite; in ordinary test runs each contestant takes a step, and all must agree."""

from importlib import import_module

import pytest

from benchmarks.peers import check_agreement
from benchmarks.problem import SIZES, Problem
from benchmarks.workers import MODULES

SMALL = (32, 8, 16)


def contestants(library):
    pytest.importorskip(library)
    return import_module(MODULES[library]).CONTESTANTS


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


@pytest.mark.parametrize("size", [f"{n},{d},{h}" for n, d, h in SIZES[:5]])
@pytest.mark.parametrize("library", list(MODULES))
def test_our_step(benchmark, library, size):
    step = contestants(library)[f"ours, {library}"](Problem.of(*map(int, size.split(","))))
    benchmark.group = size
    benchmark.pedantic(step, rounds=30, iterations=3, warmup_rounds=5)
