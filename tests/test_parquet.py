"""Parquet files and tables in memory: the same numbers as from a CSV file, and clear complaints."""

import csv
import datetime
from contextlib import suppress

import numpy as np
import pytest

import miniflow_xp as mf
from miniflow_xp.data import Dialect, hold_out, read_data, read_table
from miniflow_xp.errors import DataError, FeedError, PackageMissingError, SettingError
from miniflow_xp.training.batches import Batches

pa = pytest.importorskip("pyarrow", reason="it reads Parquet")
from pyarrow import parquet  # noqa: E402  after the check that it is there

pytest_plugins = ["command_line"]  # the fixture cli

ROWS = 80
COLUMNS = {
    "area": [20 + n * 1.25 for n in range(ROWS)],
    "rooms": [None if n % 9 == 4 else n % 5 for n in range(ROWS)],
    "heating": [("gas", " oil", "none", None)[n % 4] for n in range(ROWS)],
    "lift": [n % 3 == 0 for n in range(ROWS)],
    "zip": [("00501", "501", "10001")[n % 3] for n in range(ROWS)],
    "price": [1000.5 + 7 * n for n in range(ROWS)],
}


def csv_text(value):
    return "" if value is None else str(value)


def written_csv(path, columns=COLUMNS):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*([csv_text(value) for value in values] for values in columns.values()), strict=True))
    return path


def arrow():
    table = pa.table(COLUMNS)
    return table.set_column(2, "heating", table.column("heating").dictionary_encode())


def pandas():
    module = pytest.importorskip("pandas")
    frame = module.DataFrame(COLUMNS)
    return frame.assign(rooms=frame["rooms"].astype("Int64"), heating=frame["heating"].astype("category"))


def polars():
    module = pytest.importorskip("polars")
    return module.DataFrame(COLUMNS).with_columns(module.col("heating").cast(module.Categorical))


LIBRARIES = pytest.mark.parametrize("made", [arrow, pandas, polars])


def same(found, wanted):
    np.testing.assert_array_equal(found.features, wanted.features)
    np.testing.assert_array_equal(found.target, wanted.target)
    assert (found.columns, found.feature_names, found.classes) == (wanted.columns, wanted.feature_names, wanted.classes)
    assert found.notes == wanted.notes


@LIBRARIES
@pytest.mark.parametrize("target", ["price", "lift", "zip"])
def test_a_table_in_memory_is_the_same_as_its_csv_file(tmp_path, made, target):
    same(read_table(made(), target), read_table(written_csv(tmp_path / "table.csv"), target))


@LIBRARIES
def test_a_parquet_file_is_the_same_as_its_csv_file(tmp_path, made):
    table, path = made(), tmp_path / "homes.parquet"
    if hasattr(table, "write_parquet"):
        table.write_parquet(path, row_group_size=33)
    else:
        parquet.write_table(pa.table(table), path, row_group_size=33)
    found = read_data(tmp_path / "homes.parquet", "price")
    same(found, read_table(written_csv(tmp_path / "table.csv"), "price"))
    assert found.name == "homes"


def test_numbers_of_every_width_are_exact(tmp_path):
    values = {
        "f4": pa.array([0.1, 1 / 3, 2e-38], "float32"),
        "i8": pa.array([2**53 - 1, -5, 0], "int64"),
        "u1": pa.array([255, 0, 1], "uint8"),
        "d": pa.array([datetime.time(1)] * 3).cast("int64", safe=False),
        "y": pa.array([1.5, 2.5, 3.5]),
    }
    parquet.write_table(pa.table(values), tmp_path / "t.parquet")
    found = read_table(tmp_path / "t.parquet", "y").features
    assert found[:, 0].tolist() == np.array([0.1, 1 / 3, 2e-38], "float32").astype("float64").tolist()
    assert found[:, 1].tolist() == [2**53 - 1, -5, 0]


def test_a_file_is_found_by_its_content(tmp_path):
    parquet.write_table(arrow(), tmp_path / "table")
    assert read_data(tmp_path / "table", "price").features.shape[0] == ROWS


def test_the_index_of_pandas_is_no_column(tmp_path):
    frame = pandas().iloc[::-1].set_index("zip")
    frame.to_parquet(tmp_path / "t.parquet")
    for source in (frame, tmp_path / "t.parquet", pandas().iloc[::2]):
        found = read_table(source, "price")
        assert not {name for name in found.feature_names if "index" in name or "zip=" in name} - {"zip"}
    assert read_table(frame, "price").notes[0] == "zip: the index, left out"


