"""The command line as a user meets it: real processes for a few cases, the rest in this process for speed."""

import gzip
import os
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from conftest import HANGS
from model_files import contents
from rich.console import Console
from words import words

from miniflow_xp.data import load
from miniflow_xp.programs.train.display import EpochLines
from miniflow_xp.switch import available_backends
from miniflow_xp.training.history import Epoch

pytest_plugins = ["command_line"]  # the fixtures cli and process
CHECKPOINTS = Path(__file__).resolve().parent.parent / "docs" / "how-to" / "checkpoints.md"
QUICK = ("--dataset", "diabetes", "--epochs", "1")
PERSONS = "age,height,kind\n" + "".join(f"{n},{(n * 7) % 11}.5,{'old' if n > 30 else 'young'}\n" for n in range(60))


# -- train, in a process of its own


def test_the_main_job_in_a_process_of_its_own(process, tmp_path):
    with process("train") as job:
        output, messages = job.communicate(timeout=HANGS)
    assert (job.returncode, messages) == (0, "")
    assert float(re.search(r"held-out accuracy (\S+) %", output.splitlines()[-2])[1]) > 96
    assert "\x1b" not in output  # no progress bar, no colours: this is no terminal
    assert "digits-parameters.safetensors" in output
    assert (tmp_path / "digits-parameters.safetensors").exists()


def test_a_mistake_in_a_process_of_its_own(process, tmp_path):
    with process("train", "--data", "none.csv", "--target", "y") as job:
        messages = job.communicate(timeout=HANGS)[1]
    assert job.returncode == 1
    assert messages == "Error: none.csv: there is no such file: a table is a CSV file. Check its name and folder.\n"
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals in the standard library")
def test_a_terminal_shows_a_progress_bar(process):
    master, slave = os.openpty()
    with process("train", "--dataset", "diabetes", "--epochs", "6000", stdout=slave, TERM="xterm"):
        os.close(slave)
        shown = b""
        while chunk := read_terminal(master):
            shown += chunk
    os.close(master)
    assert "━".encode() in shown  # the bar
    assert shown.rstrip().endswith(b"diabetes-parameters.safetensors")


def read_terminal(master):
    """What the other side of a pseudo-terminal has written; nothing at its end."""
    try:
        return os.read(master, 65536)
    except OSError:  # Linux: the other side is closed
        return b""


@pytest.mark.parametrize("package", ["typer", "rich", "threadpoolctl"])
def test_without_the_extra_the_remedy_is_told(package, run_python):
    program = f"import sys; sys.modules[{package!r}] = None; from miniflow_xp.__main__ import main; sys.exit(main())"
    done = run_python(program, status=1)
    assert "Run: pip install 'miniflow_xp[cli]'" in done.stderr
    assert done.stderr.count("\n") == 1


def test_another_missing_package_is_not_mistaken_for_the_extra(run_python):
    program = "import sys; sys.modules['numpy'] = None; from miniflow_xp.__main__ import main; sys.exit(main())"
    assert "[cli]" not in run_python(program, status=1).stderr


# -- train, what it prints


def test_what_a_user_wants_to_see(cli):
    code, output, messages = cli("train", "--dataset", "diabetes", "--epochs", "3", "-o", "mine.safetensors")
    assert (code, messages) == (0, "")
    for text in [
        f"backend NumPy {np.__version__} on the CPU, float32",
        "data diabetes: 442 rows, 10 feature columns; target progression, numbers",
        "source B. Efron, T. Hastie",
        "task regression (whole numbers with 214 distinct values)",
        "split 354 rows to train on, 88 held out: drawn at random",
        "network Linear 10 to 128: 1,408 parameters ReLU Linear 128 to 1: 129 parameters",
        "1,537 parameters in all",
        "training 3 epochs of 12 steps, batches of 32, adamw with learning rate 0.003, weight decay 0.3, seed 0",
        "epoch loss held-out R²",
        "Parameters written to mine.safetensors",
    ]:
        assert text in words(output)
    assert len(re.findall(r"^ +\d+ +\d\.\d+ +-?\d\.\d+$", output, re.MULTILINE)) == 3
    assert re.search(r"Trained in \d+\.\d s; held-out R² -?\d\.\d+", output)


def test_the_backend_is_chosen_by_option_and_by_environment(cli, backend, monkeypatch):
    name = f"{backend.name}:{backend.device}"
    by_option = cli("train", *QUICK, "--backend", name)
    monkeypatch.setenv("MINIFLOW_BACKEND", "numpy")
    overridden = cli("train", *QUICK, "--backend", name)
    for code, output, _ in (by_option, overridden):
        assert code == 0
        assert backend.describe() in words(output)


