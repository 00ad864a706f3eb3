"""The progress bar of long work: a terminal's or a notebook's, and none elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Self, Union

from miniflow_xp.checks import shown
from miniflow_xp.errors import MiniflowError, PackageMissingError, SettingError
from miniflow_xp.training.position import Position, Source

if TYPE_CHECKING:
    from rich.console import Console

LONG = 1.0  # seconds of work that get no bar
REFRESHES = 4  # a second

Choice = Union[bool, None, "Console"]


class Bar:
    """Shows epoch, cost and the time that is left; without a console nothing."""

    def __init__(self, console: "Console | None", epochs: int, batches: Source, done: Position) -> None:
        self._console, self._epochs, self._steps = console, epochs, length(batches)
        self._start = time.perf_counter()
        self._before = self._units(done)
        self._shown: Any = None

    def update(self, position: Position, cost: float) -> None:
        """Show a new position; called a few times a second."""
        if self._console is None or (self._shown is None and time.perf_counter() < self._start + LONG):
            return
        with going_on():
            self._draw(self._console, position, cost)

    def _draw(self, console: "Console", position: Position, cost: float) -> None:
        if self._shown is None:
            self._shown = rich_bar(console)
            self._task = self._shown.add_task("", total=self._units(Position(self._epochs)) - self._before)
        what = f"epoch {min(position.epoch + 1, self._epochs)}/{self._epochs}, cost {cost:.4g}"
        self._shown.update(self._task, description=what, completed=self._units(position) - self._before)
        self._shown.start()

    def _units(self, position: Position) -> int:
        """Steps where an epoch's number of them is known, else epochs."""
        return position.epoch if self._steps is None else position.epoch * self._steps + position.batch

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._shown is not None:
            with going_on():
                self._shown.stop()


@contextmanager
def going_on() -> Iterator[None]:
    """A terminal that is gone does not end the training; rich would end the process for a pipe that closed."""
    with suppress(OSError, SystemExit):
        yield


def bar(choice: Choice, epochs: int, batches: Source, done: Position) -> Bar:
    """The Bar that was chosen; None: one on a terminal or in a notebook that can show it.

    Raises PackageMissingError where one was asked for without rich, which draws it.
    """
    return Bar(None if choice is False else console(choice), epochs, batches, done)


def console(choice: Choice) -> "Console | None":
    """Where to draw."""
    try:
        from miniflow_xp.system.terminal import stdout
    except ImportError:
        if choice is None:
            return None
        raise PackageMissingError(
            "fit, progress", "rich is not installed", "it draws the bar", "Run: pip install 'miniflow_xp[cli]'"
        ) from None
    if choice is not None and not isinstance(choice, bool):
        if not hasattr(choice, "is_terminal"):
            raise SettingError(
                "fit, progress", f"it is {shown(choice)}", "it is True, False, None, or a rich Console", "Leave it out"
            )
        return choice
    found = stdout()
    return found if choice or found.is_terminal or (found.is_jupyter and has_widgets()) else None


def has_widgets() -> bool:
    """Can a notebook draw a bar that moves?"""
    from importlib.util import find_spec

    return find_spec("ipywidgets") is not None


def rich_bar(console: "Console") -> Any:
    """rich's bar with the time that is left."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn()
    return Progress(*columns, console=console, transient=True, refresh_per_second=REFRESHES)


def length(batches: Source) -> int | None:
    """Steps of an epoch; None where their number is not known."""
    try:
        return len(batches)  # type: ignore[arg-type]  # that it has no length is one of the answers
    except (TypeError, MiniflowError):
        return None
