"""Output that cannot be written costs no results, and is told for what it is."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from model_files import contents

from miniflow_xp.checkpoints.lock import me
from miniflow_xp.system.outlet import Outlet

pytest_plugins = ["command_line"]  # the fixtures cli and process
pytestmark = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has another shell, and tells a closed pipe otherwise"
)

TRAIN = ("train", "--dataset", "diabetes", "--epochs", "30", "-o", "z.st")
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
TABLE = ["age,sex,bmi,bp,s1,s2,s3,s4,s5,s6", "59,2,32.1,101,157,93.2,38,4,4.9,87"]


@pytest.fixture
def shell(tmp_path, no_colours_forced):
    """Runs the command line in an empty folder, by a shell that puts ``before`` and ``after`` around it."""

    def run(*arguments, before="", after=""):
        return subprocess.run(
            [
                "sh",
                "-c",
                f'{before} exec "$0" "$@" {after}',
                sys.executable,
                "-W",
                "error",
                "-m",
                "miniflow_xp",
                *arguments,
            ],
            cwd=tmp_path,
            env=ENVIRONMENT,
            text=True,
            capture_output=True,
            check=False,
        )

    return run


@pytest.fixture
def model(cli, tmp_path):
    """A model in m.st, and rows for it in x.csv."""
    (tmp_path / "x.csv").write_text("\n".join(TABLE))
    assert cli(*TRAIN[:-1], "m.st")[0] == 0


@pytest.mark.parametrize("lines", [0, 7])
def test_a_reader_that_has_seen_enough_does_not_end_the_training(process, tmp_path, lines):
    with process(*TRAIN) as job:
        for _ in range(lines):
            assert job.stdout.readline()
        job.stdout.close()
        messages = job.stderr.read()
    assert (job.returncode, messages) == (0, "")
    assert np.isfinite(contents(tmp_path / "z.st")["hidden_weights"]).all()


FULL = pytest.param(
    ">/dev/full",
    "No space left on device",
    marks=pytest.mark.skipif(
        not os.path.exists("/dev/full"), reason="a device that is always full is a thing of Linux"
    ),
    id="full",
)
CLOSED = pytest.param(">&-", "it is closed", id="closed")


@pytest.mark.parametrize(("output", "why"), [FULL, CLOSED])
@pytest.mark.parametrize(
    "arguments",
    [TRAIN, ("predict", "m.st", "x.csv"), ("evaluate", "m.st", "x.csv"), ("info",), ("--help",)],
    ids=lambda a: a[0],
)
def test_an_output_that_takes_nothing_is_told_when_the_work_is_done(shell, model, tmp_path, arguments, output, why):
    if arguments[0] == "evaluate":
        (tmp_path / "x.csv").write_text(f"{TABLE[0]},progression\n{TABLE[1]},151\n{TABLE[1]},75")
    done = shell(*arguments, after=output)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"Error: standard output cannot be written: {why}\n"
    assert (tmp_path / "z.st").exists() == (arguments is TRAIN)


def test_a_reader_that_has_seen_enough_of_predictions_gets_no_more(process, model, tmp_path):
    (tmp_path / "x.csv").write_text("\n".join([TABLE[0]] + TABLE[1:] * 20_000))
    with process("predict", "m.st", "x.csv") as job:
        assert job.stdout.readline() == "prediction\n"
        job.stdout.close()
        messages = job.stderr.read()
    assert (job.returncode, messages) == (0, "")


def test_where_nothing_can_be_told_the_exit_code_tells_it(shell, tmp_path):
    assert shell("train", "--resume", after=">&- 2>&-").returncode == 1
    assert shell(*TRAIN, after="2>&-").returncode == 0
    assert (tmp_path / "z.st").exists()


def test_a_warning_that_nobody_reads_does_not_end_the_training(tmp_path):
    """The warning is that the run before was killed."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".lock").write_text(me())
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "miniflow_xp", *TRAIN, "--checkpoint", "run"]
    done = subprocess.run(command, cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=writer, check=False)
    os.close(writer)
    assert done.returncode == 0
    assert (tmp_path / "z.st").exists()


GONE = {
    "train": TRAIN,
    "checkpoints": (*TRAIN, "--checkpoint", "run"),
    "figure": (*TRAIN[:-2], "-o", "{}/z.st", "--save-plot", "x.svg"),
    "predict": ("predict", "{}/m.st", "{}/x.csv", "-o", "x.csv"),
}


@pytest.mark.parametrize("arguments", GONE.values(), ids=GONE)
def test_a_current_folder_that_was_deleted_is_told_before_the_work(shell, model, tmp_path, arguments):
    (tmp_path / "gone").mkdir()
    done = shell(*(a.replace("{}", str(tmp_path)) for a in arguments), before="cd gone && rmdir ../gone &&")
    assert (done.returncode, done.stdout) == (1, "")
    assert "the current folder is not there any more" in done.stderr
    assert done.stderr.count("\n") == 1


def test_what_is_named_from_the_root_is_written_from_a_folder_that_was_deleted(shell, model, tmp_path):
    (tmp_path / "gone").mkdir()
    names = [str(tmp_path / name) for name in ("m.st", "x.csv", "out.csv")]
    done = shell("predict", *names[:2], "-o", names[2], before="cd gone && rmdir ../gone &&")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "out.csv").exists()


def test_a_pipe_that_does_not_wait_is_waited_for():
    """Another program with the same standard output may have set it so."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    outlet = Outlet(writer)
    size = os.write(writer, bytes(2**20))  # as much as there is room for
    thread = threading.Thread(target=lambda: outlet.write(b"end"))
    thread.start()
    found = b""
    while not found.endswith(b"end"):
        found += os.read(reader, 65536)
    thread.join()
    assert (len(found), outlet.lost) == (size + 3, None)
    os.close(reader)
    os.close(writer)
