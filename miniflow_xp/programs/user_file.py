"""A user's Python file, which is run: the names that it leaves."""

import runpy
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from miniflow_xp.errors import MiniflowError
from miniflow_xp.system.callers import raising_line

Mistake: TypeAlias = Callable[[str, str], MiniflowError]
"""The error, from what came and what to do about it."""


def names_left_by(path: str, as_name: str, mistake: Mistake) -> dict[str, Any]:
    """The names that a file leaves when it is run as a module of this name; raises ``mistake``."""
    if not Path(path).is_file():
        raise mistake(f"there is no file {path}", "Name a file that is there")
    try:
        with as_script(path):
            return runpy.run_path(path, run_name=as_name)
    except (Exception, SystemExit) as error:
        raise mistake(f"{path} raises {told(error)}", "Mend the file") from error


@contextmanager
def as_script(path: str) -> Iterator[None]:
    """What Python does for a script: the modules beside it are found, and it has no arguments."""
    before = sys.argv, list(sys.path)
    sys.argv, sys.path[:0] = [path], [str(Path(path).resolve().parent)]
    try:
        yield
    finally:
        sys.argv, sys.path[:] = before


@contextmanager
def mistakes_told(mistake: Mistake, what: str) -> Iterator[None]:
    """A block in which whatever the user's code raises is a ``mistake``; ``what`` was run, in words."""
    try:
        yield
    except MiniflowError:
        raise
    except Exception as error:
        raise mistake(f"{what} raises {told(error)}", "Mend it") from error


def told(error: BaseException) -> str:
    """What was raised, and by which line of the user's."""
    said = f": {error}" if str(error) else ""
    line = raising_line(error.__traceback__)
    return f"{type(error).__name__}{said}" + (f" (at {line})" if ".py:" in line else "")
