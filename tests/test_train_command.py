"""``train`` with checkpoints, dtypes, optimizers and figures, and what Ctrl-C leaves."""

import errno
import io
import os
import re
import shlex
import signal
import sys
import warnings
from contextvars import Context

import numpy as np
import pytest
from conftest import HANGS
from model_files import contents
from words import words

from miniflow_xp.checkpoints import Keeper
from miniflow_xp.engine.trainer import Trainer
from miniflow_xp.errors import DataError
from miniflow_xp.feed import float_setting
from miniflow_xp.programs.train.precision import chosen_dtype

pytest_plugins = ["command_line"]  # the fixtures cli and process

DIABETES = ("train", "--dataset", "diabetes", "--hidden", "5", "--batch-size", "50")  # 8 steps an epoch


def arrays(path):
    """What a file of parameters holds."""
    return {name: (v.dtype, v.tobytes()) if isinstance(v, np.ndarray) else v for name, v in contents(path).items()}


# -- data


def test_an_archive_is_trained_on_and_its_test_rows_are_held_out(cli):
    rng = np.random.default_rng(1)
    X = rng.integers(0, 256, (200, 4, 4), dtype="uint8")
    y = X[:, 0, 0] > 127
    np.savez("my.npz", x_train=X[:150], y_train=y[:150], x_test=X[150:], y_test=y[150:])
    code, output, messages = cli("train", "--data", "my.npz", "--epochs", "40")
    assert (code, messages) == (0, "")
    assert "my: 150 rows, 16 feature columns; target y, 2 classes" in words(output)
    assert "150 rows to train on, 50 held out: from my.npz, member 'x_test'" in words(output)
    assert float(re.search(r"held-out accuracy (\S+) %\n", output.partition("Trained")[2])[1]) > 80


# -- choices


def test_the_option_for_the_dtype_holds_for_the_command_alone():
    before = dict(os.environ)
    with chosen_dtype("float64"):
        with chosen_dtype("float32"):
            assert float_setting() == "float32"
        assert float_setting() == "float64"
        assert Context().run(float_setting) is None  # as another thread sees it
        assert dict(os.environ) == before
    assert float_setting() is None


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_the_option_goes_before_the_environment(cli, dtype, monkeypatch):
    monkeypatch.setenv("MINIFLOW_DTYPE", "float32")
    code, output, _ = cli(*DIABETES, "--epochs", "1", "--dtype", dtype, "-o", "x.st")
    assert code == 0
    assert f"on the CPU, {dtype}" in words(output)
    assert arrays("x.st")["hidden_weights"][0] == dtype
    assert cli("predict", "x.st", "none.npy")[2].startswith("Error: none.npy: there is no such file")
    assert "float32" in cli(*DIABETES, "--epochs", "1")[1]  # the option is forgotten afterwards


def test_bfloat16_where_the_backend_has_it(cli):
    pytest.importorskip("torch", reason="of the backends on a CPU only torch and jax have bfloat16")
    code, output, _ = cli(*DIABETES, "--epochs", "1", "--dtype", "bfloat16", "--backend", "torch", "-o", "x.st")
    assert code == 0
    assert "bfloat16" in output
    assert arrays("x.st")["hidden_weights"][0] == "float32"  # which holds it exactly
    code, output, messages = cli(*DIABETES, "--dtype", "bfloat16")
    assert (code, output) == (1, "")
    assert messages.startswith("Error: --dtype: it is bfloat16: numpy on cpu stores float32")


@pytest.mark.parametrize(("optimizer", "rate"), [("momentum", "0.001"), ("adam", "0.001"), ("sgd", "0.01")])
def test_the_optimizer_and_its_usual_rate_are_shown(cli, optimizer, rate):
    output = words(cli(*DIABETES, "--epochs", "1", "--optimizer", optimizer)[1])
    assert f"{optimizer} with learning rate {rate}, seed 0" in output


# -- checkpoints


