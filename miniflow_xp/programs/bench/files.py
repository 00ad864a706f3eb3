"""Runs in files."""

import json
from pathlib import Path

from miniflow_xp.errors import SettingError
from miniflow_xp.programs.bench.record import FORMAT, VERSION, Record
from miniflow_xp.programs.bench.schema import WrongError
from miniflow_xp.system.files import write

REMEDY = "Make one: miniflow-xp bench -o run.json"


def read_run(path: Path) -> Record:
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
        return Record.from_json(found)
    except WrongError as wrong:
        raise SettingError(f"{path}: {wrong.key}", wrong.got, wrong.expected, REMEDY) from None


def write_run(option: str, path: Path, run: Record) -> None:
    """Write the file that ``read_run`` reads; raises SettingError, which names the ``option``."""
    write(option, path, [json.dumps(run.to_json(), allow_nan=False).encode()])


def refused(path: Path, why: str) -> SettingError:
    """The error for a file."""
    return SettingError(str(path), why, "a run is JSON that bench has written", REMEDY)
