"""The commands ``bench``, ``report``, ``compare`` and ``advise``."""

import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Annotated

import typer

from miniflow_xp.errors import SettingError
from miniflow_xp.programs.bench.advise import advise, parse_axis, times
from miniflow_xp.programs.bench.affinity import bound_to, usable_cores
from miniflow_xp.programs.bench.cases import plan
from miniflow_xp.programs.bench.compare import compare
from miniflow_xp.programs.bench.files import read_run, write_run
from miniflow_xp.programs.bench.findings.run import Run
from miniflow_xp.programs.bench.findings.sentences import lead, sentences
from miniflow_xp.programs.bench.findings.trust import hedged
from miniflow_xp.programs.bench.findings.verdicts import not_used
from miniflow_xp.programs.bench.run import run
from miniflow_xp.programs.bench.terminal import advice_table, show, show_changes, shown
from miniflow_xp.programs.bench.worker import SINGLE
from miniflow_xp.programs.outputs import check_folder, check_writable
from miniflow_xp.switch import available_backends, check_name
from miniflow_xp.system.processes import ONE_THREAD
from miniflow_xp.system.terminal import stdout

SECONDS = {"quick": 60.0, "full": 900.0}
OUTPUT = "--output"
FAMILIES = ("step", "capture", "peers", "functions", "transfer", "node", "memory")

Backends = Annotated[
    str | None,
    typer.Option(
        metavar="NAME,NAME…",
        help="Backends to compare, the first one is the reference. Usual: all usable but strict, which is slow.",
    ),
]
Cores = Annotated[
    int | None,
    typer.Option(metavar="N", help="Use N cores only. Runs on one core repeat themselves best: for compare."),
]
Output = Annotated[Path, typer.Option(OUTPUT, "-o", metavar="FILE", help="Where the result is written.")]


def bench_command(
    quick: Annotated[bool, typer.Option("--quick", help="One minute. This is the usual.")] = False,
    full: Annotated[bool, typer.Option("--full", help="A quarter of an hour, many more sizes.")] = False,
    budget: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="So long, on the sizes of --full unless --quick is given.")
    ] = None,
    backends: Backends = None,
    family: Annotated[
        str | None, typer.Option(metavar="NAME,NAME…", help=f"Only these, of {', '.join(FAMILIES)}.")
    ] = None,
    cores: Cores = None,
    seed: Annotated[int, typer.Option(help="Draws the order of measuring.")] = 0,
    output: Output = Path("run.json"),
) -> None:
    """Measure how training steps, nodes and transfers scale on each backend, and say which is quicker from which size.

    Stops on the clock; what it did not come to is listed in the report. Example: miniflow-xp bench --quick -o run.json
    """
    if quick and full:
        raise SettingError("--quick", "it came with --full", "a run has one size", "Leave one of them out")
    check_budget(budget)
    mode = "full" if full or (budget is not None and not quick) else "quick"
    chosen = chosen_families(family)
    names = chosen_backends(backends)
    seconds = budget if budget is not None else SECONDS[mode]
    check_writable(OUTPUT, output, {})  # told before the work
    with bound_to(cores), shown() as progress:
        found = run(
            plan(mode, chosen),
            names,
            seconds,
            mode=mode if budget is None else "budget",
            command=command_line(),
            seed=seed,
            progress=progress,
        )
    write_run(OUTPUT, output, found)
    show(stdout(), sentences(found))
    tell_written(output)


def report_command(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN.json…", help="What bench has written.")],
    output: Output = Path("report.html"),
    figures: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write the figures there too, as SVG and PNG.")
    ] = None,
) -> None:
    """Make one HTML page of runs, which needs no network.

    Example: miniflow-xp report run.json -o report.html
    """
    from miniflow_xp.programs.bench import report  # here: its figures are for this command alone

    check_writable(OUTPUT, output, {f"the run {path}": path for path in runs})
    if figures is not None:
        check_folder("--figures", figures)
    found = [read_run(path) for path in runs]
    report.write(found, [path.name for path in runs], output, figures)
    stdout().print(f"Written to {output}", soft_wrap=True)


def compare_command(
    base: Annotated[Path, typer.Argument(metavar="BASE.json", help="The run before.")],
    new: Annotated[Path, typer.Argument(metavar="NEW.json", help="The run after.")],
    fail: Annotated[
        str | None, typer.Option(metavar="PERCENT", help="Exit with code 1 if a row is slower by more, or missing: 5%.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Compare though the machines differ.")] = False,
) -> None:
    """Say which rows became faster or slower.

    Example: miniflow-xp compare base.json new.json --fail 5%
    """
    result = compare(read_run(base), read_run(new), percent(fail), force)
    show_changes(result, stdout())
    if result.failed:
        raise typer.Exit(1)