def test_a_run_in_two_parts_ends_with_the_parameters_of_one(cli, tmp_path):
    run = (*DIABETES, "--optimizer", "adam")
    whole = cli(*run, "--epochs", "6", "-o", "whole.st")[1]
    assert cli(*run, "--epochs", "4", "--checkpoint", "run", "-o", "part.st")[0] == 0
    code, output, messages = cli(*run, "--epochs", "6", "--checkpoint", "run", "--resume", "-o", "resumed.st")
    assert (code, messages) == (0, "")
    assert arrays("resumed.st") == arrays("whole.st") != arrays("part.st")
    lines = [line for line in whole.splitlines() if re.match(r" +[56] ", line)]
    assert len(lines) == 2
    assert [line for line in output.splitlines() if re.match(r" +\d ", line)] == lines
    assert "run, after every epoch; goes on from step-000000000032.safetensors" in words(output)


def test_resume_where_there_is_nothing_begins(cli):
    run = (*DIABETES, "--epochs", "2", "-o", "x.st")
    assert cli(*run)[0] == 0
    expected = arrays("x.st")
    assert cli(*run, "--checkpoint", "new/run", "--resume")[0] == 0
    assert arrays("x.st") == expected


def test_resume_of_what_is_done_writes_the_parameters_again(cli, tmp_path, backend):
    run = (*DIABETES, "--epochs", "2", "--checkpoint", "run", "-o", "x.st")
    first = cli(*run)[1]
    expected = arrays("x.st")
    (tmp_path / "x.st").unlink()
    code, output, messages = cli(*run, "--resume")
    assert (code, messages) == (0, "")
    assert arrays("x.st") == expected
    reached = re.compile(r"held-out R² (\S+)\n")
    assert reached.findall(output)[-1] == reached.findall(first)[-1]


def test_checkpoints_every_so_many_steps(cli, tmp_path):
    output = cli(*DIABETES, "--epochs", "1", "--checkpoint", "run", "--checkpoint-every", "3")[1]
    assert "run, after every epoch, and after every 3 steps" in words(output)
    assert [path.name for path in Keeper(tmp_path / "run").paths()] == [
        f"step-{step:012}.safetensors" for step in (3, 6, 8)
    ]


RESUMED = {
    "hidden": (["--hidden", "6"], "shape"),
    "optimizer": (["--optimizer", "adam"], "optimizer"),
    "batches": (["--batch-size", "40"], "batch_size of the batches was 50 and is 40"),
    "seed": (["--seed", "1"], "seed of the batches was 0 and is 1"),
    "rows": (["--held-out", "0.3"], "rows of the batches"),
    "dtype": (["--dtype", "float64"], "float64"),
}


