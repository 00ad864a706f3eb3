"""Tables as people have them: other separators, decimal commas, texts, gaps, dates; from training to evaluation."""

import csv
import io
import re
import warnings

import numpy as np
import pytest
from model_files import contents, write
from words import words

from miniflow_xp.data import Dialect, hold_out, read_table
from miniflow_xp.data.encoding import Column
from miniflow_xp.errors import DataError, SettingError
from miniflow_xp.programs.train.loading import load_model

pytest_plugins = ["command_line"]  # the fixtures cli and process

RNG = np.random.default_rng(11)
COLOURS = ("blue", "green", "red; dark")


def houses(separator=",", decimal=".", gaps=True):
    """A table of 80 houses: an id, a size, a colour, a number with gaps; the price follows from size and colour."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator)
    writer.writerow(["id", "size", "colour", "rooms", "price"])
    for n in range(80):
        size, colour, rooms = n / 8 + 20, n % 3, n % 5 + 1
        price = f"{size * 2 + 30 * colour + 0.5:.3f}".replace(".", decimal)
        empty = gaps and n % 10 == 0
        writer.writerow([n, f"{size:.3f}".replace(".", decimal), COLOURS[colour], "" if empty else rooms, price])
    return out.getvalue()


@pytest.fixture
def table(tmp_path):
    """Writes a text and reads it as a table."""

    def read(text, target="y", **options):
        (tmp_path / "t.csv").write_text(text)
        return read_table(tmp_path / "t.csv", target, **options)

    return read


# -- separators and decimal signs


@pytest.mark.parametrize(
    ("separator", "decimal", "told"),
    [
        (",", ".", ""),
        (";", ",", "separated by semicolons, numbers with a decimal comma"),
        ("\t", ".", "separated by tabs, numbers with a decimal point"),
        (";", ".", "semicolons"),
        ("|", ",", "bars"),
    ],
)
def test_a_table_is_the_same_however_it_is_written(table, separator, decimal, told):
    expected = table(houses(), "price")
    found = table(houses(separator, decimal), "price")
    np.testing.assert_array_equal(found.features, expected.features)
    np.testing.assert_array_equal(found.target, expected.target)
    assert found.columns == expected.columns
    assert any(told in note for note in found.notes) or not told


def test_what_is_asked_for_goes_before_how_it_looks(table):
    text = 'a;b;y\n"1,5";2;x\n3;4;z\n'
    assert table(text).features.tolist() == [[1.5, 2], [3, 4]]
    with pytest.raises(DataError, match=r"column 'a': '1,5' has a comma: .*decimal=','"):
        table(text, asked=Dialect(decimal="."))
    with pytest.raises(DataError, match=r"line 2: it has 2 cells: the header line has 1"):
        table(text.replace('"', ""), asked=Dialect(","))
    assert table('a,y\n"1,5",x\n3,z\n', asked=Dialect(None, ",")).features.tolist() == [[1.5], [3]]
    for asked, option in ((Dialect("x"), "separator"), (Dialect(None, ";"), "decimal")):
        with pytest.raises(SettingError, match=f"^{option}: "):
            table(text, asked=asked)
    assert table(text.replace(";", "\t"), asked=Dialect("tab")).features.shape == (2, 2)


def test_points_between_digits_are_no_numbers_where_commas_are_decimal(table):
    with pytest.raises(DataError, match=r"line 4, column 'a': '1\.234,5' is not a number"):
        table("a;y\n1,5;x\n2,5;z\n1.234,5;x\n")


# -- texts and gaps


def test_a_text_gets_a_column_for_each_of_its_values_and_a_gap_one_beside_it(table):
    found = table("n,c,y\n1,b,x\n,a,x\n3,,z\n5,b,z\n")
    assert found.feature_names == ("n", "n is missing", "c=a", "c=b", "c is missing")
    np.testing.assert_array_equal(
        found.features, [[1, 0, 0, 1, 0], [np.nan, 1, 1, 0, 0], [3, 0, 0, 0, 1], [5, 0, 0, 1, 0]]
    )
    assert found.columns == (Column("n", (), True, found.columns[0].median), Column("c", ("a", "b"), True))
    assert found.notes == (
        "n: 1 missing cells, the median in their place, and a column that marks them",
        "c: 2 categories, a 0/1 column for each; 1 missing cells, a column that marks them",
    )


def test_the_median_is_that_of_the_rows_to_train_on(table):
    found = table("n,m,y\n" + "".join(f"{'' if n % 7 == 0 else n * n},{n},{n % 2}\n" for n in range(60)))
    split = hold_out(found, 0.3, np.random.default_rng(0))
    rows = split.X_train[:, 2].astype(int)
    known = [n * n for n in rows if n % 7]
    assert split.columns[0] == Column("n", (), True, float(np.median(known)))
    for X in (split.X_train, split.X_held):
        assert (X[X[:, 1] == 1, 0] == np.median(known)).all()
        assert (X[X[:, 1] == 1, 2] % 7 == 0).all()
        assert np.isfinite(X).all()


def test_fifty_texts_are_categories_and_a_typo_among_numbers_is_none(table):
    rows = "".join(f"t{n % 50},{n % 2}\n" for n in range(100))
    assert len(table("c,y\n" + rows).columns[0].categories) == 50
    with pytest.raises(DataError, match=r"line 52, column 'c': '1O' is not a number: this is a column of numbers"):
        table("c,y\n" + "".join(f"{'1O' if n == 50 else n},{n % 2}\n" for n in range(100)))


# -- from training to evaluation


@pytest.mark.parametrize(("separator", "decimal"), [(",", "."), (";", ",")])
def test_rows_are_taken_as_they_stand_by_all_three_commands(cli, tmp_path, separator, decimal):
    (tmp_path / "houses.csv").write_text(houses(separator, decimal))
    options = ("--target", "price", "--optimizer", "adam", "--learning-rate", "0.02", "--dtype", "float64")
    code, output, _ = cli("train", "--data", "houses.csv", *options, "-o", "m.st")
    assert code == 0
    assert "colour: 3 categories, a 0/1 column for each" in words(output)
    assert "rooms: 8 missing cells, the median in their place, and a column that marks them" in words(output)
    code, output, messages = cli("predict", "m.st", "houses.csv", "--keep", "id", "--keep", "colour")
    assert (code, messages) == (0, "")
    header, *rows = csv.reader(io.StringIO(output))
    assert header == ["id", "colour", "prediction"]
    assert [row[:2] for row in rows] == [[str(n), COLOURS[n % 3]] for n in range(80)]
    price = np.array([(n / 8 + 20) * 2 + 30 * (n % 3) + 0.5 for n in range(80)])
    assert np.corrcoef(price, [float(row[2]) for row in rows])[0, 1] > 0.9
    code, output, messages = cli("evaluate", "m.st", "houses.csv")
    assert (code, messages) == (0, "")
    assert float(re.search(r"^R² +(\S+)", output, re.MULTILINE)[1]) > 0.8


def test_a_category_that_was_not_in_training_is_none_of_them_and_told(cli, tmp_path):
    (tmp_path / "t.csv").write_text(houses())
    assert cli("train", "--data", "t.csv", "--target", "price", "--epochs", "2", "-o", "m.st")[0] == 0
    (tmp_path / "u.csv").write_text("id,size,rooms,colour\n1,25,,pink\n2,26,3,pink\n3,27,2,blue\n")
    with warnings.catch_warnings():
        warnings.simplefilter("always")  # in tests they are errors
        code, output, messages = cli("predict", "m.st", "u.csv")
    assert (code, len(output.splitlines())) == (0, 4)
    assert re.fullmatch(r"Warning: u\.csv, line 2, column 'colour': 'pink' was not in training: .*\n", messages)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rows = [float(row) for row in output.splitlines()[1:]]
        (tmp_path / "v.csv").write_text("id,size,rooms,colour\n1,25,-NaN,mauve\n2,26,3,mauve\n3,27,2,blue\n")
        assert [float(row) for row in cli("predict", "m.st", "v.csv")[1].splitlines()[1:]] == rows


MISTAKES = {
    "a gap where there was none": ("id,size,rooms,colour\n1,,2,blue\n", [], "line 2, column 'size': it is empty"),
    "a text among numbers": (
        "id,size,rooms,colour\n1,big,2,blue\n",
        [],
        "line 2, column 'size': 'big' is not a number",
    ),
    "no such column": ("id,size,rooms,colour\n1,2,2,blue\n", ["--keep", "name"], "no column is named 'name'"),
    "no such separator": ("id,size\n", ["--separator", "x"], "--separator: it is 'x'"),
}


@pytest.mark.parametrize(("text", "options", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_in_rows_to_predict_is_told(cli, tmp_path, text, options, message):
    (tmp_path / "t.csv").write_text(houses())
    assert cli("train", "--data", "t.csv", "--target", "price", "--epochs", "1", "-o", "m.st")[0] == 0
    (tmp_path / "u.csv").write_text(text)
    code, output, messages = cli("predict", "m.st", "u.csv", *options)
    assert (code, output) == (1, "")
    assert message in messages
    np.save("x.npy", np.zeros((3, 6)))
    assert "the model takes texts, or marks gaps" in cli("predict", "m.st", "x.npy")[2]


def test_options_of_tables_are_for_tables(cli):
    np.savez("x.npz", X=np.arange(60.0).reshape(30, 2), y=np.arange(30) % 2)
    assert cli("train", "--data", "x.npz", "--epochs", "1", "-o", "m.st")[0] == 0
    for arguments, option in (
        (["train", "--data", "x.npz", "--decimal", ","], "--decimal"),
        (["train", "--separator", ";"], "--separator"),
        (["predict", "m.st", "x.npz", "--keep", "id"], "--keep"),
        (["evaluate", "m.st", "x.npz", "--separator", ";"], "--separator"),
    ):
        code, output, messages = cli(*arguments)
        assert (code, output) == (1, "")
        assert messages.startswith(f"Error: {option}: ")


DESCRIBED = [[], {"colours": {}}, {"size": {"gaps": True}}, {"size": {"gaps": 1, "median": 2.0}}]
DESCRIBED += [{"size": {"gaps": True, "median": 2}}, {"size": {"gaps": False, "median": 2.0}}, {"size": None}]
DESCRIBED += [{"colour": {"gaps": False, "categories": ["a", "a"]}}, {"colour": {"gaps": False, "categories": [1]}}]
DESCRIBED += [{"colour": {"gaps": False, "categories": []}}, {"colour": {"gaps": False, "categories": "ab"}}]


@pytest.mark.parametrize("described", DESCRIBED, ids=str)
def test_a_description_of_columns_that_is_none_is_told(cli, tmp_path, described):
    (tmp_path / "t.csv").write_text(houses())
    assert cli("train", "--data", "t.csv", "--target", "price", "--epochs", "1", "-o", "m.st")[0] == 0
    found = contents("m.st")
    assert set(found["encoded"]) == {"colour", "rooms"}
    write("m.st", found | {"encoded": described})
    with pytest.raises(DataError, match="array 'encoded': "):
        load_model(tmp_path / "m.st")


def test_evaluation_shows_which_class_is_taken_for_which_and_what_the_most_frequent_one_would_reach(cli, tmp_path):
    rows = "".join(f"{n},{n // 25},{'abb'[n // 25]}\n" for n in range(75))
    (tmp_path / "t.csv").write_text("n,m,kind\n" + rows)
    assert cli("train", "--data", "t.csv", "--target", "kind", "-o", "m.st")[0] == 0
    (tmp_path / "u.csv").write_text("n,m,kind\n" + rows.replace("0,0,a", "0,0,b"))  # three rows are called b now
    output = cli("evaluate", "m.st", "u.csv")[1]
    assert "baseline 70.67 %, the base rate of b" in words(output)
    assert re.search(r"^class \\ taken for +a +b *$", output, re.MULTILINE)
    assert re.search(r"^a +22 +0 *$", output, re.MULTILINE)
    assert re.search(r"^b +3 +50 *$", output, re.MULTILINE)
    assert "accuracy  96.00 %" in output


def test_the_version_is_told(cli):
    from miniflow_xp import __version__

    assert cli("--version") == (0, f"miniflow-xp {__version__}\n", "")