def test_the_environment_chooses_backend_and_dtype(cli, monkeypatch):
    monkeypatch.setenv("MINIFLOW_BACKEND", "strict")
    monkeypatch.setenv("MINIFLOW_DTYPE", "float64")
    assert re.search(r"array-api-strict \S+ on the CPU, float64", cli("train", *QUICK)[1])


@pytest.mark.parametrize(
    ("epochs", "lines"), [(1, 1), (15, 15), (16, 9), (30, 11), (100, 11), (101, 11), (1999, 11), (10_000, 11)]
)
def test_of_many_epochs_about_ten_get_a_line(epochs, lines, capsys, no_colours_forced):
    line = EpochLines(Console(), "classification", epochs)
    for n in range(epochs):
        line(Epoch(n, n, 0.5, {"cost": 0.5, "accuracy": 0.25}, 1.0))
    shown = [int(number) for number in re.findall(r"^ *(\d+) .*25\.00 %$", capsys.readouterr().out, re.MULTILINE)]
    assert (shown[0], shown[-1], len(shown)) == (1, epochs, lines)


# -- what is left behind


def logits(saved, features):
    """The network of a saved file, in NumPy."""
    activation = {"ReLU": lambda z: np.maximum(z, 0), "Sigmoid": lambda z: 1 / (1 + np.exp(-z))}[saved["activation"]]
    limit = saved["feature_limit"]
    X = np.clip((features - saved["feature_mean"]) / saved["feature_scale"], -limit, limit)
    hidden = activation(X @ saved["hidden_weights"] + saved["hidden_biases"])
    return hidden @ saved["output_weights"] + saved["output_biases"]


def held_out_rows(table):
    return np.random.default_rng(0).permutation(len(table.target))[: round(0.2 * len(table.target))]


def test_the_saved_classifier_can_be_used_without_this_package(cli):
    accuracy = float(
        re.search(r"held-out accuracy (\S+) %\n", cli("train", "--epochs", "2")[1].partition("Trained")[2])[1]
    )
    digits = load("digits")
    saved = contents("digits-parameters.safetensors")
    names = [saved["classes"][n] for n in logits(saved, digits.features).argmax(axis=1)]
    assert saved["feature_names"] == list(digits.feature_names)
    assert (saved["task"], saved["target_name"]) == ("classification", "digit")
    for name, array in safetensors.numpy.load_file("digits-parameters.safetensors").items():  # the format's own reader
        assert (array.dtype, array.tobytes()) == (saved[name].dtype, saved[name].tobytes())
    shown = re.search(r"```python\n(.*?)```", CHECKPOINTS.read_text(encoding="utf-8"), re.DOTALL)[1]
    exec(shown, found := {})
    assert found["classes"] == saved["classes"]
    assert np.array_equal(found["weights"], saved["hidden_weights"])
    rows = held_out_rows(digits)
    right = np.mean([names[row] == digits.classes[digits.target[row]] for row in rows])
    assert 100 * right == pytest.approx(accuracy, abs=0.3)  # one of 359 rows may be a tie that rounding decides


def test_the_saved_regressor_predicts_in_the_units_of_the_table(cli):
    output = cli("train", "--dataset", "diabetes", "--epochs", "20")[1]
    diabetes = load("diabetes")
    saved = contents("diabetes-parameters.safetensors")
    predicted = (logits(saved, diabetes.features) * saved["target_scale"] + saved["target_mean"])[:, 0]
    rows = held_out_rows(diabetes)
    y = diabetes.target[rows]
    r2 = 1 - np.sum((y - predicted[rows]) ** 2) / np.sum((y - y.mean()) ** 2)
    printed = float(re.search(r"held-out R² (\S+)\n", output.partition("Trained")[2])[1])
    assert r2 == pytest.approx(printed, abs=1e-4)  # four digits are printed


# -- a user's own table


def test_a_table_of_ones_own(cli, tmp_path):
    (tmp_path / "persons[1].csv").write_text(PERSONS)
    code, output, _ = cli("train", "--data", "persons[1].csv", "--target", "kind", "--epochs", "40")
    assert code == 0
    assert "persons[1]: 60 rows, 2 feature columns; target kind, 2 classes" in words(output)
    assert "classification ('young' (line 2) is text)" in words(output)
    assert contents("persons[1]-parameters.safetensors")["classes"] == ["old", "young"]