@pytest.mark.parametrize(("arguments", "message"), RESUMED.values(), ids=RESUMED)
def test_going_on_with_something_else_is_told(cli, tmp_path, arguments, message):
    run = (*DIABETES, "--checkpoint", "run")
    assert cli(*run, "--epochs", "1")[0] == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    code, _, messages = cli(*run, "--epochs", "2", "--resume", *arguments)
    assert code == 1
    assert message in messages
    assert {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before


def test_going_on_with_other_data_is_told(cli, tmp_path):
    def table(path, factor):
        lines = [f"{n * factor},{n % 7},{n * n % 11 + 0.5}" for n in range(60)]
        (tmp_path / path).write_text("a,b,y\n" + "\n".join(lines))

    table("one.csv", 1)
    table("two.csv", 2)
    run = ("train", "--target", "y", "--epochs", "1", "--checkpoint", "run")
    assert cli(*run, "--data", "one.csv")[0] == 0
    code, _, messages = cli(*run, "--data", "two.csv", "--resume")
    assert code == 1
    assert "data of the batches was" in messages


def test_a_damaged_checkpoint_is_left_out_with_a_warning(cli, tmp_path):
    run = (*DIABETES, "--checkpoint", "run", "-o", "x.st")
    assert cli(*run, "--epochs", "3")[0] == 0
    expected = arrays("x.st")
    last = Keeper(tmp_path / "run").paths()[-1]
    last.write_bytes(last.read_bytes()[:-1])
    with warnings.catch_warnings():
        warnings.simplefilter("always")  # in tests they are errors
        code, output, messages = cli(*run, "--epochs", "3", "--resume")
    assert code == 0
    assert "goes on from step-000000000016.safetensors" in words(output)  # the one before it
    assert messages.startswith("Warning: This checkpoint is left out.")
    assert messages.count("\n") == 1
    assert arrays("x.st") == expected


def test_a_full_disk_for_checkpoints_leaves_the_parameters(cli, tmp_path, monkeypatch):
    def full(*_, **__):
        raise DataError("run", "it could not be written", "No space left on device", "Make room")

    assert cli(*DIABETES, "--epochs", "1", "-o", "whole.st")[0] == 0
    monkeypatch.setattr(Keeper, "save", full)
    code, output, messages = cli(*DIABETES, "--epochs", "1", "--checkpoint", "run", "-o", "x.st")
    assert code == 1
    assert "No space left on device" in messages
    assert "Parameters written to x.st" in output
    assert arrays("x.st") == arrays("whole.st")


def warned(cli, *arguments):
    """What the command gives where warnings are shown; in tests they are errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        return cli(*arguments)


def test_a_resumed_run_keeps_its_learning_rate_unless_another_is_given(cli):
    run = (*DIABETES, "--optimizer", "sgd", "--checkpoint", "run", "-o", "x.st", "--resume")
    assert cli(*run, "--epochs", "1", "--learning-rate", "0.02")[0] == 0
    code, output, messages = cli(*run, "--epochs", "2")
    assert (code, messages) == (0, "")
    assert "sgd with learning rate 0.02, seed 0" in words(output)
    code, output, messages = warned(cli, *run, "--epochs", "3", "--learning-rate", "0.5")
    assert code == 0
    assert re.fullmatch(r"Warning: SGD goes on with other settings .*: learning_rate was 0.02, and is 0.5\n", messages)
    assert "sgd with learning rate 0.5, seed 0" in words(output)
    code, output, messages = cli(*run, "--epochs", "4")  # now its own
    assert (code, messages) == (0, "")
    assert "sgd with learning rate 0.5, seed 0" in words(output)


def test_a_resumed_run_that_diverges_names_the_rate_that_it_used(cli):
    run = (*DIABETES, "--checkpoint", "run", "--checkpoint-every", "1")
    assert cli(*run, "--learning-rate", "1e6")[0] == 1
    for rate, arguments in ((1e6, []), (1e5, ["--learning-rate", "1e5"])):
        code, _, messages = warned(cli, *run, "--resume", *arguments)
        assert code == 1
        assert f"Lower --learning-rate, which is {rate:g}" in messages


def test_another_kind_of_the_same_optimizer_is_told(cli):
    run = (*DIABETES, "--checkpoint", "run", "-o", "x.st")
    assert cli(*run, "--epochs", "1", "--optimizer", "sgd")[0] == 0
    code, output, messages = warned(cli, *run, "--epochs", "2", "--resume", "--optimizer", "momentum")
    assert code == 0
    assert messages.count("\n") == 1
    assert re.match(r"Warning: SGD goes on with other .*: momentum was 0.0, and is 0\.9\n", messages)
    assert "momentum with learning rate 0.01, seed 0" in words(output)  # that of the run so far


@pytest.mark.parametrize("more", [[], ["--resume"]])
def test_a_folder_that_another_run_is_at_work_in_is_told_before_training(cli, tmp_path, more):
    with Keeper("run"):
        code, output, messages = cli(*DIABETES, "--checkpoint", "run", *more)
    assert (code, output) == (1, "")
    assert messages.startswith(f"Error: run: process {os.getpid()} on ")
    assert not list((tmp_path / "run").iterdir())


# -- Ctrl-C and other signals


def test_ctrl_c_in_the_first_epoch_where_no_checkpoint_can_be_saved(cli, monkeypatch, usual_signals):
    def full(*_, **__):
        raise DataError("run", "it could not be written", "No space left on device", "Make room")

    step = Trainer.step

    def interrupted_step(*arguments):
        cost = step(*arguments)
        signal.raise_signal(signal.SIGINT)
        return cost

    monkeypatch.setattr(Keeper, "save", full)
    monkeypatch.setattr(Trainer, "step", interrupted_step)
    code, output, messages = cli(*DIABETES, "--epochs", "3", "--checkpoint", "run", "-o", "x.st")
    assert code == 1
    assert "No space left on device" in messages
    assert "Parameters written to x.st" in output
    assert np.isfinite(contents("x.st")["hidden_weights"]).all()


SIGNALS = {"SIGINT": ("Ctrl-C", 130), "SIGTERM": ("SIGTERM", 143), "SIGHUP": ("SIGHUP", 129)}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl-C to a whole console, not to one process")
@pytest.mark.parametrize("name", SIGNALS)
def test_a_signal_saves_everything_and_tells_the_command_that_goes_on(process, cli, tmp_path, name):
    run = (*DIABETES, "--epochs", "100000", "--checkpoint", "my run", "-o", "x.st")
    code, messages = interrupted(process, run, name)
    told, expected = SIGNALS[name]
    assert code == expected
    found = re.fullmatch(
        rf"Stopped by {told} in epoch (\d+), after step (\d+)\.\nGo on with: (.*)\n", messages, re.DOTALL
    )
    epoch, step, command = int(found[1]), int(found[2]), shlex.split(found[3])
    assert command == ["miniflow-xp", *run, "--resume"]
    assert Keeper(tmp_path / "my run").latest().meta["step"] == step
    again = [str(epoch + 1) if part == "100000" else part for part in command[1:]]  # a little further
    assert cli(*again)[0] == 0
    resumed = arrays("x.st")
    assert cli(*DIABETES, "--epochs", str(epoch + 1), "-o", "whole.st")[0] == 0
    assert resumed == arrays("whole.st")  # as if nothing had happened


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl-C to a whole console, not to one process")
def test_ctrl_c_without_checkpoints_writes_the_parameters(process, tmp_path):
    code, messages = interrupted(process, (*DIABETES, "--epochs", "100000", "--save-plot", "c.svg"), "SIGINT")
    assert code == 130
    assert re.fullmatch(
        r"Stopped by Ctrl-C in epoch \d+, after step \d+\.\n"
        r"To be able to go on, train with --checkpoint FOLDER\.\n",
        messages,
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.svg", "diabetes-parameters.safetensors"]
    assert len(arrays(tmp_path / "diabetes-parameters.safetensors")) > 4


def interrupted(process, arguments, name):
    """Exit code and messages of a process that gets a signal after its first epoch."""
    with process(*arguments) as job:
        while not job.stdout.readline().startswith("     1 "):
            assert job.poll() is None
        job.send_signal(getattr(signal, name))
        messages = job.communicate(timeout=HANGS)[1]
    return job.returncode, messages


# -- the figure


@pytest.mark.parametrize(("name", "start"), [("costs.png", b"\x89PNG"), ("costs.svg", b"<?xml")])
def test_the_costs_are_drawn(cli, tmp_path, name, start):
    pytest.importorskip("matplotlib", reason="it draws the figure")
    code, output, messages = cli(*DIABETES, "--epochs", "2", "--save-plot", name)
    assert (code, messages) == (0, "")
    assert output.endswith(f"Costs drawn in {name}\n")
    assert (tmp_path / name).read_bytes().startswith(start)


def test_without_matplotlib_nothing_is_trained(cli, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    code, output, messages = cli(*DIABETES, "--save-plot", "c.png")
    assert (code, output) == (1, "")
    assert messages.startswith("Error: --save-plot: matplotlib is not installed")
    assert not list(tmp_path.iterdir())


# -- mistakes

MISTAKES = {
    "resume": (["--resume"], "--resume: it came without --checkpoint: checkpoints lie in a folder"),
    "every": (["--checkpoint-every", "5"], "--checkpoint-every: it came without --checkpoint"),
    "every 0": (["--checkpoint", "run", "--checkpoint-every", "0"], "--checkpoint-every: it is 0"),
    "folder of another run": (["--checkpoint", "old"], "--checkpoint old: it holds the checkpoints of another run"),
    "checkpoint is a file": (["--checkpoint", "file"], "--checkpoint file: it is a file"),
    "optimizer": (["--optimizer", "adm"], "--optimizer: it is 'adm': it is one of sgd, momentum, rmsprop, adam, adamw"),
    "dtype": (["--dtype", "float8"], "--dtype: 'float8' is not a dtype it takes"),
    "integer dtype": (["--dtype", "int32"], "--dtype: 'int32' is not a dtype it takes"),
    "no figure": (["--save-plot", "x.jpg"], "--save-plot x.jpg: its name ends in '.jpg': a figure is .png or .svg"),
    "figure nowhere": (["--save-plot", "no/x.png"], "--save-plot no/x.png: there is no folder no"),
    "figure is a folder": (["--save-plot", "f.svg"], "--save-plot f.svg: it is a folder"),
    "figure below a file": (["--save-plot", "file/x.png"], "--save-plot file/x.png: file is a file"),
    "figure is the output": (["--save-plot", "x.svg", "-o", "x.svg"], "--save-plot x.svg: this is where --output goes"),
    "checkpoints below a file": (["--checkpoint", "file/run/1"], "--checkpoint file/run/1: file is a file"),
    "output below a file": (["-o", "file/x.st"], "--output file/x.st: file is a file"),
    "output of a long name": (["-o", "x" * 253 + ".st"], "File name too long"),
    "data below a file": (["--data", "file/x.csv", "--target", "y"], "file/x.csv: it cannot be read: Not a directory"),
    "folder below a file": (["--data", "file/x", "--target", "y"], "file/x: it cannot be read: Not a directory"),
}
if sys.platform == "win32":  # there, what is below a file is just not there
    MISTAKES = {name: mistake for name, mistake in MISTAKES.items() if not name.endswith("below a file")}


@pytest.mark.parametrize(("arguments", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_message_before_training_starts(cli, tmp_path, arguments, message):
    (tmp_path / "file").write_text("")
    (tmp_path / "f.svg").mkdir()
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "step-000000000001.safetensors").write_text("")
    before = sorted(tmp_path.rglob("*"))
    code, output, messages = cli("train", *arguments)
    assert (code, output) == (1, "")
    assert messages.startswith("Error: ")
    assert messages.count("\n") == 1
    assert message in messages
    assert sorted(tmp_path.rglob("*")) == before


EMPTY = [
    ("train", "--checkpoint", ""),
    ("train", "--data", ""),
    ("train", "-o", ""),
    ("train", "--save-plot", ""),
    ("predict", "", "x.csv"),
    ("predict", "m.st", ""),
    ("predict", "m.st", "x.csv", "-o", ""),
    ("evaluate", "m.st", ""),
]


@pytest.mark.parametrize("arguments", EMPTY, ids=" ".join)
def test_a_name_that_is_empty_is_not_the_current_folder(cli, tmp_path, arguments):
    code, output, messages = cli(*arguments)
    assert (code, output) == (2, "")
    assert "it is empty. Name a file or a folder" in words(messages)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
@pytest.mark.parametrize("arguments", [(), ("--resume",)])
def test_a_pipe_in_the_place_of_a_folder_or_a_checkpoint_is_not_waited_for(cli, tmp_path, arguments):
    os.mkfifo(tmp_path / "pipe")
    code, output, messages = cli(*DIABETES, "--checkpoint", "pipe", *arguments)
    assert (code, output) == (1, "")
    assert messages.startswith("Error: --checkpoint pipe: it is a pipe")
    (tmp_path / "run").mkdir()
    os.mkfifo(tmp_path / "run" / "step-000000000001.safetensors")
    code, output, messages = warned(cli, *DIABETES, "--epochs", "1", "--checkpoint", "run", *arguments)
    assert code == (0 if arguments else 1)
    assert ("This checkpoint is left out" if arguments else "it holds the checkpoints of another run") in messages


SECRET = {
    "checkpoint": ["--checkpoint", "secret/run"],
    "figure": ["--save-plot", "secret/x.png"],
    "output": ["-o", "secret/x.st"],
    "table": ["--data", "secret/x.csv", "--target", "y"],
    "archive": ["--data", "secret/x.npz"],
    "folder": ["--data", "secret"],
    "no end": ["--data", "secret/x", "--target", "y"],
}


@pytest.mark.parametrize("arguments", SECRET.values(), ids=SECRET)
def test_a_folder_that_may_not_be_looked_into_is_one_message(cli, tmp_path, arguments, monkeypatch):
    """Root may look everywhere: the system's answer is put in its place."""
    (tmp_path / "secret").mkdir()

    def denied(call):
        def asked(path, *more, **options):
            if "secret/" in os.fsdecode(path) if isinstance(path, str | bytes | os.PathLike) else False:
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fsdecode(path))
            return call(path, *more, **options)

        return asked

    monkeypatch.setattr(os, "stat", denied(os.stat))
    monkeypatch.setattr(io, "open", denied(open))
    code, output, messages = cli("train", *arguments)
    assert (code, output) == (1, "")
    assert re.fullmatch(r"Error: .*secret/.*Permission denied.*\n", messages)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may look and write everywhere")
