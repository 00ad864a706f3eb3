"""Is what ``profile`` says of a node what a stopwatch says? ``python -m benchmarks.profile`` prints both.

The step of the digits network, and that of (4096, 784, 1024), on NumPy. In turns, in one process: the pass that
``profile`` times, and the step once more, call by call, written out here with a look at the clock around each call: of
a node's rule, and of the sums over broadcast axes that follow on it. What a look takes is taken off. A ratio is paired
by round, with its interval of 95 %.
"""

import argparse
import os
from math import inf
from random import Random
from statistics import median
from time import perf_counter

import numpy as np

from benchmarks.digits_model import build
from miniflow_xp import SGD, Trainer, get_backend, profile, use_backend
from miniflow_xp.node import products, thunks_of
from miniflow_xp.programs.bench.networks import sigmoids
from miniflow_xp.programs.bench.peers.problem import RATE, Problem
from miniflow_xp.programs.bench.scheduler import Group, calls_for, interleave
from miniflow_xp.programs.bench.statistics import paired_ratio
from miniflow_xp.programs.profile.figures import estimate
from miniflow_xp.programs.profile.graphs import graph_subject
from miniflow_xp.programs.profile.laps import clock_overhead, stopwatch
from miniflow_xp.programs.profile.measuring import LEAST_ROUNDS, SLICE_S, Walk, rows_of
from miniflow_xp.programs.profile.notes import part_of, spell

SIZE = (4096, 784, 1024)
FEW = 16  # rounds of the large step
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
        inputs, value, gradient = [values[m] for m in node.inbound_nodes], values[node], gradients.pop(node)
        for m in graph.backward[node]:  # what nobody reads later goes, as in the step: its memory is used again
            del values[m]
        start = perf_counter()
        found = products(node, xp, thunks_of(node, xp, gradient, value, inputs), inputs, graph.depends)
        seconds[node, "backward"] = perf_counter() - start
        gradients |= found
    updated(trainer.parameters, leaves, gradients)
    look = median(-(perf_counter() - perf_counter()) for _ in range(32))
    return {key: time - look for key, time in seconds.items()}


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


class ByHand:
    """What is timed by hand; ``rounds``: for each sample the median seconds of each call."""

    name = "by hand"

    def __init__(self, trainer, feed):
        self.trainer, self.leaves = trainer, {**feed, **end_to_end(trainer.parameters)}
        self.calls, self.rounds = 1, []

    def sample(self):
        steps = [by_hand(self.trainer, self.leaves) for _ in range(self.calls)]
        self.rounds.append({key: median(step[key] for step in steps) for key in steps[0]})
        return sum(self.rounds[-1].values())


def beside(trainer, feed, rounds):
    """{(node, direction): (seconds by the profile, by hand)}, a round each."""
    subject, watch = graph_subject(trainer, feed), stopwatch(get_backend())
    walk, hand = Walk("profile", subject, watch), ByHand(trainer, feed)
    calls = calls_for(max(one.sample() for one in (walk, hand) for _ in range(2)), SLICE_S)
    walk.rounds, hand.rounds, walk.calls, hand.calls = [], [], calls, calls
    interleave([Group("step", [walk, hand])], rounds, inf, Random(0))
    rows = {row.place.node: row for row in rows_of(subject.steps, walk, clock_overhead(watch, None))}
    return {
        (node, direction): (rows[node].parts[direction].samples, [seconds[node, direction] for seconds in hand.rounds])
        for node in list(trainer.graph.forward)[:NODES]
        for direction in ("forward", "backward")
    }


def show(name, found):
    """Print the comparison; returns the ratios."""
    print(f"\n{name}\n{'':34}{'profile':>24}{'by hand':>24}  profile / by hand")
    ratios = {}
    for (node, direction), times in found.items():
        ratio = ratios[str(node), direction] = paired_ratio(*times)
        ours, hand = (spell(estimate(seconds)) for seconds in times)
        print(f"{f'{node}, {direction}':34}{ours:>24}{hand:>24}  {part_of(ratio)}", flush=True)
    print(f"farthest from the hand's: {100 * max(abs(ratio.estimate - 1) for ratio in ratios.values()):.1f} %")
    return ratios


def main(rounds=40, size=SIZE):
    """Measure and print; returns {case: ratios}."""
    print(f"load of the machine: {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")
    found = {}
    with use_backend("numpy"):
        for name, case in (("digits, 64 rows", digits()), (str(size), large(size))):
            found[name] = show(name, beside(*case, rounds))
            print(profile(*case, rounds=LEAST_ROUNDS * 2, budget=60).notes[0])
            rounds = min(rounds, FEW)
    print(f"\nload of the machine: {os.getloadavg()[0]:.1f}")
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=40, help=f"usual: 40; of the large step at most {FEW}")
    parser.add_argument("--size", type=lambda text: tuple(map(int, text.split(","))), default=SIZE, help="n,d,h")
    main(**vars(parser.parse_args()))