def advise_command(
    builder: Annotated[
        str,
        typer.Argument(
            metavar="MODEL.py:BUILD", help="A function that returns (cost, feed) or (cost, feed, optimizer)."
        ),
    ],
    axis: Annotated[str, typer.Option(metavar="NAME=LOW:HIGH", help="The parameter of the function that grows.")] = (
        "batch=1:65536"
    ),
    steps: Annotated[int, typer.Option(min=1, help="How many training steps you mean to run.")] = 1000,
    backends: Backends = None,
    budget: Annotated[float, typer.Option(metavar="SECONDS", help="How long to measure at most.")] = 120.0,
    cores: Cores = None,
    seed: Annotated[int, typer.Option(help="Draws the order of measuring.")] = 0,
    output: Annotated[
        Path | None, typer.Option(OUTPUT, "-o", metavar="FILE.json", help="Write all measurements there.")
    ] = None,
) -> None:
    """Say from which size on which backend is quicker on your own graph, and whether it pays for your number of steps.

    NumPy is tried with one BLAS thread, too: on busy cores several wait for each other.

    Example: miniflow-xp advise model.py:build --axis batch=1:65536 --steps 1000
    """
    if output is not None:
        check_writable(OUTPUT, output, {"the builder's own file": Path(builder.rpartition(":")[0])})
    check_budget(budget)
    name, sizes = parse_axis(axis)
    with bound_to(cores), shown() as progress:
        names = with_one_thread(chosen_backends(backends))
        advice, study, found = advise(builder, name, sizes, names, steps, budget, seed, progress)
    terminal, seen = stdout(), Run(found)
    show(terminal, lead(seen))
    step, whole = times(study, steps)
    for words, table in (("a step", step), (f"{steps:,} steps and what is paid once", whole)):
        terminal.print(advice_table(hedged(seen, f"{words}, data on the device"), name, table))
    show(terminal, [*(hedged(seen, one.sentence) for one in advice), *map(str, not_used(seen))])
    if not advice:
        terminal.print("One backend was measured: name another by --backends to compare.")
    if output is not None:
        write_run(OUTPUT, output, replace(found, command=command_line()))
        tell_written(output)


def tell_written(run: Path) -> None:
    """Where a run is, and what to do with it."""
    stdout().print(f"Written to {run}. For the report: miniflow-xp report {run} -o report.html", soft_wrap=True)


def check_budget(seconds: float | None) -> None:
    """Raise SettingError for a budget that is too short, or no number."""
    if seconds is not None and not 5 <= seconds < inf:
        remedy = "Give it 5 or more"
        raise SettingError("--budget", f"it is {seconds:g} s", "starting the backends takes some", remedy)


def command_line() -> str:
    """The command, for whoever wants to repeat it."""
    return shlex.join(["miniflow-xp", *sys.argv[1:]])


def percent(text: str | None) -> float | None:
    """``5%`` or ``5`` as 0.05; raises SettingError."""
    if text is None:
        return None
    try:
        number = float(text.strip().removesuffix("%"))
    except ValueError:
        number = -1.0
    if not 0 <= number < 1000:
        raise SettingError("--fail", f"it is {text!r}", "it is a percentage", "Write 5%")
    return number / 100


def chosen_families(text: str | None) -> tuple[str, ...] | None:
    """The families that are named; raises SettingError."""
    if text is None:
        return None
    names = tuple(name.strip() for name in text.split(","))
    for name in names:
        if name not in FAMILIES:
            raise SettingError("--family", f"there is no {name!r}", f"there are {', '.join(FAMILIES)}", "Name one")
    return names


def chosen_backends(text: str | None) -> list[str]:
    """The backends that are named, each once, or all that can be used but the slow strict one.

    Raises UnknownBackendError, SettingError.
    """
    if text is None:
        return [a.name for a in available_backends() if a.usable and a.name != "strict"]
    names = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    for name in names:
        check_name(name)
    if not names:
        raise SettingError("--backends", f"it is {text!r}", "it names backends", "Write numpy,torch")
    return names


def with_one_thread(names: Sequence[str]) -> list[str]:
    """The backends, and beside NumPy NumPy on one BLAS thread, where it would have several."""
    several = (usable_cores() or 1) > 1 and not any(os.environ.get(variable) == "1" for variable in ONE_THREAD)
    beside = {name: [name + SINGLE] for name in names if several and name.partition(":")[0] == "numpy"}
    return [one for name in names for one in (name, *beside.get(name, []))]
