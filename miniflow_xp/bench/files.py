"""Reading runs, and writing files whole or not at all."""

import json
import os
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from miniflow_xp.bench.record import check
from miniflow_xp.bench.schema import WrongError
from miniflow_xp.errors import SettingError

FORMAT, VERSION = "miniflow_xp bench", 1
REMEDY = "Make one: miniflow-xp bench -o run.json"


def read_run(path: Path) -> dict[str, Any]:
    """A run that ``bench`` has written; raises SettingError where the file is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise refused(path, error.strerror or str(error)) from None
    except ValueError as error:
        raise refused(path, f"it is no JSON: {error}") from None
    except RecursionError:
        raise refused(path, "it is no JSON that can be read: it is nested too deeply") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise refused(path, "it was not written by miniflow-xp bench")
    if found.get("version") != VERSION:
        raise refused(path, f"its version is {found.get('version')}, and this program reads version {VERSION}")
    try:
        check(found)
    except WrongError as wrong:
        raise SettingError(f"{path}: {wrong.key}", wrong.got, wrong.expected, REMEDY) from None
    return found


def refused(path: Path, why: str) -> SettingError:
    """The error for a file."""
    return SettingError(str(path), why, "a run is JSON that bench has written", REMEDY)


def check_writable(path: Path) -> None:
    """Raise SettingError where a file cannot be written; nothing is left behind."""
    if path.is_dir():
        raise unwritable(path, "it is a folder")
    try:
        with TemporaryFile(dir=path.absolute().parent):
            return
    except OSError as error:
        raise unwritable(path, error.strerror or str(error)) from None


def write_text(path: Path, text: str) -> None:
    """Write a file as a whole: beside its place first, then moved there. Raises SettingError where it cannot be."""
    beside = path.absolute().parent / f".{path.name}.{os.getpid()}"
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise unwritable(path, error.strerror or str(error)) from None


def unwritable(path: Path, why: str) -> SettingError:
    """The error for an output."""
    return SettingError(f"--output {path}", "it cannot be written", why, "Choose another file")
