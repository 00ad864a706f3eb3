"""What processes that train together take and gain: ``python -m benchmarks.distributed`` prints a table and a model.

For 1, 2, … processes, one BLAS thread each: the time of a step on as many rows in each process, beside that of a plain
step on these rows, in turns; and that of the sum alone, for vectors of several lengths. From these come the shares, and
the model

    efficiency = Tc / (Tc + (1 - o) Tar),  Tc = a + b rows,  Tar = 2 ⌈log₂ N⌉ α + 2 (N - 1) / N · bytes / β

fitted by least squares of relative errors, with o = 0: nothing overlaps here. On one machine α and β are those of its
memory, and processes that share it slow each other down: between machines they have to be measured there, by
``mpirun --host …``, with this program's option --measure, whose output --read takes.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from math import ceil, log2
from pathlib import Path

import numpy as np

from miniflow_xp import Adam, CrossEntropy, Dense, Input, ReLU, Sequential, Trainer, to_numpy
from miniflow_xp.distributed import join
from miniflow_xp.programs.bench.statistics import paired_ratio, quartiles, shift

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
LENGTHS = (10**3, 10**4, 10**5, 10**6)  # of vectors whose sum is measured
PAYS = 0.9  # an efficiency


class Timed:
    """A step of a trainer on rows of noise."""

    def __init__(self, shape, rows, world=None):
        _, inputs, hidden = shape
        noise = np.random.default_rng(0)
        X, y = Input("X", dtype="float32"), Input("y", dtype=int)
        model = Sequential([Dense(inputs, hidden, ReLU), Dense(hidden, 10)], seed=0)
        self.trainer = Trainer(CrossEntropy(y, model(X)), Adam(1e-4), across=world)
        self.feed = {X: noise.standard_normal((rows, inputs), dtype="float32"), y: noise.integers(0, 10, rows)}

    def sample(self):
        """Seconds of a step."""
        start = time.perf_counter()
        float(to_numpy(self.trainer.step(self.feed)))
        return time.perf_counter() - start


def timed_sum(world, vector):
    """Seconds of a sum that all begin together."""
    world.gather(b"")
    start = time.perf_counter()
    world.sum(vector)
    return time.perf_counter() - start


def measure(shape, rounds):
    """In each process of a launch; those of rank 0 are printed as JSON: the slowest is what all wait for."""
    world = join("mpi")
    contestants = {
        (kind, rows): Timed(shape, rows, world if kind == "together" else None)
        for rows in (shape[0] // 4, shape[0] // 2, shape[0])
        for kind in ("plain", "together")
    }
    vectors = [np.zeros(length, "float32") for length in LENGTHS]
    for contestant in contestants.values():
        contestant.sample()  # capture, and memory that is touched for the first time
    steps, sums = {key: [] for key in contestants}, {length: [] for length in LENGTHS}
    for _ in range(rounds):
        for key, contestant in contestants.items():
            world.gather(b"")
            steps[key].append(contestant.sample())
        for vector in vectors:
            sums[len(vector)].append(timed_sum(world, vector))
    found = {
        "processes": world.size,
        "parameters": int(sum(p.value.size for p in contestants["plain", shape[0]].trainer.parameters)),
        "steps": [[kind, rows, times] for (kind, rows), times in steps.items()],
        "sums": [[length, times] for length, times in sums.items()],
    }
    every = [json.loads(data) for data in world.gather(json.dumps(found).encode())]
    if world.rank == 0:
        print(json.dumps(slowest(every)))


def slowest(every):
    """The figures of all ranks as one: of each sample the longest time."""
    found = every[0]
    for part in ("steps", "sums"):
        for n, row in enumerate(found[part]):
            row[-1] = np.max([other[part][n][-1] for other in every], axis=0).tolist()
    return found


def launched(processes, arguments, launcher):
    """What a launch of so many processes measured."""
    command = [launcher, "-n", str(processes), sys.executable, "-m", "benchmarks.distributed", "--measure", *arguments]
    done = subprocess.run(command, env={**os.environ, **ONE_THREAD}, stdout=subprocess.PIPE, check=True, timeout=3600)
    return json.loads(done.stdout.splitlines()[-1])


def fit_compute(runs):
    """a and b of Tc = a + b rows, from plain steps of one process; seconds."""
    rows, times = zip(*((rows, np.median(t)) for kind, rows, t in runs[0]["steps"] if kind == "plain"), strict=True)
    return fitted([[1.0, n] for n in rows], times)


def fit_sum(runs):
    """α and 1 / β of Tar, from the sums of two processes and more; seconds, and seconds a byte; None where none ran."""
    points = [(run["processes"], 4 * n, np.median(t)) for run in runs if run["processes"] > 1 for n, t in run["sums"]]
    if not points:
        return None
    return fitted([latency_and_bytes(n, size) for n, size, _ in points], [t for *_, t in points])


def latency_and_bytes(processes, size):
    """What α and 1 / β are multiplied by in Tar."""
    return [2.0 * ceil(log2(processes)), 2 * (processes - 1) / processes * size]


def fitted(rows, times):
    """The coefficients, none below 0, with the least squares of relative errors."""
    weighed = np.asarray(rows) / np.asarray(times)[:, None]
    found = np.linalg.lstsq(weighed, np.ones(len(times)), rcond=None)[0]
    if (found < 0).any():
        kept = int(np.argmax(found))
        found = np.zeros(2)
        found[kept] = 1 / np.mean(weighed[:, kept])
    return found


def efficiency(rows, processes, size, compute, sums):
    """The model's, for so many rows in each process, and a vector of so many bytes."""
    worked = compute @ [1.0, rows]
    return worked / (worked + (sums @ latency_and_bytes(processes, size) if processes > 1 else 0.0))