def test_a_compressed_table_and_another_task(cli, tmp_path):
    (tmp_path / "p.csv.gz").write_bytes(gzip.compress(PERSONS.encode()))
    code, output, _ = cli("train", "--data", "p.csv.gz", "--target", "age", "--task", "regression", "--epochs", "1")
    assert code == 0
    assert "kind: 2 categories, a 0/1 column for each" in words(output)
    code, output, messages = cli("train", "--data", "p.csv.gz", "--target", "kind", "--task", "regression")
    assert (code, output) == (1, "")
    assert "'young' is not a number: regression predicts numbers" in messages


def test_names_that_the_output_cannot_show_do_not_stop_it(process, tmp_path):
    (tmp_path / "t.csv").write_text(PERSONS.replace("kind", "Größe→"), encoding="utf-8")
    arguments = ("train", "--data", "t.csv", "--target", "Größe→", "--epochs", "1")
    with process(*arguments, PYTHONIOENCODING="ascii") as job:
        output = job.communicate(timeout=HANGS)[0]
    assert job.returncode == 0
    assert "Gr??e?" in output


COMMAND = "\x1b]0;title\x07\x9b31m\u202e"  # to a terminal
ESCAPED = r"\x1b]0;title\x07\x9b31m\u202e"


def test_names_in_a_file_do_not_command_the_terminal(cli, tmp_path):
    (tmp_path / "t.csv").write_text(PERSONS.replace("kind", "kind" + COMMAND).replace("old", "old" + COMMAND))
    train = ("train", "--data", "t.csv", "--target", "kind" + COMMAND, "--epochs", "1", "-o", "m.safetensors")
    code, output, _ = cli(*train)
    assert code == 0
    assert "kind" + ESCAPED in "".join(output.split())
    told = [output, cli("train", "--data", "t.csv", "--target", "kin")[2], cli("train", "--data", "t.csv")[2]]
    (tmp_path / "u.csv").write_text(PERSONS.replace("kind", "kind" + COMMAND).replace("old", "new" + COMMAND))
    told.append(cli("evaluate", "m.safetensors", "u.csv")[2])
    assert all(ESCAPED in text.replace("\n", "").replace(" ", "") for text in told)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", "".join(told))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals in the standard library")
def test_predictions_do_not_command_the_terminal_but_a_file_has_all(process, cli, tmp_path):
    (tmp_path / "t.csv").write_text(PERSONS.replace("old", COMMAND))
    assert cli("train", "--data", "t.csv", "--target", "kind", "-o", "m.safetensors")[0] == 0
    assert COMMAND in cli("predict", "m.safetensors", "t.csv")[1]
    master, slave = os.openpty()
    with process("predict", "m.safetensors", "t.csv", stdout=slave):
        os.close(slave)
        text = b""
        while chunk := read_terminal(master):
            text += chunk
    os.close(master)
    assert ESCAPED.encode() in text
    assert b"\x1b" not in text


# -- mistakes

MISTAKES = {
    "epochs 0": (["--epochs", "0"], "--epochs: it is 0: it must be a whole number above 0"),
    "negative rate": (["--learning-rate", "-1"], "--learning-rate: it is -1"),
    "rate nan": (["--learning-rate", "nan"], "--learning-rate: it is nan"),
    "held-out 1": (["--held-out", "1"], "--held-out: it is 1: it must be a number above 0 and below 1"),
    "hidden 0": (["--hidden", "0"], "--hidden: it is 0"),
    "batch 0": (["--batch-size", "0"], "--batch-size: it is 0"),
    "seed": (["--seed", "-1"], "--seed: it is -1"),
    "data set": (
        ["--dataset", "iris"],
        "there are digits, diabetes. Choose one of these, or read your own table: --data FILE.csv, --target COLUMN.",
    ),
    "task": (["--task", "sorting"], "--task: it is 'sorting'"),
    "backend": (["--backend", "nunpy"], "Did you mean 'numpy'?"),
    "empty backend": (["--backend", ""], "backend ''"),
    "device": (["--backend", "numpy:cuda"], "this backend has no device but the CPU"),
    "file": (["--data", "none.csv", "--target", "y"], "none.csv: there is no such file"),
    "folder": (["--data", "."], ".: there is no train-images-idx3-ubyte in it, nor train-images-idx3-ubyte.gz"),
    "target of a folder": (["--data", ".", "--target", "y"], "--target: it came with .: a column is named in tables"),
    "column": (["--data", "my.csv", "--target", "kin"], "no column is named 'kin'"),
    "no target": (
        ["--data", "my.csv"],
        "my.csv: no target was named: the columns are age, height, kind. Name one: --target COLUMN.\n",
    ),
    "target alone": (["--target", "digit"], "--target: it came without --data"),
    "two tables": (["--data", "my.csv", "--target", "kind", "--dataset", "digits"], "--dataset: it came with --data"),
    "few rows": (
        ["--data", "my.csv", "--target", "kind", "--held-out", "0.001"],
        "60 to train on and 0 held out: each part needs at least 2. Add rows, or choose another --held-out.",
    ),
    "text": (
        ["--data", "my.csv", "--target", "kind", "--task", "regression"],
        "or read it with --task classification.",
    ),
    "no folder": (["-o", "nowhere/x.safetensors"], "there is no folder nowhere"),
    "output folder": (["-o", "."], "it is a folder"),
    "output is input": (["--data", "my.csv", "--target", "kind", "-o", "./my.csv"], "this is the data itself"),
}


