"""Our step beside its peers, in one run: ``python -m benchmarks.peers`` prints the tables.

The run is that of ``miniflow-xp bench --family peers``, with more sizes: interleaved, outputs compared before anything
is timed. A figure is the median of its samples; a ratio is paired by round, with its interval of 95 %.
``python -m benchmarks.peers run.json`` prints the tables of a run that was made before.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from miniflow_xp.errors import MiniflowError
from miniflow_xp.programs.bench.cases import PEER_SIZES, peers
from miniflow_xp.programs.bench.files import read_run, write_run
from miniflow_xp.programs.bench.findings.sentences import sentences
from miniflow_xp.programs.bench.record import Record
from miniflow_xp.programs.bench.run import run
from miniflow_xp.programs.bench.statistics import paired_ratio
from miniflow_xp.programs.outputs import check_writable

SIZES = (*PEER_SIZES[:4], (64, 784, 256), *PEER_SIZES[4:-1], (1024, 512, 512), PEER_SIZES[-1], (4096, 784, 1024))
RATIOS = (
    ("autograd, torch", "ours, numpy"),
    ("jit, jax", "ours, numpy"),
    ("lesson, numpy", "ours, numpy"),
    ("ours, numpy", "products, numpy"),
    ("autograd, torch", "ours, torch"),
    ("ours, jax", "jit, jax"),
    ("by hand, cupy", "ours, cupy"),
)

Samples = Mapping[str, Mapping[int, float]]
"""{"contestant, library": {round: seconds a step}}."""


def by_size(record: Record, family: str = "peers") -> dict[str, dict[str, dict[int, float]]]:
    """{size: samples} of what a run has measured; with the series' name where a family has several."""
    sizes: dict[str, dict[str, dict[int, float]]] = {}
    several = len({cell.series for cell in record.cells if cell.family == family}) > 1
    for cell in record.cells:
        if cell.family == family and cell.state == "measured":
            size = ", ".join(str(number) for number in cell.axes.values())
            size = f"{cell.series.removeprefix('gradient of ')}, {size}" if several else size
            sizes.setdefault(size, {})[f"{cell.contestant}, {cell.backend.partition(':')[0]}"] = dict(cell.times)
    return sizes


def times(sizes: Mapping[str, Samples], head: str = "µs a step: n, d, h") -> list[list[str]]:
    """µs a step of every contestant, by size."""
    names = list(dict.fromkeys(name for found in sizes.values() for name in found))
    rows = [
        [size, *(f"{median(found[n].values()) * 1e6:.0f}" if n in found else "–" for n in names)]
        for size, found in sizes.items()
    ]
    return [[head, *names], *rows]


def ratios(
    sizes: Mapping[str, Samples], wanted: Sequence[tuple[str, str]] = RATIOS, head: str = "ratio: n, d, h"
) -> list[list[str]]:
    """The ratios that matter, by size."""
    pairs = [(a, b) for a, b in wanted if any(a in found and b in found for found in sizes.values())]
    rows = [
        [size, *(in_words(found[a], found[b]) if a in found and b in found else "–" for a, b in pairs)]
        for size, found in sizes.items()
    ]
    return [[head, *(f"{a} / {b}" for a, b in pairs)], *rows]


def in_words(times: Mapping[int, float], reference: Mapping[int, float]) -> str:
    """1.23 (1.20–1.27), of the rounds that both have."""
    both = sorted(times.keys() & reference.keys())
    ratio = paired_ratio([times[n] for n in both], [reference[n] for n in both])
    return f"{ratio.estimate:.2f} ({ratio.low:.2f}–{ratio.high:.2f})"


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """A table."""
    head, *body = rows
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *body])


def parse_sizes(text: str) -> list[tuple[int, int, int]]:
    """``8,4,4;64,64,64`` as sizes; raises ValueError."""
    sizes = [tuple(map(int, part.split(","))) for part in text.split(";") if part]
    if not all(len(size) == 3 and min(size) > 0 for size in sizes):
        raise ValueError("each size is n,d,h")
    return sizes  # type: ignore[return-value]  # three numbers each


def main() -> None:
    """Measure, or read, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", nargs="?", type=Path, help="a run that was made before; usual: make one")
    parser.add_argument("--backends", default="numpy,torch,jax")
    parser.add_argument("--budget", type=float, default=300.0, help="seconds; usual: 300")
    parser.add_argument("--sizes", type=parse_sizes, default=SIZES, help="such as 8,4,4;64,64,64; usual: all")
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args()
    try:
        if args.output:
            check_writable("--output", args.output, {"the run that is read": args.run})  # told before the work
        command = " ".join(["python -m benchmarks.peers", *sys.argv[1:]])
        found = (
            read_run(args.run)
            if args.run
            else run(list(peers(tuple(args.sizes))), args.backends.split(","), args.budget, command=command)
        )
    except MiniflowError as error:
        parser.error(str(error))
    sizes = by_size(found)
    print(markdown(times(sizes)), markdown(ratios(sizes)), *sentences(found), sep="\n\n")
    if args.output:
        write_run("--output", args.output, found)


if __name__ == "__main__":
    main()
