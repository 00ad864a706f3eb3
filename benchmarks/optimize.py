"""Seven problems beside SciPy with handwritten derivatives, and with differences: ``python -m benchmarks.optimize``.

The ways take turns, in one run; a time is that of the processor, the median of the rounds, beginning to end, recording
included, with one thread. "calls" counts those of the functions that a problem is made of; one that gives value and
derivatives at once is one call. "off" is the largest difference from what the handwritten derivatives find, over the
largest element of that.
"""

import argparse
import platform
import time
from statistics import median

import numpy as np
import scipy
from threadpoolctl import threadpool_limits

from benchmarks.optimize_problems import problems
from benchmarks.peers import markdown
from miniflow_xp.programs.bench.environment import machine

WAYS = {
    "by hand": lambda problem: problem.by_hand(),
    "ours": lambda problem: problem.ours(),
    "ours, jit": lambda problem: problem.ours(jit=True),
    "differences": lambda problem: problem.differences(),
}
COUNTED = ("by hand", "ours", "differences")


def measured(problem, rounds):
    """({way: what it found}, {way: calls}, {way: median of seconds})."""
    found, calls, times = {}, {}, {way: [] for way in WAYS}
    for _ in range(rounds):
        for way, run in WAYS.items():
            problem.calls = 0
            start = time.process_time()
            found[way] = run(problem)
            times[way].append(time.process_time() - start)
            calls[way] = problem.calls
    return found, calls, {way: median(seconds) for way, seconds in times.items()}


def row(name, found, calls, times):
    """A line of the table."""
    truth = found["by hand"]
    off = {way: np.max(np.abs(x - truth)) / np.max(np.abs(truth)) for way, x in found.items()}
    return [
        f"{name}, {truth.size}",
        *(str(calls[way]) for way in COUNTED),
        *(f"{1e3 * times[way]:.1f}" for way in WAYS),
        *(f"{off[way]:.0e}" for way in ("ours", "ours, jit", "differences")),
    ]


def main():
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="usual: 5")
    parser.add_argument("--small", action="store_true", help="the sizes of the tests")
    args = parser.parse_args()
    head = ["problem, unknowns", *(f"calls {way}" for way in COUNTED), *(f"ms {way}" for way in WAYS)]
    head += ["off: ours", "ours, jit", "differences"]
    with threadpool_limits(1):
        rows = [row(name, *measured(problem, args.rounds)) for name, problem in problems(args.small).items()]
    print(markdown([head, *rows]))
    here = machine()
    versions = f"Python {platform.python_version()}, NumPy {np.__version__}, SciPy {scipy.__version__}"
    print(f"\n{here.cpu}, {here.usable_cores} cores; {versions}")


if __name__ == "__main__":
    main()
