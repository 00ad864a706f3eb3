"""Value and gradient of models written as functions, beside other libraries: ``python -m benchmarks.functions``.

The run is that of ``miniflow-xp bench --family functions``: interleaved, results compared before anything is timed. A
figure is the median of its samples; a ratio is paired by round, with its interval of 95 %.
``python -m benchmarks.functions run.json`` prints the tables of a run that was made before.
"""

import argparse
import json
import sys
from pathlib import Path

from benchmarks.peers import by_size, markdown, ratios, times
from miniflow_xp.errors import MiniflowError
from miniflow_xp.programs.bench.cases import gradients
from miniflow_xp.programs.bench.files import read_run
from miniflow_xp.programs.bench.findings.sentences import sentences
from miniflow_xp.programs.bench.run import run
from miniflow_xp.programs.outputs import check_writable
from miniflow_xp.system.files import write

RATIOS = (
    ("ours, eager, numpy", "HIPS/autograd, numpy"),
    ("ours, numpy", "HIPS/autograd, numpy"),
    ("ours, numpy", "jit, jax"),
    ("ours, jax", "jit, jax"),
    ("ours, eager, torch", "autograd, torch"),
    ("ours, torch", "autograd, torch"),
    ("ours, torch", "torch.func, torch"),
    ("ours, compiled, torch", "torch.compile, torch"),
    ("ours, compiled, torch", "torch.func, compiled, torch"),
)


def main() -> None:
    """Measure, or read, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", nargs="?", type=Path, help="a run that was made before; usual: make one")
    parser.add_argument("--backends", default="numpy,torch,jax")
    parser.add_argument("--budget", type=float, default=600.0, help="seconds; usual: 600")
    parser.add_argument("--models", default="", help="only these, such as attention,convolution; usual: all")
    parser.add_argument("--quick", action="store_true", help="the small sizes")
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args()
    wanted = [f"gradient of {name.replace('_', ' ')}" for name in args.models.split(",") if name]
    cases = [case for case in gradients(args.quick) if not wanted or case.series in wanted]
    try:
        if args.output:
            check_writable("--output", args.output, {"the run that is read": args.run})  # told before the work
        command = " ".join(["python -m benchmarks.functions", *sys.argv[1:]])
        found = read_run(args.run) if args.run else run(cases, args.backends.split(","), args.budget, command=command)
    except MiniflowError as error:
        parser.error(str(error))
    sizes = dict(sorted(by_size(found, "functions").items(), key=lambda one: one[0].rpartition(", ")[0]))
    tables = times(sizes, "µs: model, n"), ratios(sizes, RATIOS, "ratio: model, n")
    print(*map(markdown, tables), *sentences(found), sep="\n\n")
    if args.output:
        write("--output", args.output, [json.dumps(found.to_json(), allow_nan=False).encode()])


if __name__ == "__main__":
    main()
