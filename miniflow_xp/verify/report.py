"""Verdicts of checks: as a table for people and as JSON for programs."""

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rich import box
from rich.console import Console
from rich.table import Table as Grid

from miniflow_xp.errors import SettingError

PASSED, FAILED, NOT_CHECKED = "passed", "failed", "not checked"


class Verdict(NamedTuple):
    """What came of a check; ``figures`` are numbers that were measured, ``note`` says why it failed or was left out."""

    number: int
    name: str
    verdict: str
    seconds: float
    figures: dict[str, Any]
    note: str


class CheckError(Exception):
    """A check found something wrong; ``figures`` are the numbers it had by then."""

    def __init__(self, text: str, figures: dict[str, Any] | None = None) -> None:
        super().__init__(text)
        self.figures = figures or {}


class MissingError(Exception):
    """A check lacks something that it needs."""


def check(number: int, name: str, function: Callable[[], dict[str, Any]]) -> Verdict:
    """Run one check. Whatever goes wrong in it, the others are to run: an error is a verdict."""
    start = time.perf_counter()
    figures: dict[str, Any] = {}
    try:
        figures, verdict, note = function(), PASSED, ""
    except MissingError as error:
        verdict, note = NOT_CHECKED, str(error)
    except CheckError as error:
        figures, verdict, note = error.figures, FAILED, str(error)
    except Exception as error:
        verdict, note = FAILED, f"{type(error).__name__}: {error}"
    return Verdict(number, name, verdict, time.perf_counter() - start, figures, note)


def expect(holds: bool, text: str, figures: dict[str, Any] | None = None) -> None:
    """Raise CheckError where something does not hold."""
    if not holds:
        raise CheckError(text, figures)


def show(console: Console, verdicts: Sequence[Verdict]) -> None:
    """One row a check."""
    grid = Grid(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    grid.add_column("", justify="right")
    grid.add_column("check", overflow="fold")
    grid.add_column("verdict", no_wrap=True)
    grid.add_column("s", justify="right", no_wrap=True)
    grid.add_column("measured, or why", overflow="fold")
    for v in verdicts:
        lines = [v.note] if v.note else []
        lines += [f"{name} {spell(value)}" for name, value in v.figures.items()]
        grid.add_row(str(v.number), v.name, v.verdict, f"{v.seconds:.1f}", "\n".join(lines))
    console.print(grid)
    counts = [f"{sum(v.verdict == kind for v in verdicts)} {kind}" for kind in (PASSED, FAILED, NOT_CHECKED)]
    console.print(f"\n{', '.join(counts)}.")


def spell(value: Any) -> str:
    """A figure for people."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def write_json(path: Path, about: dict[str, Any], verdicts: Sequence[Verdict]) -> None:
    """All of it as JSON; raises SettingError where the file cannot be written."""
    content = {**about, "checks": [v._asdict() for v in verdicts]}
    try:
        path.write_text(json.dumps(content, indent=1, default=str) + "\n", encoding="utf-8")
    except OSError as error:
        raise SettingError(
            "--output", f"{path} cannot be written", str(error.strerror or error), "Choose another file"
        ) from None
