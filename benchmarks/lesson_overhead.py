"""What a small pass takes beside the lesson's own: ``python -m benchmarks.lesson_overhead`` prints the ratios.

The lesson's network, two rows, Linear, Sigmoid and MSE, with every gradient, on NumPy: by ``forward_and_backward``; by
our rules alone, which nothing can be quicker than that calls them; and by nodes in the manner of the lesson. In turns,
in one process; the least time of many counts, as a busy machine only ever adds.
"""

import argparse
import time

import numpy as np

from miniflow_xp import MSE, Input, Linear, Sigmoid, forward_and_backward, get_backend, topological_sort, use_backend
from miniflow_xp.programs.bench.peers.lesson import Affine, Cell, SquaredError, Squash

FEED = X, y, W, b = [np.array(rows) for rows in ([[-1.0, -2.0]] * 2, [[1.0], [2.0]], [[2.0], [3.0]], [-3.0])]
PASSES = 10  # between two looks at the clock


def by_our_functions():
    """A pass as the README shows it."""
    leaves = [Input() for _ in FEED]
    MSE(leaves[1], Sigmoid(Linear(leaves[0], *leaves[2:])))
    graph = topological_sort(dict(zip(leaves, FEED, strict=True)))
    return lambda: forward_and_backward(graph)


def by_our_rules():
    """The same calls of ``compute`` and ``vjp``, and nothing between them."""
    leaves = [Input() for _ in FEED]
    linear, sigmoid, cost = Linear(leaves[0], *leaves[2:]), Sigmoid(leaves[0]), MSE(leaves[1], leaves[0])
    xp = get_backend().xp

    def step():
        f = linear.compute(xp, X, W, b)
        a = sigmoid.compute(xp, f)
        value = cost.compute(xp, y, a)
        of_y, of_a = cost.vjp(xp, xp.ones_like(value), value, y, a)
        (of_f,) = sigmoid.vjp(xp, of_a(), a, f)
        of_X, of_W, of_b = linear.vjp(xp, of_f(), f, X, W, b)
        return of_y(), of_X(), of_W(), xp.sum(of_b(), axis=0)

    return step


def in_the_manner_of_the_lesson():
    """A pass over the benchmark's own cells."""
    leaves = [Cell() for _ in FEED]
    for leaf, value in zip(leaves, FEED, strict=True):
        leaf.value = value
    linear = Affine(leaves[0], *leaves[2:])
    sigmoid = Squash(linear)
    graph = [*leaves, linear, sigmoid, SquaredError(leaves[1], sigmoid)]

    def step():
        for cell in graph:
            cell.forward()
        for cell in reversed(graph):
            cell.backward()

    return step


def least_times(steps, rounds):
    """{name: least seconds a pass}, all in turns."""
    least = dict.fromkeys(steps, float("inf"))
    for _ in range(rounds):
        for name, step in steps.items():
            start = time.perf_counter()
            for _ in range(PASSES):
                step()
            least[name] = min(least[name], (time.perf_counter() - start) / PASSES)
    return least


def main(rounds=500):
    """Measure and print; returns {name: ratio to the lesson's}."""
    with use_backend("numpy"):
        steps = {
            "our functions": by_our_functions(),
            "our rules alone": by_our_rules(),
            "the lesson's manner": in_the_manner_of_the_lesson(),
        }
        times = least_times(steps, rounds)
    ratios = {name: seconds / times["the lesson's manner"] for name, seconds in times.items()}
    for name, ratio in ratios.items():
        print(f"{name:20} {1e6 * times[name]:6.1f} µs a pass  {ratio:.2f} times the lesson's")
    return ratios


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Time of a small pass of the lesson's functions.")
    parser.add_argument("--rounds", type=int, default=500)
    main(parser.parse_args().rounds)
