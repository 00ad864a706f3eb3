"""Is what ``profile`` says of a node what a stopwatch says? ``python -m benchmarks.profile`` prints both.

The step of the digits network, and that of (4096, 784, 1024), on NumPy. In turns, in one process, a few rounds each: a
profile, and the step once more, call by call, written out here with a look at the clock around each call: of a node's
rule, and of the sums over broadcast axes that follow on it. A ratio is paired by turn, with its interval of 95 %.
"""

import argparse
import os
from statistics import median
from time import perf_counter

import numpy as np

from benchmarks.digits_model import build
from miniflow_xp import SGD, Trainer, get_backend, profile, use_backend
from miniflow_xp.node import products, thunks_of
from miniflow_xp.programs.bench.networks import sigmoids
from miniflow_xp.programs.bench.peers.problem import RATE, Problem
from miniflow_xp.programs.bench.statistics import paired_ratio
from miniflow_xp.programs.profile.figures import estimate
from miniflow_xp.programs.profile.notes import part_of, spell

SIZE = (4096, 784, 1024)
NODES = 3  # of the network, from its inputs on: they are timed by hand


def digits():
    """The trainer and the feed of the digits network, 64 rows."""
    cost, feed = build(64)
    return Trainer(cost, SGD(RATE)), feed


def large(size=SIZE):
    """Those of the peers' network."""
    problem = Problem.of(*size)
    network = sigmoids(list(zip(problem.weights, problem.biases, strict=True)))
    return Trainer(network.cost, SGD(RATE)), {network.X: problem.X, network.y: problem.y}


def by_hand(trainer, leaves):
    """{(node, direction): seconds} of one step, each call between two looks at the clock."""
    xp, graph, seconds, values = get_backend().xp, trainer.graph, {}, dict(leaves)
    for node in graph.forward:
        inputs = [values[m] for m in node.inbound_nodes]
        start = perf_counter()
        values[node] = node.compute(xp, *inputs)
        seconds[node, "forward"] = perf_counter() - start
    gradients = {trainer.cost: xp.ones_like(values[trainer.cost])}
    for node in graph.backward:
        inputs, gradient = [values[m] for m in node.inbound_nodes], gradients.pop(node)
        start = perf_counter()
        found = products(node, xp, thunks_of(node, xp, gradient, values[node], inputs), inputs, graph.depends)
        seconds[node, "backward"] = perf_counter() - start
        gradients |= found
    updated(trainer.parameters, leaves, gradients)
    return seconds


def updated(parameters, leaves, gradients):
    """The parameters after the update, which comes between one step's calls and the next one's."""
    theta, gradient = (np.concatenate([np.ravel(of[p]) for p in parameters]) for of in (leaves, gradients))
    return theta - RATE * gradient


def end_to_end(parameters):
    """{parameter: its value}, as a Trainer on NumPy keeps them: in one array, which their alignment depends on."""
    flat, found = np.concatenate([np.ravel(p.value) for p in parameters]), {}
    for parameter in parameters:
        size = parameter.value.size
        found[parameter], flat = flat[:size].reshape(parameter.value.shape), flat[size:]
    return found


def beside(trainer, feed, turns, rounds):
    """The last profile; for each node's direction its seconds, a turn each, by the profile and by hand."""
    nodes = list(trainer.graph.forward)[:NODES]
    keys = [(node, direction) for node in nodes for direction in ("forward", "backward")]
    ours, hand = {key: [] for key in keys}, {key: [] for key in keys}
    for _ in range(turns):
        found = profile(trainer, feed, rounds=rounds, budget=2.0)
        calls = max(rounds, min(200, int(0.05 / median(found.plain))))
        leaves = {**feed, **end_to_end(trainer.parameters)}
        steps = [by_hand(trainer, leaves) for _ in range(calls)]
        for node, direction in keys:
            ours[node, direction].append(median(found.row(node).parts[direction].samples))
            hand[node, direction].append(median(step[node, direction] for step in steps))
    return found, ours, hand


def show(name, found, ours, hand):
    """Print the comparison; returns the ratios."""
    print(f"\n{name}: a plain step takes {spell(estimate(found.plain))}")
    print(f"{'':34}{'profile':>22}{'by hand':>22}  profile / by hand")
    ratios = {}
    for (node, direction), seconds in ours.items():
        ratio = ratios[str(node), direction] = paired_ratio(seconds, hand[node, direction])
        times = f"{spell(estimate(seconds)):>22}{spell(estimate(hand[node, direction])):>22}"
        print(f"{f'{node}, {direction}':34}{times}  {part_of(ratio)}")
    off = max(abs(ratio.estimate - 1) for ratio in ratios.values())
    print(f"farthest from the hand's: {100 * off:.1f} %")
    print(*found.notes[:2], sep="\n")
    return ratios


def main(turns=7, rounds=9, size=SIZE):
    """Measure and print; returns {case: ratios}."""
    print(f"load of the machine: {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")
    with use_backend("numpy"):
        cases = {"digits, 64 rows": digits(), str(size): large(size)}
        found = {
            name: show(name, *beside(*case, turns, rounds if n == 0 else 3))
            for n, (name, case) in enumerate(cases.items())
        }
    print(f"\nload of the machine: {os.getloadavg()[0]:.1f}")
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=7, help="usual: 7")
    parser.add_argument("--rounds", type=int, default=9, help="of a profile in a turn; usual: 9")
    parser.add_argument("--size", type=lambda text: tuple(map(int, text.split(","))), default=SIZE, help="n,d,h")
    main(**vars(parser.parse_args()))