def test_train_predict_and_evaluate_take_parquet_as_they_take_csv(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    parquet.write_table(arrow(), "homes.parquet")
    written_csv(tmp_path / "homes.csv")

    def command(*arguments):
        code, output, messages = cli(*arguments)
        assert (code, messages) == (0, "")
        return output

    assert "homes: 80 rows" in command("train", "--data", "homes.parquet", "--target", "price", "--epochs", "2")
    model = "homes-parameters.safetensors"
    predicted = [command("predict", model, f"homes.{end}", "--keep", "zip") for end in ("parquet", "csv")]
    assert predicted[0] == predicted[1]
    judged = [command("evaluate", model, f"homes.{end}").split() for end in ("parquet", "csv")]
    assert judged[0][3] == "homes.parquet"
    assert judged[0][4:] == judged[1][4:]


def test_a_table_in_memory_is_split_and_scaled():
    split = hold_out(read_table(polars(), "price"), 0.25, np.random.default_rng(0))
    assert len(split.y_held) == 20
    assert not np.isnan(split.X_train).any()


# -- complaints

DAY = datetime.date(2024, 5, 1)
BAD_TABLES = {
    "a date": ({"a": [DAY, DAY], "y": [1, 2]}, "row 1, column 'a': '2024-05-01' is a date"),
    "a time stamp": ({"a": [datetime.datetime(2024, 5, 1, 12)] * 2, "y": [1, 2]}, "is a date"),
    "lists": ({"a": [[1], [2, 3]], "y": [1, 2]}, "column 'a': it is of type list"),
    "bytes": ({"a": [b"x", b"y"], "y": [1, 2]}, "column 'a': it is of type binary"),
    "infinity": ({"a": [1.0, float("inf")], "y": [1, 2]}, "row 2, column 'a': it is inf"),
    "no target in a row": ({"a": [1, 2], "y": [1, None]}, "row 2, column 'y': it is empty"),
    "a NUL": ({"a": ["x\0", "y"], "y": [1, 2]}, "holds a NUL"),
    "no rows": ({"a": pa.array([], "int64"), "y": pa.array([], "int64")}, "2 columns and 0 rows"),
    "no value at all": ({"a": pa.nulls(2), "y": [1, 2]}, "no cell of it has a value"),
    "many texts": ({"a": [f"t{n}" for n in range(60)], "y": list(range(60))}, "more than 50 different texts"),
    "no name": ({"": [1, 2], "y": [1, 2]}, "it has no name"),
}


@pytest.mark.parametrize("name", BAD_TABLES)
def test_a_table_that_does_not_fit_says_row_and_column(tmp_path, name):
    columns, words = BAD_TABLES[name]
    parquet.write_table(pa.table(columns), tmp_path / "t.parquet")
    for source in (pa.table(columns), tmp_path / "t.parquet"):
        with pytest.raises(DataError) as caught:
            read_table(source, "y", task="regression")
        assert words in str(caught.value)


BAD_FILES = {
    "nothing": lambda whole: b"",
    "text": lambda whole: b"a,b\n1,2\n",
    "half of it": lambda whole: whole[: len(whole) // 2],
    "without its end": lambda whole: whole[:-4],
    "an end that says too much": lambda whole: whole[:-8] + b"\xff\xff\xff\x7fPAR1",
    "another beginning of the data": lambda whole: whole[:4] + bytes(200) + whole[204:],
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_broken_file_is_our_error(tmp_path, name):
    path = tmp_path / "t.parquet"
    parquet.write_table(arrow(), path)
    path.write_bytes(BAD_FILES[name](path.read_bytes()))
    with pytest.raises(DataError, match=r"t\.parquet: it cannot be read"):
        read_table(path, "price")


def test_flipped_bytes_give_a_table_or_our_error(tmp_path):
    path, rng = tmp_path / "t.parquet", np.random.default_rng(0)
    parquet.write_table(arrow(), path)
    whole = path.read_bytes()
    for _ in range(60):
        part = bytearray(whole)
        part[rng.integers(len(part))] = rng.integers(256)
        path.write_bytes(part)
        with suppress(mf.MiniflowError):
            read_table(path, "price")


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(DataError, match="there is no such file"):
        read_table(tmp_path / "none.parquet", "y")
    (tmp_path / "folder.parquet").mkdir()
    with pytest.raises(DataError, match="it is a folder"):
        read_table(tmp_path / "folder.parquet", "y")


def many_rows():
    zeros = pa.array(np.zeros(1_000_000, "int8"))
    return {"a": zeros, "y": zeros}


def long_texts():
    text = pa.DictionaryArray.from_arrays(pa.array([0] * 5000, "int32"), pa.array(["x" * 100_000]))
    return {"a": text, "y": pa.array(np.arange(5000.0))}


@pytest.mark.parametrize("columns", [many_rows, long_texts])
def test_a_small_file_that_claims_much_is_refused_before_it_is_read(tmp_path, columns):
    path = tmp_path / "t.parquet"
    parquet.write_table(pa.table(columns()), path)
    assert path.stat().st_size < 2**16
    with pytest.raises(DataError, match="MINIFLOW_DATA_LIMIT"):
        read_table(path, "y")


def test_what_csv_files_have_is_not_for_others(tmp_path):
    parquet.write_table(arrow(), tmp_path / "t.parquet")
    for source in (tmp_path / "t.parquet", arrow()):
        with pytest.raises(SettingError, match="it is for CSV files"):
            read_table(source, "price", asked=Dialect(separator=";"))


def test_a_mixed_column_of_pandas_is_our_error():
    frame = pandas().assign(area=[1, "x"] * (ROWS // 2))
    with pytest.raises(DataError, match="pandas DataFrame"):
        read_table(frame, "price")


def test_without_pyarrow_the_error_says_what_to_install(tmp_path, monkeypatch):
    parquet.write_table(arrow(), tmp_path / "t.parquet")
    table = polars()
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    for source in (tmp_path / "t.parquet", table):
        with pytest.raises(PackageMissingError, match=r"pip install 'miniflow_xp\[tables\]'"):
            read_table(source, "price")
    with pytest.raises(PackageMissingError):
        Batches(table[["area"]])
    plain = pytest.importorskip("pandas").DataFrame({"a": [1.0, 2.0]})
    assert next(Batches(plain, shuffle=False).epoch(0)).X.tolist() == [[1.0], [2.0]]


# -- batches


def first(*sources):
    return next(Batches(*sources, batch_size=ROWS, shuffle=False).epoch(0))


@LIBRARIES
def test_batches_of_tables_and_their_columns_are_numbers(made):
    table = made()
    numbers = table.select(["area", "lift"]) if hasattr(table, "select") else table[["area", "lift"]]
    X, y = first(numbers, table["price"])
    assert X.tolist() == [[area, float(lift)] for area, lift in zip(COLUMNS["area"], COLUMNS["lift"], strict=True)]
    assert y.tolist() == COLUMNS["price"]


def test_nullable_numbers_and_numbered_categories_of_pandas_are_numbers():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"a": pd.array([1, 2], "Int64"), "b": pd.Categorical([7, 8])}, index=[5, 3])
    assert first(frame).X.tolist() == [[1, 7], [2, 8]]
    assert first(pd.Series([1.5, None])).X.tolist()[0] == 1.5


WRONG_ROWS = {
    "texts": (lambda: arrow().select(["area", "heating"]), "column 'heating': it is of type string"),
    "a missing whole number": (lambda: arrow().select(["rooms"]), "9 of 80 cells have no value"),
    "dates": (lambda: pa.table({"day": [DAY]}), "column 'day': it is of type date32"),
    "no columns": (lambda: pa.table({}), "it has no columns"),
}


@pytest.mark.parametrize("name", WRONG_ROWS)
def test_batches_of_what_holds_no_numbers_are_refused(name):
    made, words = WRONG_ROWS[name]
    with pytest.raises(FeedError) as caught:
        Batches(made())
    assert words in str(caught.value)


def test_a_malformed_limit_is_said_as_such(tmp_path, monkeypatch):
    parquet.write_table(arrow(), tmp_path / "t.parquet")
    monkeypatch.setenv("MINIFLOW_DATA_LIMIT", "much")
    with pytest.raises(SettingError, match="MINIFLOW_DATA_LIMIT: it is 'much'"):
        read_table(tmp_path / "t.parquet", "price")


def test_rows_are_counted_over_all_parts(tmp_path):
    values = [1.0] * 5000
    values[4321] = float("inf")
    table = pa.table({"a": values, "y": [float(n) for n in range(5000)]})
    parquet.write_table(table, tmp_path / "t.parquet", row_group_size=1500)
    for source in (table, tmp_path / "t.parquet"):
        with pytest.raises(DataError, match="row 4322, column 'a'"):
            read_table(source, "y")
