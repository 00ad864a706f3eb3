"""Verdicts of checks, printed for people and written as JSON."""

import json
import time
from collections.abc import Callable, Sequence
from math import isfinite
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console

from miniflow_xp.system.files import write

PASSED, FAILED, NOT_CHECKED = "passed", "failed", "not checked"


class Verdict(NamedTuple):
    """The result of a check; ``figures`` are what it measured, ``note`` says why it failed or was left out."""

    number: int
    name: str
    verdict: str
    seconds: float
    figures: dict[str, Any]
    note: str


class Figures(dict[str, Any]):
    """What a check has measured, by name; ``tell(name, value)`` is called for each figure."""

    def __init__(self, tell: Callable[[str, Any], None] | None = None) -> None:
        super().__init__()
        self._tell = tell

    def __setitem__(self, name: str, value: Any) -> None:
        super().__setitem__(name, plain(value))
        if self._tell is not None:
            self._tell(name, self[name])


class CheckError(Exception):
    """A check found something wrong."""


class MissingError(Exception):
    """A check lacks something that it needs."""


def check(number: int, name: str, function: Callable[[Figures], None], figures: Figures | None = None) -> Verdict:
    """Run one check. An error in it is a verdict too, which keeps the figures measured before."""
    start = time.perf_counter()
    figures = Figures() if figures is None else figures
    try:
        function(figures)
        verdict, note = PASSED, ""
    except MissingError as error:
        verdict, note = NOT_CHECKED, str(error)
    except CheckError as error:
        verdict, note = FAILED, str(error)
    except Exception as error:
        verdict, note = FAILED, in_words(error)
    return Verdict(number, name, verdict, time.perf_counter() - start, dict(figures), note)


def in_words(error: Exception) -> str:
    """An error's type and message."""
    return f"{type(error).__name__}: {error}"


def expect(holds: bool, text: str) -> None:
    """Raise CheckError where something does not hold."""
    if not holds:
        raise CheckError(text)


def show(console: Console, verdict: Verdict) -> None:
    """Print a check in one line, then its figures and its note."""
    said = f"{verdict.number:2} {verdict.name}: {verdict.verdict}"
    after = f" after {verdict.seconds:.1f} s" if verdict.seconds else ""
    figures = [f"{name}: {spell(value)}" for name, value in verdict.figures.items()]
    for line in (said + after, *(f"   {text}" for text in (*figures, verdict.note) if text)):
        console.print(line, soft_wrap=True, markup=False, highlight=False)


def count(verdicts: Sequence[Verdict]) -> str:
    """3 passed, 0 failed, 12 not checked."""
    kinds = (PASSED, FAILED, NOT_CHECKED)
    return ", ".join(f"{sum(v.verdict == kind for v in verdicts)} {kind}" for kind in kinds)


def spell(value: Any) -> str:
    """A figure as text."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def plain(value: Any) -> Any:
    """A figure in JSON's types; anything else becomes text."""
    if isinstance(value, dict):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    known = value is None or isinstance(value, bool | int | str) or (isinstance(value, float) and isfinite(value))
    return value if known else str(value)


def write_json(path: Path, about: dict[str, Any], verdicts: Sequence[Verdict]) -> None:
    """Write all verdicts as JSON; raises SettingError where the file cannot be written."""
    content = {**about, "checks": [v._asdict() for v in verdicts]}
    write("--output", path, [(json.dumps(content, indent=1, allow_nan=False) + "\n").encode()])
