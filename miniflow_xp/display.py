"""What ``miniflow-xp train`` prints."""

from collections.abc import Iterable
from math import ceil
from time import perf_counter

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table as Grid

from miniflow_xp.data import Split, Table
from miniflow_xp.feed import float_setting
from miniflow_xp.network import Network
from miniflow_xp.ops import CrossEntropy
from miniflow_xp.settings import Settings
from miniflow_xp.switch import get_backend
from miniflow_xp.train import Epoch, host_dtype

MOST_LINES = 15  # so many epochs get a line each; of more, about ten get one


def show_start(console: Console, table: Table, split: Split, network: Network, settings: Settings) -> None:
    """What is about to happen: backend, data, task, network, training."""
    grid = Grid.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for label, text in [
        ("backend", f"{get_backend().describe()}, {float_setting() or host_dtype()}"),
        *data_lines(table, split),
        *network_lines(network, settings),
        ("training", training_line(split, settings)),
    ]:
        grid.add_row(label, text)
    console.print(grid)
    console.print()


def data_lines(table: Table, split: Split) -> list[tuple[str, str]]:
    """Name, rows, columns, source and task."""
    rows, columns = table.features.shape
    kinds = f"{len(table.classes)} classes" if table.classes else "numbers"
    return [
        ("data", f"{table.name}: {rows:,} rows, {columns:,} feature columns; target {table.target_name}, {kinds}"),
        ("source", table.source),
        ("task", f"{table.task} ({table.because})"),
        ("split", f"{len(split.y_train):,} rows to train on, {len(split.y_held):,} held out"),
    ]


def network_lines(network: Network, settings: Settings) -> list[tuple[str, str]]:
    """Layers, each with its number of parameters."""
    hidden, _, output, _ = network.parameters
    (inputs, units), (_, outputs) = hidden.value.shape, output.value.shape
    cost = "CrossEntropy" if type(network.cost) is CrossEntropy else "MSE of the standardised target"
    first, second = (inputs + 1) * units, (units + 1) * outputs
    return [
        ("network", f"Linear {inputs} to {units}: {first:,} parameters"),
        ("", settings.activation.__name__),
        ("", f"Linear {units} to {outputs}: {second:,} parameters"),
        ("", f"{cost}; {first + second:,} parameters in all"),
    ]


def training_line(split: Split, settings: Settings) -> str:
    """Epochs, batches, learning rate and seed."""
    batches = ceil(len(split.y_train) / settings.batch_size)
    return (
        f"{settings.epochs} epochs of {batches:,} steps, batches of {settings.batch_size}, "
        f"learning rate {settings.learning_rate:g}, seed {settings.seed}"
    )


def show_epochs(console: Console, table: Table, epochs: Iterable[Epoch], count: int) -> None:
    """Run the training; print the first epoch, every k-th and the last, then the time that all took."""
    measure = "accuracy" if table.classes else "R²"
    every = 1 if count <= MOST_LINES else ceil(count / 10)
    started = perf_counter()
    console.print(f"{'epoch':>6}  {'loss':>10}  held-out {measure}", style="bold")
    with progress_bar(console) as progress:
        task = progress.add_task("training", total=count)
        for epoch in epochs:
            progress.update(task, advance=1)
            if epoch.number in (1, count) or epoch.number % every == 0:
                width = len("held-out ") + len(measure)
                progress.console.print(f"{epoch.number:>6}  {epoch.loss:>10.5g}  {score(table, epoch):>{width}}")
    console.print(f"\nTrained in {perf_counter() - started:.1f} s; held-out {measure} {score(table, epoch)}")


def progress_bar(console: Console) -> Progress:
    """A bar that is there while training runs, on a terminal only."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def score(table: Table, epoch: Epoch) -> str:
    """Accuracy in per cent, R² as a number."""
    return f"{epoch.score:.2%}".replace("%", " %") if table.classes else f"{epoch.score:.4g}"
