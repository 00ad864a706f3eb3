"""What the commands of the suite show on the terminal: progress, sentences, tables."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Table

from miniflow_xp.programs.bench.compare import Changes, in_words
from miniflow_xp.programs.bench.findings import units
from miniflow_xp.programs.bench.run import Progress


@contextmanager
def shown() -> Iterator[Progress]:
    """A progress bar on the terminal; nothing where standard error is none."""
    terminal = Console(stderr=True)
    with Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        console=terminal,
        disable=not terminal.is_terminal,
        transient=True,
    ) as bar:
        task = bar.add_task("bench", total=1.0)
        yield lambda what, fraction: bar.update(task, description=what, completed=fraction)


def show(terminal: Console, said: Sequence[str]) -> None:
    """A sentence a line, as it is: square brackets in a name are no colours."""
    for sentence in said:
        terminal.print(sentence, soft_wrap=True, markup=False)


def advice_table(title: str, axis: str, rows: Mapping[int, dict[str, float]]) -> Table:
    """{size: {backend: seconds}}, a row a size, the least marked."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, title=title, caption="* the shortest")
    table.title_justify = table.caption_justify = "left"
    names = list(dict.fromkeys(name for seconds in rows.values() for name in seconds))
    for head in (axis, *names):
        table.add_column(head, justify="right")
    for size, seconds in rows.items():
        table.add_row(str(size), *marked(names, seconds))
    return table


def marked(names: Sequence[str], seconds: dict[str, float]) -> list[str]:
    """Times with their unit; the least has a star."""
    least = min(seconds.values(), default=0.0)
    return [
        f"{units.seconds(seconds[n])}{' *' if seconds[n] == least else '  '}" if n in seconds else "–" for n in names
    ]


def show_changes(changes: Changes, console: Console) -> None:
    """Print a table of all rows that are not SAME, the counts and the notes."""
    table = Table("", "row", "change", box=None, pad_edge=False)
    for row in changes.rows:
        if row.state != "SAME":
            mark = " ✗" if row in changes.failed else ""
            table.add_row(row.state + mark, escape(row.name), escape(in_words(row)))
    if table.row_count:
        console.print(table)
    console.print(changes.counts)
    for note in changes.notes:
        console.print(note, soft_wrap=True, markup=False)
