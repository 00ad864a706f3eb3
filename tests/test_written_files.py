"""What ``train``, ``bench``, ``report``, ``advise`` and ``verify-gpu`` write: whole, or not at all."""

import errno
import json
import os
import stat
import sys
from types import SimpleNamespace

import bench_runs
import pytest

from miniflow_xp.errors import NoDeviceError
from miniflow_xp.programs.bench import cli as commands
from miniflow_xp.programs.train import train_command
from miniflow_xp.programs.verify import run as checks
from miniflow_xp.system import files

pytest_plugins = ["command_line"]  # the fixture cli
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither these permissions nor named pipes")

RUN = bench_runs.run(backends=("numpy:cpu",), rounds=6, sizes=(16, 64), nodes=("Linear",))
COMMANDS = {
    "train": ("train", "--dataset", "diabetes", "--epochs", "1", "-o"),
    "bench": ("bench", "--backends", "numpy", "-o"),
    "report": ("report", "run.json", "-o"),
    "advise": ("advise", "model.py:build", "--backends", "numpy", "-o"),
    "verify-gpu": ("verify-gpu", "-o"),
}


def no_gpu(choice):
    raise NoDeviceError(choice, "no GPU in this test", "one is needed", "Find one")


@pytest.fixture(params=list(COMMANDS))
def written_by(request, cli, monkeypatch, tmp_path):
    """Runs a command that writes a file of this name; the work before that is left out, and counted."""
    done = []

    def measured(*arguments, **settings):
        done.append(request.param)
        return bench_runs.record(RUN)

    train_and_show = train_command.train_and_show

    def trained(*arguments):
        done.append(request.param)
        train_and_show(*arguments)

    monkeypatch.setattr(train_command, "train_and_show", trained)
    monkeypatch.setattr(commands, "run", measured)
    monkeypatch.setattr(commands, "advise", lambda *a: ([], SimpleNamespace(along=lambda _: {}), measured()))
    monkeypatch.setattr(checks, "CHECKS", ())
    monkeypatch.setattr(checks, "load", no_gpu)
    (tmp_path / "run.json").write_text(json.dumps(RUN))
    (tmp_path / "model.py").write_text("")

    def start(name):
        code, _, told = cli(*COMMANDS[request.param], name)
        return code, told, len(done)

    return start


def test_a_link_stays_a_link_and_its_file_keeps_its_permissions(written_by, tmp_path):
    (tmp_path / "file").write_text("old")
    (tmp_path / "file").chmod(0o600)
    (tmp_path / "link").symlink_to("file")
    code, told, _ = written_by("link")
    assert (code, told) == (0, "")
    assert (tmp_path / "link").is_symlink()
    assert len((tmp_path / "file").read_bytes()) > 20
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600
    assert sorted(os.listdir(tmp_path)) == ["file", "link", "model.py", "run.json"]


@pytest.mark.parametrize("kind", ["pipe", "link to a pipe", "folder", os.devnull, "none/file"])
def test_what_is_no_file_stays_and_is_told_before_the_work(kind, written_by, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link to a pipe").symlink_to("pipe")
    (tmp_path / "folder").mkdir()
    code, told, worked = written_by(kind)
    assert (code, worked) == (1, 0)
    assert told.startswith(f"Error: --output {kind}: ")
    assert (tmp_path / "pipe").is_fifo()
    assert (tmp_path / "link to a pipe").is_symlink()
    assert not os.path.isfile(os.devnull)
    assert sorted(os.listdir(tmp_path)) == ["folder", "link to a pipe", "model.py", "pipe", "run.json"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_to_is_told_before_the_work(written_by, tmp_path):
    (tmp_path / "closed").mkdir(mode=0o500)
    code, told, worked = written_by("closed/file")
    assert (code, worked) == (1, 0)
    assert "you may not write there" in told


def test_a_full_disk_is_told_and_the_old_file_stays(written_by, tmp_path, monkeypatch):
    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "file").write_text("old")
    monkeypatch.setattr(files.os, "fsync", full)
    code, told, _ = written_by("file")
    assert code == 1
    assert told.startswith("Error: --output file: it could not be written: No space left on device")
    assert (tmp_path / "file").read_text() == "old"
    assert sorted(os.listdir(tmp_path)) == ["file", "model.py", "run.json"]


@pytest.mark.parametrize("arguments", [COMMANDS["report"] + ("run.json",), COMMANDS["advise"] + ("model.py",)])
def test_what_a_command_reads_is_not_overwritten(arguments, cli, tmp_path):
    for name in ("run.json", "model.py"):
        (tmp_path / name).write_text("kept")
    code, _, told = cli(*arguments)
    assert code == 1
    assert "it would be overwritten" in told
    assert {(tmp_path / name).read_text() for name in ("run.json", "model.py")} == {"kept"}
