"""The command line for tests: in this process for speed, or in one of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from miniflow_xp.__main__ import main


@pytest.fixture
def no_colours_forced(monkeypatch):
    for name in ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def cli(capsys, tmp_path, monkeypatch, no_colours_forced):
    """Runs the command line in an empty folder; returns exit code, output and messages."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")

    def run(*arguments):
        try:
            code = main(arguments)
        except SystemExit as end:
            code = end.code
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def process(tmp_path, no_colours_forced, usual_signals):
    """Starts ``python -m miniflow_xp`` in an empty folder, warnings being errors."""
    root = str(Path(__file__).parent.parent)
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-W", "error", "-m", "miniflow_xp"]

    def start(*arguments, stdout=subprocess.PIPE, **settings):
        return subprocess.Popen(
            [*command, *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": path, **settings},
            text=True,
            stdout=stdout,
            stderr=subprocess.PIPE,
        )

    return start
