"""The programs of this folder, unmodified: gradients and times beside those of HIPS/autograd and JAX.

``python examples/numpy_code/compare.py`` prints a table; what is not installed is left out. The contenders of a program
take turns, round after round, and the shortest time of each is shown: what else the machine does only adds to it.
"""

import importlib.util
import os
import platform
import sys
import time
from pathlib import Path

import numpy as np

import miniflow_xp as mf
from miniflow_xp.transforms.trees import flatten, tree_map

FOLDER = Path(__file__).resolve().parent
NAMES = ("logistic_regression", "recurrent_network", "kepler", "mixture", "deblurring")


def program(name, module=np):
    """A program, as it stands; ``module``: what its name ``np`` means."""
    spec = importlib.util.spec_from_file_location(f"numpy_code_{name}", FOLDER / f"{name}.py")
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    found.np = module
    return found


def contenders(name):
    """{who: a function of the problem that gives value and gradient, in NumPy's arrays}."""
    found = {
        "ours": mf.value_and_grad(program(name).loss),
        "ours, jit": mf.jit(mf.value_and_grad(program(name).loss)),
    }
    if importlib.util.find_spec("autograd"):
        import autograd
        import autograd.numpy

        found["autograd"] = autograd.value_and_grad(program(name, autograd.numpy).loss)
    if importlib.util.find_spec("jax"):
        import jax

        jax.config.update("jax_enable_x64", True)
        both = jax.jit(jax.value_and_grad(program(name, jax.numpy).loss))
        found["JAX, jit"] = lambda *problem: tree_map(np.asarray, both(*problem))
    return found


def difference(gradient, other):
    """The largest difference of two gradients, over the largest element."""
    if isinstance(gradient, dict):
        other = {name: other[name] for name in gradient}  # JAX sorts them
    ours, theirs = flatten(gradient)[0], flatten(other)[0]
    apart = max(np.max(np.abs(a - b)) for a, b in zip(ours, theirs, strict=True))
    return float(apart / max(np.max(np.abs(a)) for a in ours))


def compared(name, rounds):
    """For each contender: the seconds of its shortest call, and the difference of its gradient from ours."""
    problem, all_of_them = program(name).problem(), contenders(name)
    gradients = {who: call(*problem)[1] for who, call in all_of_them.items()}  # and whoever compiles has done it
    times = {who: [] for who in all_of_them}
    for _ in range(rounds):
        for who, call in all_of_them.items():
            start = time.perf_counter()
            call(*problem)
            times[who].append(time.perf_counter() - start)
    return {who: (min(times[who]), difference(gradients["ours"], gradients[who])) for who in times}


def main(rounds=50):
    """Print the table; returns {program: {contender: (seconds, difference)}}."""
    results = {name: compared(name, rounds) for name in NAMES}
    whos = list(results[NAMES[0]])
    where = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, NumPy {np.__version__}"
    print(f"{where}; shortest of {rounds} calls each, in turns\n")
    print(f"| program | {' | '.join(f'{who}, ms' for who in whos)} | largest relative difference |")
    print("| --- |" + " --- |" * (len(whos) + 1))
    for name, found in results.items():
        cells = [f"{1000 * found[who][0]:.2f}" for who in whos]
        print(f"| {name} | {' | '.join(cells)} | {max(apart for _, apart in found.values()):.0e} |")
    return results


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
