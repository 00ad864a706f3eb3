"""What the command ``train`` does in which order: read, check, train, save, tell."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

import numpy as np
import typer
from rich.console import Console

from miniflow_xp.data import Dialect, Split, Table, hold_out, load, read_data
from miniflow_xp.distributed import World
from miniflow_xp.errors import DataError, SettingError
from miniflow_xp.programs.network import Network
from miniflow_xp.programs.train.display import EpochLines, checkpoints_line, show_end, show_start
from miniflow_xp.programs.train.plotting import save_plot
from miniflow_xp.programs.train.resuming import Checkpoint
from miniflow_xp.programs.train.saving import in_bytes, save
from miniflow_xp.programs.train.settings import Settings
from miniflow_xp.programs.train.training import host_dtype, network_for, train, training_rows
from miniflow_xp.system.terminal import stdout
from miniflow_xp.training.history import History
from miniflow_xp.training.interrupts import interrupts


class Files(NamedTuple):
    """The files that training writes, and whether it continues from the last checkpoint."""

    output: Path
    plot: Path | None
    checkpoints: Path | None
    checkpoint_every: int | None
    resume: bool


def chosen_table(dataset: str | None, data: Path | None, target: str | None, task: str, asked: Dialect) -> Table:
    """The table that the options name; raises SettingError where they contradict each other."""
    if data is None:
        if target is not None:
            raise SettingError(
                "--target", "it came without --data", "a data set has its own target", "Add --data FILE.csv"
            )
        for option, value in asked._asdict().items():
            if value is not None:
                raise SettingError(f"--{option}", "it came without --data", "it is for CSV files", "Leave it out")
        return load("digits" if dataset is None else dataset, task)
    if dataset is not None:
        raise SettingError("--dataset", "it came with --data", "training is on one table", "Leave one of them out")
    return read_data(data, target, task, asked)


def train_and_show(
    table: Table,
    settings: Settings,
    held_out: float | None,
    files: Files,
    last: Checkpoint | None,
    arguments: Sequence[str],
    world: World,
) -> None:
    """Split, train, save, and print what a user wants to see; of several processes, rank 0 writes and prints.

    ``last``: the checkpoint that training continues from; ``arguments``: those of the command line, to be repeated.
    """
    console, leads = stdout(), world.rank == 0
    console.quiet = not leads
    rng = np.random.default_rng(settings.seed)
    split = hold_out(table, held_out, rng, host_dtype())
    network = network_for(table, settings, rng)
    in_bytes(table, split, network)  # what stands against it is told before the work
    line = checkpoints_line(files.checkpoints, files.checkpoint_every, "" if last is None else last.name)
    show_start(console, table, split, network, settings, line)
    lines = EpochLines(console, table.task, settings.epochs)
    batches = training_rows(split, settings)
    started = perf_counter()
    with interrupts() as asked:  # what was asked of the training holds until all is saved and told
        try:
            history = train(
                network,
                split,
                settings,
                batches=batches,
                callbacks=[lines],
                checkpoints=files.checkpoints,
                checkpoint_every=files.checkpoint_every,
                resume=files.resume,
                progress=console if console.is_terminal else False,
                across=world,
            )
            show_end(console, table.task, history, perf_counter() - started)
        except DataError:  # the last checkpoint; its disk need not be that of the parameters
            if batches.used and leads:
                save_and_tell(console, files.output, table, split, network)
            raise
        if leads:
            save_and_tell(console, files.output, table, split, network)
        if files.plot is not None and leads:
            save_plot(files.plot, history)
            console.print(f"Costs drawn in {files.plot}", soft_wrap=True)
        if history.ended == "interrupted" and leads:
            tell_how_to_go_on(asked.name, history, files, arguments)
    number = max(map(int, world.gather(b"%d" % asked.number)))  # all end together, after rank 0 has written
    if number:
        raise typer.Exit(128 + number)  # the shell's code for what a signal ended


def save_and_tell(console: Console, output: Path, table: Table, split: Split, network: Network) -> None:
    """Write the parameters."""
    save(output, table, split, network)
    console.print(f"Parameters written to {output}", soft_wrap=True)


def tell_how_to_go_on(signal: str, history: History, files: Files, arguments: Sequence[str]) -> None:
    """On standard error: where Ctrl-C, or another signal, ended it, and the command that goes on."""
    last = history[-1]
    typer.echo(f"Stopped by {signal} in epoch {last.number + 1}, after step {last.steps}.", err=True)
    if files.checkpoints is None:
        typer.echo("To be able to go on, train with --checkpoint FOLDER.", err=True)
        return
    again = [*arguments] if files.resume else [*arguments, "--resume"]
    typer.echo(f"Go on with: {shlex.join(['miniflow-xp', *again])}", err=True)