@pytest.mark.parametrize("arguments", SECRET.values(), ids=SECRET)
def test_a_folder_without_permission(cli, tmp_path, arguments):
    (tmp_path / "secret").mkdir(mode=0)
    try:
        code, output, messages = cli("train", *arguments)
    finally:
        (tmp_path / "secret").chmod(0o700)
    assert (code, output) == (1, "")
    assert re.fullmatch(r"Error: .*secret.*\n", messages)


@pytest.mark.parametrize("folder", ["old", "old/new/run"])
def test_checkpoints_where_nobody_may_write(cli, tmp_path, folder, monkeypatch):
    (tmp_path / "old").mkdir()
    access = os.access  # root may write everywhere
    monkeypatch.setattr(
        os, "access", lambda path, mode: access(path, mode) and not (mode & os.W_OK and str(path) == "old")
    )
    code, output, messages = cli("train", "--checkpoint", folder)
    assert (code, output) == (1, "")
    assert messages.startswith(f"Error: --checkpoint {folder}: you may not write to old: ")


def test_the_files_of_a_folder_of_data_are_not_written_over(cli, tmp_path):
    """Neither one that is read, nor one that would be read in the place of what is."""
    (tmp_path / "idx").mkdir()
    rng = np.random.default_rng(0)
    for name, array in (("images-idx3", rng.integers(0, 256, (40, 2, 2))), ("labels-idx1", np.arange(40) % 2)):
        header = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
        (tmp_path / "idx" / f"train-{name}-ubyte").write_bytes(header + array.astype("uint8").tobytes())
    before = {path.name: path.read_bytes() for path in (tmp_path / "idx").iterdir()}
    for name in (
        "train-labels-idx1-ubyte",
        "train-images-idx3-ubyte",
        "train-labels.idx1-ubyte",
        "t10k-images-idx3-ubyte",
    ):
        code, output, messages = cli("train", "--data", "idx", "--epochs", "1", "-o", f"idx/{name}")
        assert (code, output) == (1, "")
        assert messages.startswith(f"Error: --output idx/{name}: this is the data itself: it would be overwritten")
    assert {path.name: path.read_bytes() for path in (tmp_path / "idx").iterdir()} == before
    assert cli("train", "--data", "idx", "--epochs", "1", "-o", "idx/model.st")[0] == 0
