"""Our step beside its peers, in one run: ``python -m benchmarks.peers`` prints the table.

Every contestant trains the same network from the same numbers; their costs agree before anything is timed. Slices of
all contestants are interleaved in changing order; a figure is the median of its slices, and a ratio the median of the
ratios of slices that ran in the same round.
"""

import argparse
import json
import os
import platform
import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.problem import SIZES
from benchmarks.workers import Worker

SLICE = 0.05  # seconds that a slice aims at; at least one step
AGREE = 2e-3  # relative: ten float32 steps of sums in another order; a wrong gradient is off by far more


def measure(workers: Sequence[Worker], size: tuple[int, int, int], names: Iterable[str], rounds: int) -> dict[str, Any]:
    """{contestant: seconds a step in each round} at one size; raises AssertionError where costs disagree."""
    owner = {name: worker for worker in workers for name in worker.names if name in set(names)}
    costs = {name: worker.prepare(name, size) for name, worker in owner.items()}
    check_agreement(costs, size)
    steps = {name: max(1, int(SLICE / worker.slice(name, 3))) for name, worker in owner.items()}
    times: dict[str, list[float]] = {name: [] for name in owner}
    order = list(owner)
    for _ in range(rounds):
        random.shuffle(order)
        for name in order:
            times[name].append(owner[name].slice(name, steps[name]))
    return {"size": size, "times": times, "costs": costs}


def check_agreement(costs: dict[str, list[float]], size: tuple[int, int, int]) -> None:
    """Raise AssertionError where a contestant's costs are not those of the others."""
    real = {name: c for name, c in costs.items() if c[0] == c[0]}  # the bare products have none
    reference = next(iter(real.values()))
    for name, found in real.items():
        for a, b in zip(found, reference, strict=True):
            assert abs(a - b) <= AGREE * abs(b), f"{name} at {size}: cost {a}, others {b}"


def ratio(times: dict[str, list[float]], slower: str, faster: str) -> float | None:
    """Median over the rounds of time(slower) / time(faster); None where one was not measured."""
    if slower not in times or faster not in times:
        return None
    return median(a / b for a, b in zip(times[slower], times[faster], strict=True))


def table(results: Sequence[dict[str, Any]]) -> str:
    """µs a step of every contestant by size, then the ratios that matter."""
    names = list(dict.fromkeys(name for r in results for name in r["times"]))
    ratios = [
        ("autograd, torch", "ours, numpy"),
        ("jit, jax", "ours, numpy"),
        ("lesson", "ours, numpy"),
        ("ours, numpy", "products"),
        ("autograd, torch", "ours, torch"),
        ("ours, jax", "jit, jax"),
    ]
    lines = ["| µs a step: n, d, h | " + " | ".join(names) + " |", "| --- " * (len(names) + 1) + "|"]
    for r in results:
        cells = [f"{median(r['times'][n]) * 1e6:.0f}" if n in r["times"] else "–" for n in names]
        lines.append(f"| {', '.join(map(str, r['size']))} | {' | '.join(cells)} |")
    lines += ["", "| ratio: n, d, h | " + " | ".join(f"{a} / {b}" for a, b in ratios) + " |"]
    lines.append("| --- " * (len(ratios) + 1) + "|")
    for r in results:
        found = [ratio(r["times"], a, b) for a, b in ratios]
        cells = [f"{x:.2f}" if x is not None else "–" for x in found]
        lines.append(f"| {', '.join(map(str, r['size']))} | {' | '.join(cells)} |")
    return "\n".join(lines)


def machine(workers: Sequence[Worker]) -> dict[str, Any]:
    """What the figures were measured on."""
    blas = {w.library: [b for b in w.blas() if b.get("user_api") == "blas"] for w in workers}
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cores": os.cpu_count(),
        "forced kernel": os.environ.get("OPENBLAS_CORETYPE"),
        "blas": {
            k: [f"{b['internal_api']} {b['version']} {b.get('architecture')}" for b in v] for k, v in blas.items()
        },
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--libraries", default="numpy,torch,jax")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--sizes", default="", help="such as 8,4,4;64,64,64; all of them if left out")
    parser.add_argument("--without", default="torch.compile", help="contestants to leave out, separated by ;")
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args()
    sizes = [tuple(map(int, s.split(","))) for s in args.sizes.split(";") if s] or SIZES
    workers = [Worker(library) for library in args.libraries.split(",")]
    names = [n for w in workers for n in w.names if n not in args.without.split(";")]
    found = machine(workers)
    if found["forced kernel"]:
        print(
            f"warning: OPENBLAS_CORETYPE={found['forced kernel']} forces a kernel; NumPy may be slower than it can be"
        )
    results = [measure(workers, size, names, args.rounds) for size in sizes]  # type: ignore[arg-type]  # three numbers each
    print(json.dumps(found, indent=1), table(results), sep="\n\n")
    if args.output:
        args.output.write_text(json.dumps({"machine": found, "results": results}))
    for worker in workers:
        worker.close()


if __name__ == "__main__":
    main()
