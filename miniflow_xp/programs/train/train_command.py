"""The command ``train``: its options."""

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from miniflow_xp.data import DATASETS, Dialect
from miniflow_xp.programs.outputs import check_writable
from miniflow_xp.programs.train.across import across_processes
from miniflow_xp.programs.train.options import Chosen, Decimal, Separator, path_named
from miniflow_xp.programs.train.plotting import check_plot
from miniflow_xp.programs.train.precision import chosen_dtype
from miniflow_xp.programs.train.resuming import check_checkpoints, going_on, last_checkpoint
from miniflow_xp.programs.train.settings import USUAL, settings_for
from miniflow_xp.programs.train.training_run import Files, chosen_table, train_and_show
from miniflow_xp.switch import use_backend
from miniflow_xp.training.usual import OPTIMIZERS

DATA = "the data itself"


def usual(name: str) -> str:
    """The usual value of a setting, for the help text."""
    return f"Usual: {getattr(USUAL, name)}."


def usual_rates() -> str:
    """The usual learning rates, for the help text."""
    return "; ".join(f"{name} {m.classification:g}, {m.regression:g}" for name, m in OPTIMIZERS.items())


def train_command(
    context: typer.Context,
    dataset: Annotated[str | None, typer.Option(metavar="|".join(DATASETS), help="Data set to train on.")] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DATA",
            parser=path_named,
            help="Your own: a table (.csv, .csv.gz, .parquet), a folder of IDX files as MNIST has them, or an archive "
            "(.npz) of X and y, and X_test and y_test where there are, or x_train and so on.",
        ),
    ] = None,
    target: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The column to predict, where --data is a table.")
    ] = None,
    separator: Separator = None,
    decimal: Decimal = None,
    task: Annotated[
        str, typer.Option(metavar="KIND", help="What the target is: auto, classification or regression.")
    ] = "auto",
    backend: Chosen = None,
    dtype: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="float16, float32, float64 or bfloat16. Usual: MINIFLOW_DTYPE, or float32."),
    ] = None,
    hidden: Annotated[int | None, typer.Option(help=f"Units of the hidden layer. {usual('hidden')}")] = None,
    epochs: Annotated[int | None, typer.Option(help=f"Passes over the data. {usual('epochs')}")] = None,
    batch_size: Annotated[int | None, typer.Option(help=f"Rows in a step. {usual('batch_size')}")] = None,
    optimizer: Annotated[
        str | None, typer.Option(metavar="|".join(OPTIMIZERS), help=f"How parameters move. {usual('optimizer')}")
    ] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(help=f"Length of a step. Usual for classification and regression: {usual_rates()}."),
    ] = None,
    held_out: Annotated[
        float | None,
        typer.Option(
            metavar="FRACTION",
            help=f"Part of the rows not trained on. Usual: {USUAL.held_out}, or the data's own test rows.",
        ),
    ] = None,
    across: Annotated[
        str | None,
        typer.Option(metavar="mpi|torch", help="By all processes that mpirun or torchrun started, each on its rows."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Draws split, weights and batches.")] = USUAL.seed,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", parser=path_named, help="Save all that is needed to go on there, after each epoch."
        ),
    ] = None,
    checkpoint_every: Annotated[
        int | None, typer.Option(metavar="STEPS", help="And after every so many steps.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the last checkpoint; begin where there is none.")
    ] = False,
    plot: Annotated[
        Path | None,
        typer.Option("--save-plot", metavar="FILE.png|.svg", parser=path_named, help="Draw the costs by epoch."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE.safetensors",
            parser=path_named,
            help="The trained model. Usual: DATASET-parameters.safetensors.",
        ),
    ] = None,
) -> None:
    """Train a network on real data and show how well it does on rows that it has not seen.

    In a table, texts of which there are few become 0/1 columns, and missing numbers their median.

    Ctrl-C, SIGTERM and SIGHUP end it after the step in progress, with everything saved.

    Example: miniflow-xp train --dataset diabetes

    Example: miniflow-xp train --data houses.csv --target price --optimizer adam --save-plot costs.png

    Example: mpirun -n 4 miniflow-xp train --across mpi

    Example: miniflow-xp train --data fashion-mnist/ --epochs 10 --batch-size 128 --checkpoint run1 --resume
    """
    chosen = use_backend(backend) if backend is not None else nullcontext()
    with chosen, chosen_dtype(dtype), across_processes(across) as world:
        if world.rank == 0:
            check_checkpoints(checkpoint, checkpoint_every, resume)
        table = chosen_table(dataset, data, target, task, Dialect(separator, decimal))
        settings = settings_for(
            table.task,
            optimizer=optimizer,
            hidden=hidden,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            held_out=held_out,
            seed=seed,
        )
        output = output or Path(f"{table.name}-parameters.safetensors")
        if world.rank == 0:
            check_writable("--output", output, {DATA: data})
        if plot is not None and world.rank == 0:
            check_plot(plot, {DATA: data, "where --output goes": output})
        last = last_checkpoint(checkpoint, world) if resume else None
        files = Files(output, plot, checkpoint, checkpoint_every, resume)
        settings = going_on(settings, last, learning_rate)
        train_and_show(table, settings, held_out, files, last, list(context.obj or ()), world)
