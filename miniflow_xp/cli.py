"""The command line: its commands and their options. What they do stands in train.py and info.py."""

import io
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from miniflow_xp.bench.cli import advise_command, bench_command, compare_command, report_command
from miniflow_xp.data import DATASETS, Table, hold_out, load, read_table
from miniflow_xp.display import show_epochs, show_start
from miniflow_xp.errors import MiniflowError, SettingError
from miniflow_xp.info import show_info
from miniflow_xp.saving import check_writable, save
from miniflow_xp.settings import CLASSIFICATION, REGRESSION, Settings, settings_for
from miniflow_xp.switch import use_backend
from miniflow_xp.terminal import stdout
from miniflow_xp.train import host_dtype, network_for, train

app = typer.Typer(
    name="miniflow-xp",
    help="Back-propagation on the array library of your choice.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def usual(name: str) -> str:
    """The usual value of a setting, for the help text."""
    return f"Usual: {getattr(CLASSIFICATION, name)} for classification, {getattr(REGRESSION, name)} for regression."


@app.command("train")
def train_command(
    dataset: Annotated[str | None, typer.Option(metavar="|".join(DATASETS), help="Data set to train on.")] = None,
    data: Annotated[Path | None, typer.Option(metavar="FILE.csv", help="Your own table, also .csv.gz.")] = None,
    target: Annotated[str | None, typer.Option(metavar="COLUMN", help="The column of --data to predict.")] = None,
    task: Annotated[
        str, typer.Option(metavar="KIND", help="What the target is: auto, classification or regression.")
    ] = "auto",
    backend: Annotated[
        str | None,
        typer.Option(metavar="NAME[:DEVICE]", help="Array library. Usual: MINIFLOW_BACKEND, or numpy."),
    ] = None,
    hidden: Annotated[int | None, typer.Option(help=f"Units of the hidden layer. {usual('hidden')}")] = None,
    epochs: Annotated[int | None, typer.Option(help=f"Passes over the data. {usual('epochs')}")] = None,
    batch_size: Annotated[int | None, typer.Option(help=f"Rows in a step. {usual('batch_size')}")] = None,
    learning_rate: Annotated[float | None, typer.Option(help=f"Length of a step. {usual('learning_rate')}")] = None,
    held_out: Annotated[
        float, typer.Option(metavar="FRACTION", help="Part of the rows not trained on.")
    ] = CLASSIFICATION.held_out,
    seed: Annotated[int, typer.Option(help="Draws split, weights and batches.")] = CLASSIFICATION.seed,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE.npz", help="Parameters. Usual: DATASET-parameters.npz."),
    ] = None,
) -> None:
    """Train a network on real data and show how well it does on rows that it has not seen.

    MINIFLOW_DTYPE chooses the numbers, usually float32. MINIFLOW_BACKEND chooses the array library.
    """
    with told(), use_backend(backend) if backend is not None else nullcontext():
        table = chosen_table(dataset, data, target, task)
        settings = settings_for(
            table.task,
            hidden=hidden,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            held_out=held_out,
            seed=seed,
        )
        output = output or Path(f"{table.name}-parameters.npz")
        check_writable(output, data)
        train_and_show(table, settings, output)


@app.command("info")
def info_command() -> None:
    """Show the backends, their devices and versions, and what NumPy's products run on."""
    with told():
        show_info(stdout())


@app.command("verify-gpu")
def verify_gpu_command(
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE.json", help="Write all figures there.")
    ] = None,
) -> None:
    """Check on this machine's GPU what only a GPU can show; without one, say so and check the rest.

    The exit code is 0 where every check was made and passed, else 1.
    """
    from miniflow_xp.verify.run import verify  # here: no other command needs it

    with told():
        if not verify(stdout(), output):
            raise typer.Exit(1)


def add(name: str, command: Callable[..., None]) -> None:
    """Make a function a command whose mistakes are told as those of the others."""

    @wraps(command)
    def run_told(*args: Any, **options: Any) -> None:
        with told():
            command(*args, **options)

    app.command(name)(run_told)


add("bench", bench_command)
add("report", report_command)
add("compare", compare_command)
add("advise", advise_command)


def chosen_table(dataset: str | None, data: Path | None, target: str | None, task: str) -> Table:
    """The table that the options name; raises SettingError where they contradict each other."""
    if data is None:
        if target is not None:
            raise SettingError(
                "--target", "it came without --data", "a data set has its own target", "Add --data FILE.csv"
            )
        return load("digits" if dataset is None else dataset, task)
    if dataset is not None:
        raise SettingError("--dataset", "it came with --data", "training is on one table", "Leave one of them out")
    return read_table(data, target, task)


def train_and_show(table: Table, settings: Settings, output: Path) -> None:
    """Split, train, save, and print what a user wants to see."""
    console = stdout()
    rng = np.random.default_rng(settings.seed)
    split = hold_out(table, settings.held_out, rng, host_dtype())
    network = network_for(table, settings, rng)
    show_start(console, table, split, network, settings)
    show_epochs(console, table, train(network, split, settings, rng), settings.epochs)
    save(output, table, split, network)
    console.print(f"Parameters written to {output}", soft_wrap=True)


@contextmanager
def told() -> Iterator[None]:
    """A user's mistake is one message and exit code 1, Ctrl-C is exit code 130; neither is a traceback."""
    try:
        yield
    except MiniflowError as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from None
    except MemoryError as error:
        typer.echo(f"Error: not enough memory: {error}", err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        typer.echo("Stopped by Ctrl-C.", err=True)
        raise typer.Exit(130) from None


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command; raises SystemExit with its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a name that the terminal cannot show is no reason to stop
    app(arguments)
    return 0
