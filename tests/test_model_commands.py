"""``predict`` and ``evaluate``: every kind of data, and files that are no models."""

import csv
import gzip
import io
import json
import os
import re
import sys
import zipfile

import numpy as np
import pytest
from idx_files import TEST, TRAIN, idx
from model_files import contents, sealed, write, write_archive, write_first, write_npz

from miniflow_xp.checkpoints import header
from miniflow_xp.data import load, sheet
from miniflow_xp.data.columns import read_columns
from miniflow_xp.data.encoding import Column
from miniflow_xp.errors import DataError
from miniflow_xp.programs.train import loading
from miniflow_xp.programs.train.judging import class_finder

pytest_plugins = ["command_line"]  # the fixtures cli and process

RNG = np.random.default_rng(2)
SHAPES = RNG.integers(0, 256, (90, 3, 2), dtype="uint8")
KINDS = (SHAPES[:, 0, 0] // 86 + 3).astype("uint8")  # classes 3, 4 and 5


@pytest.fixture
def model(cli, tmp_path):
    """A model of shapes, in model.st, with the data that it was trained on."""
    for names, rows in ((TRAIN, slice(60)), (TEST, slice(60, None))):
        (tmp_path / names[0]).write_bytes(idx(SHAPES[rows]))
        (tmp_path / names[1]).write_bytes(gzip.compress(idx(KINDS[rows])))
    assert cli("train", "--data", ".", "--epochs", "5", "-o", "model.st", "--hidden", "8")[0] == 0
    return tmp_path / "model.st"


@pytest.fixture
def regressor(cli, tmp_path):
    """A model of the diabetes data, and these as a table."""
    output = cli("train", "--dataset", "diabetes", "--epochs", "3", "-o", "model.st")[1]
    table = load("diabetes")
    write_table(tmp_path / "all.csv", [*table.feature_names, "progression"], np.c_[table.features, table.target])
    return float(re.search(r"held-out R² (\S+)\n", output.partition("Trained")[2])[1])


def write_table(path, names, rows):
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([names, *rows.tolist()])


def by_hand(path, X):
    """Logits, or predictions, of a model's file in NumPy."""
    saved = contents(path)
    X = np.clip((X - saved["feature_mean"]) / saved["feature_scale"], -saved["feature_limit"], saved["feature_limit"])
    z = X @ saved["hidden_weights"] + saved["hidden_biases"]
    hidden = np.maximum(z, 0) if saved["activation"] == "ReLU" else 1 / (1 + np.exp(-z))
    return hidden @ saved["output_weights"] + saved["output_biases"], saved


def parsed(text):
    header, *rows = csv.reader(io.StringIO(text))
    return header, rows


# -- predict


def test_classes_and_their_probabilities(cli, model):
    code, output, messages = cli("predict", "model.st", TEST[0])
    assert (code, messages) == (0, "")
    header, rows = parsed(output)
    assert header == ["prediction", "probability"]
    logits, _ = by_hand(model, SHAPES[60:].reshape(30, 6).astype("float64"))
    softmax = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert [row[0] for row in rows] == [str(n + 3) for n in logits.argmax(axis=1)]
    assert [float(row[1]) for row in rows] == pytest.approx(softmax.max(axis=1), rel=1e-4)  # float32, six digits


def test_every_kind_of_data_gives_the_same(cli, model, tmp_path):
    rows = SHAPES[60:]
    expected = cli("predict", "model.st", TEST[0])[1]
    (tmp_path / "x.gz").write_bytes(gzip.compress(idx(rows)))
    np.save("x.npy", rows)
    np.savez("one.npz", X=rows)
    np.savez_compressed("test.npz", x_train=rows[:1], x_test=rows.reshape(30, 6))
    names = [f"x{r}_{c}" for r in range(3) for c in range(2)]
    order = RNG.permutation(6)
    write_table(
        tmp_path / "x.csv", ["id", *np.array(names)[order]], np.c_[np.arange(30), rows.reshape(30, 6)[:, order]]
    )
    for data in (".", "x.gz", "x.npy", "one.npz", "test.npz", "x.csv"):
        assert cli("predict", "model.st", data) == (0, expected, ""), data


def test_without_files_for_a_test_those_for_training_are_taken(cli, model, tmp_path):
    for name in TEST:
        (tmp_path / name).unlink(missing_ok=True)
        (tmp_path / f"{name}.gz").unlink(missing_ok=True)
    assert len(cli("predict", "model.st", ".")[1].splitlines()) == 61


def test_numbers_in_the_units_of_the_target(cli, regressor, tmp_path):
    assert cli("predict", "model.st", "all.csv", "-o", "out.csv") == (0, "", "")
    header, rows = parsed((tmp_path / "out.csv").read_text())
    assert header == ["prediction"]
    found, saved = by_hand("model.st", load("diabetes").features)
    expected = found[:, 0] * saved["target_scale"] + saved["target_mean"]
    assert [float(row[0]) for row in rows] == pytest.approx(expected, rel=1e-5)  # the network is in float32


def test_many_rows_in_parts_are_predicted_as_few(cli, model):
    many = np.concatenate([SHAPES] * 30)  # 2,700 rows, three parts
    np.save("many.npy", many)
    np.save("few.npy", SHAPES)
    few = cli("predict", "model.st", "few.npy")[1].splitlines()[1:]
    assert cli("predict", "model.st", "many.npy")[1].splitlines()[1:] == few * 30


def test_on_every_backend(cli, model, backend):
    expected = parsed(cli("predict", "model.st", TEST[0])[1])[1]
    code, output, _ = cli("predict", "model.st", TEST[0], "--backend", f"{backend.name}:{backend.device}")
    assert code == 0
    assert [row[0] for row in parsed(output)[1]] == [row[0] for row in expected]


def test_names_of_classes_may_hold_commas(cli, tmp_path):
    rows = np.array([[n, (n * 7) % 5, 'b, or "c"' if n > 20 else "a"] for n in range(40)], dtype=object)
    write_table(tmp_path / "t.csv", ["n", "m", "kind"], rows)
    assert cli("train", "--data", "t.csv", "--target", "kind", "-o", "model.st")[0] == 0
    _, found = parsed(cli("predict", "model.st", "t.csv")[1])
    assert {row[0] for row in found} == {"a", 'b, or "c"'}
    assert "accuracy  100.00 %" in cli("evaluate", "model.st", "t.csv")[1]


def test_classes_that_a_spreadsheet_would_calculate_are_escaped_and_found_again(cli, tmp_path):
    names = ["=1+2", "+A1", "-B2", "@SUM(A1)", "'=1", "-1", "+1", "plain", "'quoted'", "＝A1"]
    rows = np.array([[n, *np.eye(10, dtype=int)[n % 10], names[n % 10]] for n in range(100)], dtype=object)
    columns = ["n", *(f"x{n}" for n in range(10))]
    write_table(tmp_path / "t.csv", [*columns, "kind"], rows)
    assert cli("train", "--data", "t.csv", "--target", "kind", "-o", "model.st")[0] == 0
    found = [row[0] for row in parsed(cli("predict", "model.st", "t.csv")[1])[1]]
    assert found[:10] == ["'=1+2", "'+A1", "'-B2", "'@SUM(A1)", "''=1", "-1", "+1", "plain", "'quoted'", "'＝A1"]
    assert "accuracy  100.00 %" in cli("evaluate", "model.st", "t.csv")[1]
    write_table(tmp_path / "predicted.csv", [*columns, "kind"], np.c_[rows[:, :-1], np.array(found, dtype=object)])
    assert "accuracy  100.00 %" in cli("evaluate", "model.st", "predicted.csv")[1]


# -- evaluate


def test_evaluate_gives_what_training_gave(cli, model):
    trained = cli("train", "--data", ".", "--epochs", "5", "-o", "again.safetensors", "--hidden", "8")[1]
    accuracy = re.search(r"held-out accuracy (\S+ %)\n", trained.partition("Trained")[2])[1]
    code, output, messages = cli("evaluate", "again.safetensors", ".")
    assert (code, messages) == (0, "")
    assert re.search(r"^rows +30 from t10k-images-idx3-ubyte", output, re.MULTILINE)
    assert f"accuracy  {accuracy}" in output
    logits, _ = by_hand("again.safetensors", SHAPES[60:].reshape(30, 6).astype("float64"))
    logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
    cost = -logits[np.arange(30), KINDS[60:] - 3].mean()
    assert float(re.search(r"^cost +(\S+) \(CrossEntropy\)", output, re.MULTILINE)[1]) == pytest.approx(cost, rel=1e-4)


def test_evaluate_an_archive_and_a_table_with_another_target(cli, model, tmp_path):
    right = KINDS.copy()
    right[:45] = 9 - right[:45] - 1  # some are wrong now: 3 and 5 change places
    np.savez("known.npz", X=SHAPES, y=right)
    output = cli("evaluate", "model.st", "known.npz")[1]
    names = [f"x{r}_{c}" for r in range(3) for c in range(2)]
    write_table(tmp_path / "known.csv", [*names, "shape"], np.c_[SHAPES.reshape(90, 6), right])
    other = cli("evaluate", "model.st", "known.csv", "--target", "shape")[1]
    logits, _ = by_hand(model, SHAPES.reshape(90, 6).astype("float64"))
    expected = f"{100 * np.mean(logits.argmax(axis=1) + 3 == right):.2f} %"
    assert expected in output
    assert expected in other


NAMES = {
    "leading zeros": ("00501", "501", "01501"),
    "versions": ("3.1", "3.10", "3.11"),
    "spellings": ("1e5", "100000", "1e05"),
    "long": ("1234567890123456788", "1234567890123456789", "1234567890123456790"),
    "decimals": ("1.0", "2.0", "3.0"),
}


@pytest.mark.parametrize("names", NAMES.values(), ids=NAMES)
def test_classes_stay_as_they_stand_from_training_to_evaluation(cli, tmp_path, names):
    rows = np.array([[n, n // 20, names[n // 20]] for n in range(60)], dtype=object)
    write_table(tmp_path / "t.csv", ["n", "m", "kind"], rows)
    options = ("--target", "kind", "--task", "classification", "-o", "model.st")
    assert cli("train", "--data", "t.csv", *options)[0] == 0
    assert [row[0] for row in parsed(cli("predict", "model.st", "t.csv")[1])[1]] == rows[:, 2].tolist()
    assert "accuracy  100.00 %" in cli("evaluate", "model.st", "t.csv")[1]


def test_integer_labels_of_an_archive_stay_as_they_are(cli):
    y = np.arange(60) // 20 + 2**60
    X = np.c_[np.arange(60), np.arange(60) // 20]
    np.savez("t.npz", X=X, y=y)
    assert cli("train", "--data", "t.npz", "--epochs", "200", "-o", "model.st")[0] == 0
    assert {row[0] for row in parsed(cli("predict", "model.st", "t.npz")[1])[1]} == set(map(str, y.tolist()))
    assert "accuracy  100.00 %" in cli("evaluate", "model.st", "t.npz")[1]
    np.savez("t.npz", X=X, y=y + 1)
    assert f"at [40]: class '{2**60 + 3}'" in cli("evaluate", "model.st", "t.npz")[2]


@pytest.mark.parametrize(
    ("classes", "cells", "found"),
    [
        (("3", "4"), ["3", "4.0", "3.00"], [0, 1, 0]),
        (("3.0", "4.0"), ["3", "4.0", "4.00"], [0, 1, 1]),
        (("3", "3.0"), ["3", "3.0", "3.00"], [0, 1, None]),
        (("501", "3.1"), ["00501", "3.10", "501.0"], [None, None, 0]),
        (("3.10", "3.1"), ["3.10.0", "3.1.0"], [None, None]),
        (("3", "4"), [3, 4.0, 5], [0, 1, None]),
    ],
)
def test_a_class_is_found_by_its_text_and_whole_numbers_in_both_spellings(classes, cells, found):
    assert list(map(class_finder(classes), cells)) == found


def test_evaluate_a_regression(cli, regressor):
    output = cli("evaluate", "model.st", "all.csv")[1]
    predicted = np.array([float(row[0]) for row in parsed(cli("predict", "model.st", "all.csv")[1])[1]])
    y = load("diabetes").target
    r2 = 1 - np.sum((y - predicted) ** 2) / np.sum((y - y.mean()) ** 2)
    assert float(re.search(r"^R² +(\S+) *$", output, re.MULTILINE)[1]) == pytest.approx(r2, abs=1e-4)
    assert "(MSE of the standardised target)" in output


def test_equal_targets_have_no_r_squared(cli, regressor, tmp_path):
    table = load("diabetes")
    write_table(tmp_path / "one.csv", [*table.feature_names, "progression"], np.c_[table.features[:1], [[151]]])
    assert "not defined: the target is the same in every row" in cli("evaluate", "model.st", "one.csv")[1]


# -- mistakes

HEADER = "x0_0,x0_1,x1_0,x1_1,x2_0,x2_1,y\n"
MISTAKES = {
    "no model": (["predict", "none.npz", "."], "none.npz: there is no such file: a model is read. Check"),
    "model is data": (["predict", "data.npz", "."], "data.npz: it has no 'task': a model is a file that"),
    "model is a table": (["predict", "good.csv", "."], ": a model is a file that 'miniflow-xp train' wrote"),
    "model is an image": (["predict", TRAIN[0], "."], ": a model is a file that 'miniflow-xp train' wrote"),
    "model is a folder": (["evaluate", ".", "."], ".: it is a folder"),
    "no data": (["predict", "model.st", "none.csv"], "none.csv: there is no such file"),
    "no archive": (["predict", "model.st", "none.npz"], "none.npz: there is no such file"),
    "column missing": (["predict", "model.st", "short.csv"], "no column is named 'x2_1': the model reads it"),
    "text": (["predict", "model.st", "text.csv"], "text.csv, line 2, column 'x0_1': 'red' is not a number"),
    "ragged": (["predict", "model.st", "ragged.csv"], "ragged.csv, line 3: it has 6 cells: the header line has 7"),
    "empty": (["predict", "model.st", "header.csv"], "header.csv: it has a header line and nothing more"),
    "width": (["predict", "model.st", "wide.npy"], "its rows have 7 numbers, in shape (7,): the model takes 6"),
    "nan": (["predict", "model.st", "nan.npy"], "nan.npy, at [1, 2]: it is nan"),
    "labels": (["predict", "model.st", TRAIN[1]], "it is uint8 in shape (60,)"),
    "no rows": (["predict", "model.st", "none.npy"], "none.npy: it is uint8 in shape (0, 3, 2), without a row"),
    "output is a file of the folder": (["predict", "model.st", ".", "-o", TRAIN[0]], f"{TRAIN[0]}: this is the data"),
    "output is data": (["predict", "model.st", "good.csv", "-o", "good.csv"], "good.csv: this is the data itself"),
    "output is model": (["predict", "model.st", "good.csv", "-o", "model.st"], "model.st: this is the model itself"),
    "no folder": (["predict", "model.st", "good.csv", "-o", "no/x.csv"], "--output no/x.csv: there is no folder no"),
    "backend": (["predict", "model.st", "good.csv", "--backend", "nunpy"], "Did you mean 'numpy'?"),
    "no targets": (["evaluate", "model.st", "wide.npy"], "wide.npy: it is one array: evaluation needs features and a"),
    "target": (["evaluate", "model.st", "good.csv", "--target", "z"], "no column is named 'z'"),
    "target of a folder": (["evaluate", "model.st", ".", "--target", "y"], "--target: it came with ."),
    "unknown class": (["evaluate", "model.st", "good.csv"], "column 'y', line 3: class '7': the model knows 3, 4, 5"),
    "unknown label": (["evaluate", "model.st", "data.npz"], "member 'y', at [4]: class '9': the model knows 3, 4, 5"),
    "lengths": (["evaluate", "model.st", "lengths.npz"], "member 'y': it has 89 targets"),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_message(cli, model, tmp_path, arguments, message):
    (tmp_path / "good.csv").write_text(HEADER + "1,2,3,4,5,6,3\n" + "1,2,3,4,5,6,7\n")
    (tmp_path / "short.csv").write_text("x0_0,x0_1,x1_0,x1_1,x2_0\n1,2,3,4,5\n")
    (tmp_path / "text.csv").write_text(HEADER + "1,red,3,4,5,6,3\n")
    (tmp_path / "ragged.csv").write_text(HEADER + "1,2,3,4,5,6,3\n1,2,3,4,5,6\n")
    (tmp_path / "header.csv").write_text(HEADER)
    np.save("wide.npy", np.zeros((3, 7)))
    np.save("nan.npy", np.where(np.arange(18).reshape(3, 6) == 8, np.nan, 1.0))
    np.save("none.npy", SHAPES[:0])
    np.savez("data.npz", X=SHAPES, y=np.where(np.arange(90) == 4, 9, KINDS))
    np.savez("lengths.npz", X=SHAPES, y=KINDS[:89])
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    code, output, messages = cli(*arguments)
    assert (code, output) == (1, "")
    assert messages.startswith("Error: ")
    assert messages.count("\n") == 1
    assert message in messages
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither named pipes nor such permissions")
def test_an_output_that_is_no_file_stays_what_it_is(cli, model, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    for arguments in (["predict", "model.st", TEST[0]], ["train", "--dataset", "diabetes"]):
        for name in ("pipe", "link"):
            code, output, messages = cli(*arguments, "-o", name)
            assert (code, output) == (1, "")
            assert messages.startswith(f"Error: --output {name}: it is a pipe")
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither named pipes nor such permissions")
def test_an_output_that_is_written_again_keeps_its_permissions(cli, model, tmp_path):
    (tmp_path / "out.csv").write_text("old")
    (tmp_path / "out.csv").chmod(0o640)
    assert cli("predict", "model.st", TEST[0], "-o", "out.csv") == (0, "", "")
    assert (tmp_path / "out.csv").stat().st_mode & 0o777 == 0o640


def test_only_the_arrays_that_are_asked_for_are_read(cli, model):
    """Texts beside them are no matter."""
    expected = cli("predict", "model.st", TEST[0])[1]
    names = np.array(["a", "b"])
    np.savez("x.npz", X=SHAPES[60:], y=names, names=names)
    assert cli("predict", "model.st", "x.npz") == (0, expected, "")
    np.savez("known.npz", X=SHAPES[60:], y=KINDS[60:], names=names)
    assert cli("evaluate", "model.st", "known.npz")[0] == 0
    with zipfile.ZipFile("known.npz", "a") as archive:
        archive.writestr("readme.txt", "not an array")
    assert cli("evaluate", "model.st", "known.npz")[0] == 0
    code, _, messages = cli("evaluate", "model.st", "x.npz")
    assert code == 1
    assert re.fullmatch(
        r"Error: x\.npz, member 'y\.npy', offset .*'<U1' is none of numbers: .*class numbers.*\n", messages
    )


def test_a_mistake_far_below_leaves_no_half_of_a_file(cli, model, tmp_path):
    lines = ["1,2,3,4,5,6,3"] * 3000 + ["1,2,3,4,5,?,3"]
    (tmp_path / "long.csv").write_text(HEADER + "\n".join(lines))
    (tmp_path / "out.csv").write_text("old")
    code, _, messages = cli("predict", "model.st", "long.csv", "-o", "out.csv")
    assert (code, (tmp_path / "out.csv").read_text()) == (1, "old")
    assert "line 3002, column 'x2_1'" in messages
    assert not list(tmp_path.glob(".*"))


def test_an_output_that_is_not_finite_is_told(cli, model, tmp_path):
    found = contents(model)
    write("model.st", found | {"output_weights": found["output_weights"] * 0 + 3e38})
    code, _, messages = cli("predict", "model.st", TEST[0])
    assert code == 1
    assert re.search(r"row \d+: the network's output is not finite", messages)


def test_a_command_without_its_arguments_is_the_usual_usage_error(cli):
    for command in ("predict", "evaluate"):
        code, output, messages = cli(command)
        assert (code, output) == (2, "")
        assert "MODEL" in messages


@pytest.mark.parametrize("command", ["train", "predict", "evaluate"])
def test_help_has_examples(cli, command):
    code, output, _ = cli(command, "--help")
    assert code == 0
    assert output.count(f"Example: miniflow-xp {command} ") >= 2


# -- files that are no models


DAMAGED = {
    "array missing": (lambda a: a.pop("output_biases"), "it has no 'output_biases'"),
    "names missing": (lambda a: a.pop("feature_names"), "it has no 'feature_names'"),
    "shape": (lambda a: a.update(hidden_weights=a["hidden_weights"].T), "'hidden_weights': it is float32 in shape"),
    "no hidden units": (lambda a: a.update(hidden_weights=a["hidden_weights"][:, :0]), "in shape (6, 0)"),
    "integers": (lambda a: a.update(output_weights=a["output_weights"].astype(int)), "it is int64 in shape"),
    "two dtypes": (lambda a: a.update(hidden_biases=a["hidden_biases"].astype("f8")), "'hidden_biases': it is float64"),
    "two layers": (
        lambda a: a.update({k: a[k].astype("f8") for k in ("output_weights", "output_biases")}),
        "array 'output_weights': it is float64: hidden_weights is float32",
    ),
    "nan": (lambda a: a["hidden_weights"].__setitem__((0, 0), np.nan), "array 'hidden_weights': it holds nan"),
    "infinity": (lambda a: a["feature_mean"].__setitem__(0, np.inf), "array 'feature_mean': it holds infinity"),
    "scale 0": (lambda a: a["feature_scale"].__setitem__(0, 0), "array 'feature_scale'"),
    "negative limit": (lambda a: a.update(feature_limit=np.array(-1.0)), "or the limit, is not above 0"),
    "infinite limit": (lambda a: a.update(feature_limit=np.array(np.inf)), "'feature_limit': it holds infinity"),
    "activation": (lambda a: a.update(activation="exec"), "with activation 'exec'"),
    "task": (lambda a: a.update(task="regression"), "array 'output_weights': the network has 3 outputs"),
    "classes": (lambda a: a.update(classes=["a", "b"]), "array 'classes': there are 2"),
    "classes twice": (lambda a: a.update(classes=["a", "b", "b"]), "array 'classes': 3 texts"),
    "several texts": (lambda a: a.update(target_name=["y", "z"]), "array 'target_name': it is ['y', 'z']"),
    "one text": (lambda a: a.update(classes="a"), "array 'classes': it is a"),
}  # fmt: skip
DAMAGED_NOW = {
    **DAMAGED,
    "classes are numbers": (lambda a: a.update(classes=[0, 1, 2]), "array 'classes': it is [0, 1, 2]"),
    "infinite scale": (lambda a: a["feature_scale"].__setitem__(0, np.inf), "'feature_scale': infinity is at other"),
    "constant": (lambda a: a["feature_constant"].__setitem__(0, True), "'feature_scale': infinity is at other places"),
    "no flags": (lambda a: a.pop("feature_constant"), "it has no 'feature_constant'"),
    "flags": (lambda a: a.update(feature_constant=np.zeros(6)), "'feature_constant': it is float64 in shape (6,)"),
    "half of a pair": (lambda a: a.update(classes=["a", "b", "\ud800"]), "surrogates not allowed: a model is a file"),
}
IN_ARCHIVES = {
    "text for numbers": (lambda a: a.update(hidden_biases=np.array(["a"] * 8)), "member 'hidden_biases.npy', offset"),
}
DAMAGED_ARCHIVE = {**DAMAGED_NOW, **IN_ARCHIVES}
del DAMAGED_ARCHIVE["half of a pair"]  # as UTF-8 it is not written; as an escape it is below
DAMAGED_FIRST = {
    **DAMAGED,
    **IN_ARCHIVES,
    "classes are numbers": (lambda a: a.update(classes=np.arange(3)), "dtype '<i8' is none of texts"),
    "classes are bytes": (lambda a: a.update(classes=np.array([b"a", b"b", b"c"])), "dtype '|S1' is none of texts"),
    "classes are empty": (lambda a: a.update(classes=np.array(["", "", ""]).astype("U0")), "array 'classes': 3 texts"),
    "pickled": (lambda a: a.update(classes=np.array([{}, [], ()], dtype=object)), "member 'classes.npy'"),
    "no character": (lambda a: a.update(target_name=np.array([0x110000], "<u4").view("<U1")[0:1]), "no array of texts"),
}


@pytest.mark.parametrize(
    ("form", "damage", "message"),
    [
        *(pytest.param(write, *damaged, id=name) for name, damaged in DAMAGED_NOW.items()),
        *(pytest.param(write_archive, *damaged, id=f"{name}, archive") for name, damaged in DAMAGED_ARCHIVE.items()),
        *(pytest.param(write_first, *damaged, id=f"{name}, first") for name, damaged in DAMAGED_FIRST.items()),
    ],
)
def test_a_file_that_is_no_model_is_told(model, form, damage, message):
    found = contents(model)
    damage(found)
    form(model, found)
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        loading.load_model(model)
    assert "model.st" in caught.value.where


TEXTS = {
    "no JSON": (b"{", "member 'texts.npy': it is no JSON"),
    "no UTF-8": (b"\xff", "it is no JSON"),
    "no object": (b"[]", "it is JSON, []"),
    "a key twice": (b'{"task": "a", "task": "b"}', "it is no JSON: a key comes twice"),
    "half of a pair": (b'{"task": "\\ud800"}', "surrogates not allowed"),
    "nested without end": (b"[" * 100_000, "it is no JSON"),
}


@pytest.mark.parametrize(("content", "message"), TEXTS.values(), ids=TEXTS)
def test_texts_that_are_none_are_told(model, content, message):
    arrays = {name: value for name, value in contents(model).items() if isinstance(value, np.ndarray)}
    write_npz(model, **arrays, texts=np.frombuffer(content, "uint8"))
    with pytest.raises(DataError, match=re.escape(message)):
        loading.load_model(model)


@pytest.mark.parametrize("form", [write_archive, write_first])
def test_a_model_of_an_earlier_version_is_read(model, form):
    good = npy_values(loading.load_model(model))
    found = contents(model)
    form(model, found)
    assert npy_values(loading.load_model(model)) == good
    big = {name: value.astype(value.dtype.newbyteorder(">")) for name, value in found.items() if "weights" in name}
    form(model, found | big)  # of a machine with the other byte order
    assert npy_values(loading.load_model(model)) == good
    found["feature_scale"][2], found["feature_constant"][2] = np.inf, True
    form(model, found)
    assert np.isinf(loading.load_model(model).features.scale).tolist() == [n == 2 for n in range(6)]


@pytest.mark.parametrize("form", [write, write_archive, write_first])
def test_a_damaged_file_is_an_error_of_ours_and_never_another_model(model, form):
    """Bytes changed, cut off, put in: checksums see each, unless it changes nothing that is read."""
    form(model, contents(model))
    whole, good = model.read_bytes(), npy_values(loading.load_model(model))
    refused = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        data = bytearray(whole)
        place = int(rng.integers(len(data)))
        kind = seed % 4
        if kind == 0:
            data[place] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            del data[place:]
        elif kind == 2:
            data[place:place] = rng.bytes(int(rng.integers(1, 9)))
        else:
            data[place : place + 4] = rng.bytes(4)
        model.write_bytes(data)
        try:
            found = loading.load_model(model)
        except DataError:
            refused += 1
        else:
            assert npy_values(found) == good
    assert refused > 300


def npy_values(model):
    """All that a model says."""
    numbers = [parameter.value.tobytes() for parameter in model.network.parameters]
    scale = (model.features.mean.tobytes(), model.features.scale.tobytes(), model.features.limit)
    return numbers, scale, model.task, model.columns, model.classes, model.target_name, model.dtype


PATTERNS = [np.inf, -np.inf, np.nan, 1e300, 0.0]


def of_a_checkpoint(path):
    """The parts of a file by name, and a function that writes it with other parts and a checksum that is right."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    meta = len(json.dumps(header.pop("__metadata__"), ensure_ascii=False, separators=(",", ":")).encode())
    spans = {name: tuple(start + n for n in entry["data_offsets"]) for name, entry in header.items()}
    spans |= {"length": (0, 8), "metadata": (8, 8 + meta), "places": (8 + meta, start)}

    def write_parts(parts):
        path.write_bytes(sealed(b"".join(parts[name] for name in sorted(spans, key=spans.get))))

    return {name: data[first:end] for name, (first, end) in spans.items()}, write_parts


def of_an_archive(path):
    write_archive(path, contents(path))
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}

    def write_parts(parts):
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in parts.items():
                archive.writestr(name, content)

    return members, write_parts


@pytest.mark.parametrize("name", ["model", "regressor"])
@pytest.mark.parametrize("form", [of_a_checkpoint, of_an_archive])
def test_a_changed_model_never_holds_what_is_no_number(request, tmp_path, name, form):
    """The same with checksums that are right: numbers are looked at, not only bytes."""
    request.getfixturevalue(name)
    path = tmp_path / "model.st"
    parts, write_parts = form(path)
    texts = ("texts.npy", "length", "metadata", "places")
    refused = 0
    for seed in range(500):
        rng = np.random.default_rng(seed)
        name = list(parts)[seed % len(parts)]
        data = bytearray(parts[name])
        if seed % 3 and name not in texts:
            size, first = (8, 0) if name.startswith(("feature_", "target_")) else (4, 0)
            if name.endswith(".npy"):
                first = 128
            with np.errstate(over="ignore"):
                number = np.array(PATTERNS[seed % len(PATTERNS)], f"<f{size}").tobytes()
            place = first + size * int(rng.integers((len(data) - first + size - 1) // size))
            data[place : place + len(number)] = number
            data = data[: len(parts[name])]
        else:
            data[int(rng.integers(len(data)))] ^= 1 << int(rng.integers(8))
        write_parts(parts | {name: bytes(data)})
        try:
            found = loading.load_model(path)
        except DataError:
            refused += 1
            continue
        numbers = [parameter.value for parameter in found.network.parameters]
        numbers += [part for scaling in (found.features, found.target) if scaling for part in scaling[:2]]
        assert all(np.isfinite(part).all() for part in numbers), name
        assert np.isfinite(found.features.limit)
    assert refused > 130


def test_the_names_take_what_they_take(cli, tmp_path):
    """Not as many times the longest of them as there are."""
    names = [*(f"column {n}" for n in range(2499)), "x" * 100_000]
    write_table(tmp_path / "wide.csv", [*names, "y"], np.c_[RNG.integers(0, 9, (20, 2500)), np.arange(20) % 2])
    assert cli("train", "--data", "wide.csv", "--target", "y", "--epochs", "1", "--hidden", "1")[0] == 0
    assert (tmp_path / "wide-parameters.safetensors").stat().st_size < 400_000
    assert cli("predict", "wide-parameters.safetensors", "wide.csv")[0] == 0


def test_a_model_whose_names_took_too_much_is_read(model):
    """80 MB, as an earlier version wrote for 20,000 names of which one had 1,000 characters."""
    found = contents(model)
    names = ["x" * 1000, *map(str, range(19_999))]
    for name, value in {
        "hidden_weights": np.ones((20_000, 8), "f4"),
        "feature_mean": 0.0,
        "feature_scale": 1.0,
    }.items():
        found[name] = value if np.ndim(value) else np.full(20_000, value)
    write_first(model, found | {"feature_names": names})
    assert [column.name for column in loading.load_model(model).columns] == names


class Counted(str):
    """A text that counts how often it is compared."""

    __hash__ = str.__hash__
    compared = 0

    def __eq__(self, other):
        Counted.compared += 1
        return str.__eq__(self, other)


def test_columns_are_found_without_a_look_at_all_others(tmp_path):
    names = [f"x{n}" for n in range(3000)]
    write_table(tmp_path / "wide.csv", names[::-1], np.arange(6000).reshape(2, 3000))
    (part,) = read_columns(tmp_path / "wide.csv", [Column(Counted(name)) for name in names])
    assert part.features[0].tolist() == list(range(3000))[::-1]
    assert Counted.compared < 10 * len(names)


def test_a_wide_table_is_read_in_smaller_parts(tmp_path, monkeypatch):
    monkeypatch.setattr(sheet, "CELLS", 1000)
    write_table(tmp_path / "wide.csv", [f"x{n}" for n in range(300)], np.zeros((10, 300)))
    parts = list(read_columns(tmp_path / "wide.csv", [Column("x7")]))
    assert [len(part.lines) for part in parts] == [3, 3, 3, 1]


def test_a_prediction_that_overflows_in_its_own_units_is_told(cli, regressor):
    found = contents("model.st")
    write("model.st", found | {"target_scale": np.array([1e308]), "target_mean": np.array([1.7e308])})
    assert "row 1: the network's output is not finite" in cli("predict", "model.st", "all.csv")[2]


@pytest.mark.parametrize("form", [write, write_archive])
def test_a_program_put_before_a_model_is_refused(model, form):
    form(model, contents(model))
    model.write_bytes(b"#!/bin/sh\n" + model.read_bytes())
    with pytest.raises(DataError, match="a model is a file that 'miniflow-xp train' wrote, unchanged"):
        loading.load_model(model)


def test_what_training_is_saved_in_meanwhile_is_no_model(cli, model, tmp_path):
    assert cli("train", "--data", ".", "--epochs", "1", "--checkpoint", "run")[0] == 0
    (path,) = (tmp_path / "run").glob("*.safetensors")
    assert f"{path.name}: it has no 'task': a model is a file" in cli("predict", str(path), TEST[0])[2]


def test_a_model_takes_no_more_memory_than_is_allowed(cli, model, monkeypatch):
    monkeypatch.setenv("MINIFLOW_DATA_LIMIT", "1K")
    code, _, messages = cli("predict", "model.st", TEST[0])
    assert code == 1
    assert re.search(r"model\.st: it would take [\d,]+ bytes in memory", messages)


def test_names_that_no_model_can_hold_are_told_before_the_training(cli, tmp_path, monkeypatch):
    monkeypatch.setattr(header, "LONGEST", 5000)
    write_table(tmp_path / "wide.csv", ["x" * 5000, "y"], np.c_[np.arange(20), np.arange(20) % 2])
    code, output, messages = cli("train", "--data", "wide.csv", "--target", "y", "--epochs", "1")
    assert (code, output) == (1, "")
    assert re.search(r"wide\.csv: its names are too long to be saved \(the header has 5,\d+ bytes", messages)
    assert [path.name for path in tmp_path.iterdir()] == ["wide.csv"]