def rows_that_pay(processes, size, compute, sums):
    """The rows that a process needs for an efficiency of PAYS; infinite where Tc does not grow with them."""
    a, b = compute
    needed = PAYS / (1 - PAYS) * (sums @ latency_and_bytes(processes, size)) - a
    return max(1, ceil(needed / b)) if b else float("inf")


def show(runs):
    """The table, then the model."""
    size = 4 * (runs[0]["parameters"] + 2)
    alone = {rows: times for kind, rows, times in runs[0]["steps"] if kind == "plain"}
    print(
        f"{runs[0]['parameters']:,} parameters, float32; times in ms (quartiles), efficiency and share with intervals"
    )
    print(f"{'N':>3} {'rows each':>9} {'step':>22} {'sum alone':>10} {'efficiency':>22} {'beyond a plain step':>24}")
    compute, sums = fit_compute(runs), fit_sum(runs)
    for run in runs:
        steps = {(kind, rows): times for kind, rows, times in run["steps"]}
        for rows in alone:
            together, plain = steps["together", rows], steps["plain", rows]
            low, middle, high = (1e3 * t for t in quartiles(together))
            gain, beyond = shift(alone[rows], together), paired_ratio(plain, together)
            cost = 0.0 if sums is None or run["processes"] == 1 else sums @ latency_and_bytes(run["processes"], size)
            print(
                f"{run['processes']:>3} {rows:>9,} {middle:>8.2f} ({low:.2f}, {high:.2f}) {1e3 * cost:>10.3f} "
                f"{100 * gain.estimate:>6.1f} % ({100 * gain.low:.1f}, {100 * gain.high:.1f}) "
                f"{100 * (1 - beyond.estimate):>8.1f} % ({100 * (1 - beyond.high):.1f}, {100 * (1 - beyond.low):.1f})"
            )
    print(f"\nTc = {1e3 * compute[0]:.3f} ms + {1e6 * compute[1]:.3f} µs a row")
    if sums is None:
        return
    print(f"α = {1e6 * sums[0]:.1f} µs, β = {1e-9 / sums[1]:.2f} GB/s" if sums[1] else f"α = {1e6 * sums[0]:.1f} µs")
    for processes in (2, 8, 64):
        rows = rows_that_pay(processes, size, compute, sums)
        print(f"{processes:>3} processes reach {100 * PAYS:.0f} % from {rows:,} rows in each on, by the model")


def main(arguments=None):
    """Read the options, and do it."""
    parser = argparse.ArgumentParser(description="Time, share and efficiency of processes that train together.")
    parser.add_argument("--processes", default="1,2", help="how many, one launch each; the first is 1")
    parser.add_argument("--shape", default="4096,784,1024", help="rows in each process, inputs, hidden units")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--launcher", default=None, help="mpiexec; usual: the one beside this Python, else on the PATH")
    parser.add_argument("--measure", action="store_true", help="be one of the processes")
    parser.add_argument("--read", nargs="*", metavar="FILE", help="show what --measure printed")
    chosen = parser.parse_args(arguments)
    shape = [int(n) for n in chosen.shape.split(",")]
    if chosen.measure:
        return measure(shape, chosen.rounds)
    if chosen.read:
        return show([json.loads(Path(name).read_text(encoding="utf-8")) for name in chosen.read])
    beside = Path(sys.executable).with_name("mpiexec")
    launcher = chosen.launcher or (str(beside) if beside.exists() else "mpiexec")
    options = ["--shape", chosen.shape, "--rounds", str(chosen.rounds)]
    return show([launched(int(n), options, launcher) for n in chosen.processes.split(",")])


if __name__ == "__main__":
    main()