@pytest.mark.parametrize(("arguments", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_message_before_training_starts(cli, tmp_path, arguments, message):
    (tmp_path / "my.csv").write_text(PERSONS)
    code, output, messages = cli("train", *arguments)
    assert (code, output) == (1, "")
    assert messages.startswith("Error: ")
    assert messages.count("\n") == 1
    assert message in messages
    assert [path.name for path in tmp_path.iterdir()] == ["my.csv"]
    assert (tmp_path / "my.csv").read_text() == PERSONS


@pytest.mark.parametrize("setting", ["MINIFLOW_BACKEND", "MINIFLOW_DTYPE"])
def test_a_malformed_environment(cli, monkeypatch, setting):
    monkeypatch.setenv(setting, "nonsense")
    code, output, messages = cli("train")
    assert (code, output) == (1, "")
    assert "'nonsense'" in messages


def test_a_file_that_may_not_be_written(cli, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write everywhere
    code, output, messages = cli("train", "-o", "x.safetensors")
    assert (code, output) == (1, "")
    assert "--output x.safetensors: you may not write there" in messages


def test_a_disk_that_is_full(cli, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    code, _, messages = cli("train", *QUICK, "-o", "x.safetensors")
    assert code == 1
    assert "--output x.safetensors: it could not be written: No space left on device" in messages
    assert not list(tmp_path.iterdir())


def test_an_unknown_option_is_the_usual_usage_error(cli):
    code, output, messages = cli("train", "--epoch-count", "3")
    assert (code, output) == (2, "")
    assert "--epoch-count" in messages


def test_training_that_diverges_says_where_and_writes_nothing(cli, tmp_path):
    code, _, messages = cli("train", "--dataset", "diabetes", "--learning-rate", "1e6")
    assert code == 1
    assert re.fullmatch(r"Error: .*step \d+, .*(inf|nan).*Lower --learning-rate, which is 1e\+06.*\n", messages)
    assert not list(tmp_path.iterdir())


# -- info


def test_info_shows_every_backend_and_what_runs_here(cli):
    code, output, _ = cli("info")
    assert code == 0
    for backend in available_backends():
        assert re.search(rf"^{backend.name} +{'yes' if backend.usable else 'no'} ", output, re.MULTILINE)
    for label in ("miniflow_xp", "Python", "platform", "array-api-compat", "BLAS of NumPy", "in use"):
        assert re.search(rf"^{label} +\S", output, re.MULTILINE)


@pytest.mark.parametrize("width", [40, 80, 200])
def test_info_loses_no_word_at_any_width(cli, width, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))
    _, output, _ = cli("info")
    assert max(map(len, output.splitlines())) <= width
    joined = "".join(output.partition("what is")[2].split())
    for backend in available_backends():
        for text in (backend.detail, backend.remedy):
            assert "".join(text.split()) in joined
    assert "…" not in output


def test_info_warns_of_a_kernel_that_is_forced(cli, monkeypatch):
    monkeypatch.delenv("OPENBLAS_CORETYPE", raising=False)
    assert "Warning" not in cli("info")[1]
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    assert "Warning: OPENBLAS_CORETYPE=Haswell forces OpenBLAS to the kernel Haswell" in words(cli("info")[1])


def test_info_works_where_the_backend_asked_for_does_not(cli, monkeypatch):
    monkeypatch.setenv("MINIFLOW_BACKEND", "nunpy")
    code, output, _ = cli("info")
    assert code == 0
    assert "in use nothing: backend 'nunpy': no backend has this name" in words(output)


def test_info_without_a_blas_that_can_be_seen(monkeypatch):
    from miniflow_xp.programs.info import blas_lines

    (line,) = blas_lines([])
    assert line.endswith("its kernel and threads cannot be seen")
    pool = {"user_api": "blas", "internal_api": "mkl", "version": "2025.1", "num_threads": 8}
    assert blas_lines([pool, {"user_api": "openmp"}]) == ["mkl 2025.1, kernel not told, 8 threads"]
