"""Data: the two data sets as their sources describe them, tables that users have, and everything wrong with them."""

import gzip
import re
from pathlib import Path

import numpy as np
import pytest

import miniflow_xp.data
from miniflow_xp.data import DATASETS, hold_out, load, read_table
from miniflow_xp.errors import DataError, SettingError

FOLDER = Path(miniflow_xp.data.__file__).parent
GOOD = "age,height,kind\n1,2.5,a\n3,4,b\n5,6,a\n"


@pytest.fixture
def table(tmp_path):
    """Writes a file (text or bytes) and reads it as a table."""

    def read(content, target="kind", task="auto", name="my.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_table(path, target, task)

    return read


# -- the data sets of the package


def test_digits_are_the_1797_images_of_the_uci_test_part():
    digits = load("digits")
    assert digits.features.shape == (1797, 64)
    assert (digits.features.min(), digits.features.max()) == (0, 16)
    assert digits.classes == tuple("0123456789")
    assert digits.feature_names[0] == "p00"
    assert digits.feature_names[-1] == "p77"
    # the class distribution that UCI gives for the test part (optdigits.names)
    assert np.bincount(digits.target).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_diabetes_are_the_442_patients_in_raw_units():
    diabetes = load("diabetes")
    assert diabetes.features.shape == (442, 10)
    assert diabetes.task == "regression"
    first = dict(zip(diabetes.feature_names, diabetes.features[0], strict=True))
    assert (first["age"], first["sex"], first["bmi"], first["s5"]) == (59, 2, 32.1, 4.8598)
    assert diabetes.target[:3].tolist() == [151, 75, 141]


@pytest.mark.parametrize("name", DATASETS)
def test_files_are_small_reproducible_and_have_their_source_written_down(name):
    content = (FOLDER / f"{name}.csv.gz").read_bytes()
    assert len(content) < 100_000
    assert content[4:8] == bytes(4)  # RFC 1952: the time stamp
    assert f"`{name}.csv.gz`" in (FOLDER / "SOURCES.md").read_text(encoding="utf-8")


def test_unknown_data_set_names_those_there_are():
    with pytest.raises(SettingError, match="digits, diabetes"):
        load("iris")


# -- tables that are right


@pytest.mark.parametrize(
    "content",
    [
        GOOD,
        gzip.compress(GOOD.encode()),
        b"\xef\xbb\xbf" + GOOD.encode(),
        GOOD.replace("\n", "\r\n"),
        GOOD.replace("\n", "\r"),
        gzip.compress(GOOD.replace("\n", "\r").encode()),
        GOOD.replace(",", ", "),
        GOOD.replace("2.5", '"2.5"'),
        GOOD.replace("\n", "\n\n") + "\n",
        GOOD.rstrip("\n"),
    ],
    ids=[
        "plain",
        "gzip",
        "byte order mark",
        "CRLF",
        "CR",
        "gzip of CR",
        "spaces",
        "quotes",
        "blank lines",
        "no last line end",
    ],
)
def test_the_same_table_in_all_its_spellings(table, content):
    read = table(content)
    assert read.features.tolist() == [[1, 2.5], [3, 4], [5, 6]]
    assert read.feature_names == ("age", "height")
    assert (read.target.tolist(), read.classes) == ([0, 1, 0], ("a", "b"))


def test_the_target_may_stand_anywhere_and_hold_commas(table):
    read = table('kind,age\n"b, or c",1\na,2\n')
    assert read.features.tolist() == [[1], [2]]
    assert read.classes == ("a", "b, or c")


@pytest.mark.parametrize(
    ("cells", "task", "classes", "because"),
    [
        (["yes", "no", "yes"], "classification", ("no", "yes"), r"'yes' \(line 2\) is text"),
        (["10", "9", "9"], "classification", ("9", "10"), "2 distinct values"),
        (["10", "9.0", "9"], "classification", ("9", "9.0", "10"), "3 distinct spellings"),
        (["00501", "501", "01501", "501"], "classification", ("00501", "501", "01501"), "3 distinct spellings"),
        (["3.1", "3.10", "x"], "classification", ("3.1", "3.10", "x"), "text"),
        ([str(n) for n in range(20)], "classification", tuple(map(str, range(20))), "20 distinct values"),
        ([str(n) for n in range(21)], "regression", (), "21 distinct values"),
        (["1", "0", "0.5"], "regression", (), "decimals"),
        (["1", "2", "x"], "classification", ("1", "2", "x"), r"'x' \(line 4\) is text"),
    ],
)
def test_the_task_is_inferred_and_the_reason_told(table, cells, task, classes, because):
    read = table("a,kind\n" + "".join(f"1,{cell}\n" for cell in cells))
    assert (read.task, read.classes) == (task, classes)
    assert re.search(because, read.because)


def test_the_task_asked_for_overrides_the_inferred_one(table):
    numbers = "a,kind\n1,1\n2,2\n3,2\n"
    assert table(numbers, task="regression").target.tolist() == [1, 2, 2]
    assert table("a,kind\n1,0.5\n2,2\n", task="classification").classes == ("0.5", "2")


@pytest.mark.parametrize(
    "names",
    [("3.1", "3.10"), ("1e5", "100000"), ("1234567890123456788", "1234567890123456789"), ("-1", "+1"), ("0", "00")],
)
def test_classes_are_named_as_they_stand(table, names):
    """They are no numbers to calculate with: float64 would make one of two."""
    cells = [*names, *reversed(names)]
    read = table("a,kind\n" + "".join(f"1,{cell}\n" for cell in cells), task="classification")
    assert sorted(read.classes) == sorted(names)
    assert [read.classes[n] for n in read.target] == cells


# -- tables that are wrong

WRONG = {
    "empty": ("", r"my\.csv: it is empty"),
    "header only": ("age,kind\n", "header line and nothing more"),
    "target missing": ("age,kinds\n1,a\n", r"no column is named 'kind'.*age, kinds.*Did you mean 'kinds'\?"),
    "target in capitals": ("age,KIND\n1,a\n", r"Did you mean 'KIND'\?"),
    "target alone": ("kind\na\nb\n", "no column but 'kind'"),
    "name twice": ("age,age,kind\n1,2,a\n", "line 1, column 2: the name 'age' comes twice"),
    "no name": (",age,kind\n0,2,a\n", "line 1, column 1: it has no name"),
    "text": ("age,kind\n1,a\n2,a\nold,b\n", "line 4, column 'age': 'old' is not a number"),
    "digit groups of Python": ("age,kind\n1_000,a\n2,b\n", "line 2, column 'age': '1_000' is not a number"),
    "decimal comma": (
        'age,kind\n"1,5",a\n',
        "column 'age': '1,5' has a comma: a number has a decimal point.*Write 1.5",
    ),
    "groups of digits": ('age,kind\n"1,234,567",a\n', "column 'age': '1,234,567' has a comma"),
    "decimal comma in the target": ('age,kind\n1,2\n2,"2,5"\n', "column 'kind', line 3: '2,5' has a comma.*Write 1.5"),
    "nothing but gaps": ("age,kind\nNA,a\n,b\n-nan,b\n", "column 'age': no cell of it has a value"),
    "dates": ("age,kind\n2024-01-31,a\n2024-02-01,b\n", "line 2, column 'age': '2024-01-31' is a date: .*weekday"),
    "German dates": ("age;kind\n31.1.2024 10:30;a\n1.2.2024;b\n", "line 2, column 'age': '31.1.2024 10:30' is a date"),
    "texts that are many": (
        "age,kind\n" + "".join(f"name {n},{n % 2}\n" for n in range(51)),
        "line 2, column 'age': the column has more than 50 different texts, such as 'name 0'",
    ),
    "target missing in a row": ("age,kind\n1,a\n2,\n", "line 3, column 'kind': it is empty"),
    "infinite": ("age,kind\n1,a\n-inf,b\n", "line 3, column 'age': it is -inf: numbers are finite"),
    "too large": ("age,kind\n1e999,a\n", "line 2, column 'age': it is 1e999: numbers are finite"),
    "target infinite": ("age,kind\n1,1.5\n2,inf\n", "column 'kind', line 3: it is inf"),
    "short row": ("age,kind\n1,a\n\n2\n", "line 4: it has 1 cell: the header line has 2"),
    "long row": ("age,kind\n1,a,b\n", "line 2: it has 3 cells"),
    "line after a cell of two lines": ('age,kind\n1,"a\nb"\nx,c\n', "line 4, column 'age': 'x'"),
    "open quote": ('age,kind\n1,"a\n', "line 2: it is not CSV"),
    "Latin 1": ("age,kind\n1,a\n2,\xe4\n".encode("latin-1"), "line 3: byte 3 of it is 0xe4: .*UTF-8"),
    "NUL": (b"x,kind\n1,a\0\n2,b\n3,a\n", "line 2: byte 4 of it is 0x00: .*NUL"),
    "UTF-16": (GOOD.encode("utf-16"), "line 1: byte [0-9]+ of it is 0x00: .*UTF-8"),
    "gzip cut off": (gzip.compress(GOOD.encode())[:-12], "it cannot be read"),
    "one class": ("age,kind\n1,a\n2,a\n", "column 'kind': it is a in every row"),
    "constant": ("age,kind\n1,2.5\n2,2.5\n", "column 'kind': it is 2.5 in every row"),
}


@pytest.mark.parametrize(("content", "message"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_with_a_table_is_told_with_file_line_and_column(table, content, message):
    with pytest.raises(DataError, match=message) as caught:
        table(content)
    assert "my.csv" in caught.value.where
    assert caught.value.remedy


def test_a_long_cell_is_shortened_in_the_message(table):
    with pytest.raises(DataError) as caught:
        table(f"age,kind\n{'x' * 5000},a\n")
    assert len(str(caught.value)) < 500


def test_text_in_the_target_of_a_regression(table):
    with pytest.raises(DataError, match=r"column 'kind', line 3: 'b' is not a number.*task='classification'"):
        table("age,kind\n1,2\n3,b\n", task="regression")


def test_no_target_named_lists_the_columns(table):
    with pytest.raises(DataError, match="the columns are age, height, kind"):
        table(GOOD, target=None)


def test_unknown_task(table):
    with pytest.raises(SettingError, match="auto, classification, regression"):
        table(GOOD, task="ranking")


def test_files_that_are_not_there_or_no_files(tmp_path):
    with pytest.raises(DataError, match="there is no such file"):
        read_table(tmp_path / "none.csv", "y")
    with pytest.raises(DataError, match="it is a folder"):
        read_table(tmp_path, "y")


# -- the split


def rng():
    return np.random.default_rng(3)


def test_each_row_is_in_one_part_and_the_seed_decides_which(table):
    rows = table("a,kind\n" + "".join(f"{n},{n % 2}\n" for n in range(50)))
    split, again = hold_out(rows, 0.3, rng()), hold_out(rows, 0.3, rng())
    assert (len(split.X_train), len(split.X_held)) == (35, 15)
    assert sorted(np.concatenate([split.X_train, split.X_held])[:, 0]) == list(range(50))
    assert np.array_equal(split.X_held, again.X_held)


def test_the_scale_is_that_of_the_training_rows_alone():
    diabetes = load("diabetes")
    split = hold_out(diabetes, 0.25, rng(), "float64")
    held = rng().permutation(442)[:110]
    kept = np.delete(diabetes.features, held, axis=0)
    assert split.features.mean == pytest.approx(kept.mean(axis=0), rel=1e-12)
    assert split.features.scale == pytest.approx(kept.std(axis=0), rel=1e-12)
    assert split.y_train.mean() == pytest.approx(0, abs=1e-12)
    assert split.y_train.std() == pytest.approx(1, rel=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_targets_have_the_dtype_asked_for_and_labels_stay_integers(dtype):
    split = hold_out(load("digits"), 0.2, rng(), dtype)
    assert split.y_train.dtype == split.y_held.dtype == "int64"
    split = hold_out(load("diabetes"), 0.2, rng(), dtype)
    assert split.y_train.dtype == split.y_held.dtype == dtype


def test_a_constant_column_becomes_zero_in_both_parts(table):
    """0.1 summed and divided again is not 0.1, so its standard deviation is not 0: no division by that."""
    rows = table("a,b,kind\n" + "".join(f"0.1,{n},{n % 2}\n" for n in range(99)))
    split = hold_out(rows, 0.2, rng())
    assert not split.features(split.X_train)[:, 0].any()
    assert not split.features(split.X_held)[:, 0].any()
    rows.features[rng().permutation(99)[0], 0] = 7.0  # differs in one held-out row only
    split = hold_out(rows, 0.2, rng())
    assert not split.features(split.X_held)[:, 0].any()


def test_far_values_are_cut_off():
    split = hold_out(load("digits"), 0.2, rng())
    assert abs(split.features(split.X_train)).max() == abs(split.features(split.X_held)).max() == 10


def test_too_few_rows(table):
    rows = table("a,kind\n1,a\n2,b\n3,a\n4,b\n")
    with pytest.raises(DataError, match="its 4 rows give 3 to train on and 1 held out"):
        hold_out(rows, 0.2, rng())
    with pytest.raises(DataError, match="its 4 rows give 1 to train on and 3 held out"):
        hold_out(rows, 0.8, rng())


def test_a_regression_needs_different_targets_in_each_part(table):
    rows = table("a,kind\n" + "".join(f"{n},{0.5 if n else 1.5}\n" for n in range(30)))
    with pytest.raises(DataError, match=r"it is 0\.5 in all 6 held-out rows"):
        hold_out(rows, 0.2, rng())


def test_numbers_whose_squares_overflow(table):
    rows = table("a,kind\n" + "".join(f"{n}e300,{n % 2}\n" for n in range(9)))
    with pytest.raises(DataError, match="column 'a': its numbers reach"):
        hold_out(rows, 0.3, rng())
