"""What ``miniflow-xp train`` and ``evaluate`` print."""

from collections.abc import Iterable, Sequence
from math import ceil, isnan
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table as Grid

from miniflow_xp.data import Split, Table
from miniflow_xp.data.moments import width
from miniflow_xp.feed import float_setting
from miniflow_xp.ops import CrossEntropy
from miniflow_xp.programs.network import Network
from miniflow_xp.programs.train.judging import Judgement, LabelledRows
from miniflow_xp.programs.train.loading import Model
from miniflow_xp.programs.train.settings import Settings
from miniflow_xp.programs.train.training import METRICS, host_dtype
from miniflow_xp.switch import get_backend
from miniflow_xp.training.history import Epoch, History
from miniflow_xp.training.usual import weight_decay

MOST_LINES = 15  # so many epochs get a line each; of more, about ten get one
COSTS = {"classification": "CrossEntropy", "regression": "MSE of the standardised target"}


def show_start(
    console: Console, table: Table, split: Split, network: Network, settings: Settings, checkpoints: str = ""
) -> None:
    """What is about to happen: backend, data, task, network, training, and where ``checkpoints`` go."""
    show_grid(
        console,
        [
            ("backend", f"{get_backend().describe()}, {float_setting() or host_dtype()}"),
            *data_lines(table, split),
            *network_lines(network, settings),
            ("training", training_line(split, settings)),
            *([("checkpoints", checkpoints)] if checkpoints else []),
        ],
    )
    console.print()


def show_grid(console: Console, lines: Iterable[tuple[str, str]]) -> None:
    """Labels and texts in two columns."""
    grid = Grid.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for label, text in lines:
        grid.add_row(label, text)
    console.print(grid)


def data_lines(table: Table, split: Split) -> list[tuple[str, str]]:
    """Name, rows, columns, source and task."""
    rows, columns = len(table.target), width(table.features)
    kinds = f"{len(table.classes)} classes" if table.classes else "numbers"
    return [
        ("data", f"{table.name}: {rows:,} rows, {columns:,} feature columns; target {table.target_name}, {kinds}"),
        ("source", table.source),
        ("task", f"{table.task} ({table.because})"),
        *(("columns" if n == 0 else "", note) for n, note in enumerate(shortest(table.notes))),
        ("split", f"{len(split.y_train):,} rows to train on, {len(split.y_held):,} held out: {split.how}"),
    ]


def shortest(notes: tuple[str, ...]) -> tuple[str, ...]:
    """The first notes, and how many more there are."""
    more = len(notes) - MOST_LINES
    return notes if more <= 0 else (*notes[:MOST_LINES], f"… and {more:,} more")


def network_lines(network: Network, settings: Settings) -> list[tuple[str, str]]:
    """Layers, each with its number of parameters."""
    hidden, _, output, _ = network.parameters
    (inputs, units), (_, outputs) = hidden.value.shape, output.value.shape
    cost = COSTS["classification" if type(network.cost) is CrossEntropy else "regression"]
    first, second = (inputs + 1) * units, (units + 1) * outputs
    return [
        ("network", f"Linear {inputs} to {units}: {first:,} parameters"),
        ("", settings.activation.__name__),
        ("", f"Linear {units} to {outputs}: {second:,} parameters"),
        ("", f"{cost}; {first + second:,} parameters in all"),
    ]


def training_line(split: Split, settings: Settings) -> str:
    """Epochs, batches, optimizer, learning rate, decay and seed."""
    rows = len(split.y_train)
    batches = ceil(rows / settings.batch_size)
    decay = f", weight decay {weight_decay(rows):.3g}" if settings.optimizer == "adamw" else ""
    return (
        f"{settings.epochs} epochs of {batches:,} steps, batches of {settings.batch_size}, "
        f"{settings.optimizer} with learning rate {settings.learning_rate:g}{decay}, seed {settings.seed}"
    )


def checkpoints_line(folder: Path | None, every: int | None, resumed: str) -> str:
    """Where checkpoints go and how often, and the one that is gone on from; an empty text where there are none."""
    if folder is None:
        return ""
    often = "after every epoch" + ("" if every is None else f", and after every {every:,} steps")
    return f"{folder}, {often}" + (f"; goes on from {resumed}" if resumed else "")


class EpochLines:
    """Prints the first epoch, every k-th and the last of ``count``, each with its cost and held-out score."""

    def __init__(self, console: Console, task: str, count: int) -> None:
        self.console, self.task, self.count = console, task, count
        self.every = 1 if count <= MOST_LINES else ceil(count / 10)
        self.width = len("held-out ") + len(measure(task))
        self.shown = 0

    def __call__(self, epoch: Epoch) -> None:
        """Called by ``fit`` after each epoch."""
        number = epoch.number + 1
        if not self.shown:
            self.console.print(f"{'epoch':>6}  {'loss':>10}  held-out {measure(self.task)}", style="bold")
        if not self.shown or number in (1, self.count) or number % self.every == 0:
            self.console.print(f"{number:>6}  {epoch.cost:>10.5g}  {score(self.task, epoch.validation):>{self.width}}")
        self.shown += 1


def show_end(console: Console, task: str, history: History, seconds: float) -> None:
    """How long the epochs took that were trained now, and what was reached."""
    reached = next((epoch for epoch in reversed(history) if epoch.validation), None)
    held_out = "" if reached is None else f"; held-out {measure(task)} {score(task, reached.validation)}"
    console.print(f"\nTrained in {seconds:.1f} s{held_out}")


def show_judgement(console: Console, model: Model, rows: LabelledRows, judgement: Judgement) -> None:
    """Rows, cost, and accuracy or R²; of classes what always the same one would reach, and which is taken for which."""
    found, task = judgement.found, model.task
    lines = [("rows", f"{len(rows.y):,} from {rows.where}"), ("cost", f"{found['cost']:.5g} ({COSTS[task]})")]
    lines.append((measure(task), score(task, found)))
    if judgement.confusion is not None:
        counts = judgement.confusion.sum(axis=1)
        share = 100 * counts.max() / counts.sum()
        lines.append(("baseline", f"{share:.2f} %, the base rate of {model.classes[counts.argmax()]}"))
    show_grid(console, lines)
    if judgement.confusion is not None and len(model.classes) <= MOST_LINES:
        console.print()
        console.print(confusion_grid(model.classes, judgement.confusion.tolist()))


def confusion_grid(classes: Sequence[str], counts: Sequence[Sequence[int]]) -> Grid:
    """A row for each class, a column for each that it was taken for."""
    grid = Grid(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    grid.add_column("class \\ taken for", overflow="fold")
    for name in classes:
        grid.add_column(name, justify="right", overflow="fold")
    for name, row in zip(classes, counts, strict=True):
        grid.add_row(name, *map(str, row))
    return grid


def measure(task: str) -> str:
    """What is measured of rows that are not trained on."""
    return next(iter(METRICS[task]))


def score(task: str, found: dict[str, float]) -> str:
    """Accuracy in per cent, R² as a number."""
    value = found[measure(task)]
    if isnan(value):
        return "not defined: the target is the same in every row"
    return f"{100 * value:.2f} %" if task == "classification" else f"{value:.4g}"
