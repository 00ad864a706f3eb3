"""Data that are no tables: folders of IDX files, .npz archives; their scale, computed where they lie."""

import gzip
import sys
import zipfile

import numpy as np
import pytest
from idx_files import TEST, TRAIN, idx

from miniflow_xp.data import archives, hold_out, moments, read_data
from miniflow_xp.data.pages import mapped
from miniflow_xp.data.scaling import Scaling
from miniflow_xp.errors import DataError, SettingError
from miniflow_xp.node import Input
from miniflow_xp.programs.train.scaled import PART, Parts, ScaledBatches
from miniflow_xp.training.batches import Batches

RNG = np.random.default_rng(5)
IMAGES = RNG.integers(0, 256, (60, 4, 3), dtype="uint8")
LABELS = (np.arange(60) % 3 + 5).astype("uint8")  # classes 5, 6 and 7


@pytest.fixture
def folder(tmp_path):
    """A folder of IDX files, 40 rows to train on and 20 for a test."""
    path = tmp_path / "shapes"
    path.mkdir()
    for names, rows in ((TRAIN, slice(40)), (TEST, slice(40, None))):
        (path / names[0]).write_bytes(idx(IMAGES[rows]))
        (path / names[1]).write_bytes(idx(LABELS[rows]))
    return path


@pytest.fixture
def archive(tmp_path):
    """Writes an archive of arrays; returns its path."""

    def write(**arrays):
        np.savez(tmp_path / "my.npz", **arrays)
        return tmp_path / "my.npz"

    return write


def read(path, task="auto"):
    return read_data(path, None, task)


# -- folders of IDX files


@pytest.mark.parametrize("spelling", ["plain", "gzip", "dot"])
def test_a_folder_of_idx_files(folder, spelling):
    for path in list(folder.iterdir()):
        if spelling == "gzip":
            path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()
        if spelling == "dot":
            path.rename(folder / path.name.replace("-idx", ".idx"))
    table = read(folder)
    assert (table.name, table.task, table.classes) == ("shapes", "classification", ("5", "6", "7"))
    assert table.features.dtype == "uint8"  # as they are in the file
    np.testing.assert_array_equal(table.features, IMAGES[:40])
    assert table.target.tolist() == (LABELS[:40] - 5).tolist()
    np.testing.assert_array_equal(table.held.features, IMAGES[40:])
    assert table.held.target.tolist() == (LABELS[40:] - 5).tolist()
    assert table.feature_names[:4] == ("x0_0", "x0_1", "x0_2", "x1_0")
    assert len(table.feature_names) == 12


def test_without_files_for_a_test_rows_are_held_out(folder):
    for name in TEST:
        (folder / name).unlink()
    table = read(folder)
    assert table.held is None
    split = hold_out(table, 0.25, np.random.default_rng(0))
    assert (len(split.y_train), len(split.y_held), split.how) == (30, 10, "drawn at random")


def test_files_for_a_test_are_the_held_out_rows(folder):
    split = hold_out(read(folder), None, np.random.default_rng(0))
    np.testing.assert_array_equal(split.X_held, IMAGES[40:])
    assert split.features.mean == pytest.approx(IMAGES[:40].reshape(40, -1).mean(axis=0), rel=1e-12)
    with pytest.raises(SettingError, match=r"^hold_out, fraction: it was given: .* brings held-out rows"):
        hold_out(read(folder), 0.2, np.random.default_rng(0))


def test_labels_may_be_numbers_to_predict(folder):
    assert read(folder, "regression").task == "regression"
    with pytest.raises(SettingError, match=r"^task: it is 'ranking'"):
        read(folder, "ranking")


FOLDERS = {
    "images missing": ({TRAIN[0]: None}, r"shapes: there is no train-images-idx3-ubyte in it, nor .*\.gz"),
    "labels missing": ({TRAIN[1]: None}, "there is no train-labels-idx1-ubyte"),
    "half of a test": ({TEST[1]: None}, "there is no t10k-labels-idx1-ubyte"),
    "labels too few": ({TRAIN[1]: idx(LABELS[:39])}, r"train-labels-idx1-ubyte: it has 39 targets: .* has 40 rows"),
    "images as labels": ({TRAIN[1]: idx(IMAGES[:40])}, r"train-labels-idx1-ubyte: it is uint8 in shape \(40, 4, 3\)"),
    "labels as images": ({TRAIN[0]: idx(LABELS[:40])}, r"train-images-idx3-ubyte: it is uint8 in shape \(40,\)"),
    "no images": ({TRAIN[0]: idx(IMAGES[:0])}, r"train-images-idx3-ubyte: it is uint8 in shape \(0, 4, 3\)"),
    "cut off": ({TRAIN[0]: idx(IMAGES[:40])[:-1]}, "train-images-idx3-ubyte, offset 495: the file ends here"),
    "another magic number": ({TRAIN[1]: b"labels"}, "train-labels-idx1-ubyte, offset 0: the file starts with"),
    "one class": ({TRAIN[1]: idx(LABELS[:40] * 0)}, "train-labels-idx1-ubyte: it is 0 in every row"),
    "other images": ({TEST[0]: idx(IMAGES[40:, :2])}, r"t10k-images.*: its rows have shape \(2, 3\): .* \(4, 3\)"),
    "unknown class": ({TEST[1]: idx(LABELS[40:] + 1)}, r"t10k-labels-idx1-ubyte, at \[\d+\]: class 8: .*no row of it"),
}


@pytest.mark.parametrize(("changes", "message"), FOLDERS.values(), ids=FOLDERS)
def test_what_is_wrong_with_a_folder(folder, changes, message):
    for name, content in changes.items():
        (folder / name).unlink()
        if content is not None:
            (folder / name).write_bytes(content)
    with pytest.raises(DataError, match=message) as caught:
        read(folder)
    assert caught.value.remedy


# -- archives


@pytest.mark.parametrize("names", archives.SPELLINGS, ids=lambda names: names.X)
def test_an_archive_with_rows_for_a_test(archive, names):
    table = read(archive(**dict(zip(names, (IMAGES[:40], LABELS[:40], IMAGES[40:], LABELS[40:, None]), strict=True))))
    assert (table.name, table.classes, table.target_name) == ("my", ("5", "6", "7"), "y")
    np.testing.assert_array_equal(table.features, IMAGES[:40])
    assert table.held.target.tolist() == (LABELS[40:] - 5).tolist()  # one column counts as one number a row


def test_an_archive_with_nothing_but_x_and_y(archive):
    X = RNG.standard_normal((30, 2)).astype("float32")
    table = read(archive(X=X, y=X[:, 0] * 3, other=np.arange(3)))
    assert (table.task, table.held, table.feature_names) == ("regression", None, ("x0", "x1"))
    assert table.features.dtype == "float32"
    np.testing.assert_array_equal(table.target, X[:, 0] * 3)


BIG = 2**60


@pytest.mark.parametrize("dtype", ["int64", "uint64"])
def test_integer_labels_are_told_apart_to_the_last_digit(archive, dtype):
    """float64 would make one of two neighbours beyond 2⁵³."""
    y = (np.arange(30) % 3 + BIG).astype(dtype)
    table = read(archive(X=X, y=y, X_test=X[:3], y_test=y[[2, 1, 0]]))
    assert table.classes == tuple(str(BIG + n) for n in range(3))
    assert table.held.target.tolist() == [2, 1, 0]
    with pytest.raises(DataError, match=rf"member 'y_test', at \[1\]: class {BIG + 3}: "):
        read(archive(X=X, y=y, X_test=X[:3], y_test=np.array([BIG, BIG + 3, BIG], dtype)))


def test_what_an_archive_holds_besides_is_not_looked_at(archive):
    X = RNG.standard_normal((30, 2))
    path = archive(X=X, y=np.arange(30) % 2, names=np.array(["a", "b"]), made={"by": "hand"})
    with zipfile.ZipFile(path, "a") as more:
        more.writestr("readme.txt", "text")
    np.testing.assert_array_equal(read(path).features, X)


def with_nan():
    X = np.zeros((30, 2, 2))
    X[17, 1, 0] = np.nan
    return X


X, Y = np.arange(60.0).reshape(30, 2), np.arange(30) % 2
ARCHIVES = {
    "no X": ({"data": X, "y": Y}, r"my\.npz: it has no array 'X': it holds data, y"),
    "no y": ({"X": X}, r"my\.npz: it has no array 'y'"),
    "half of a test": ({"X": X, "y": Y, "X_test": X}, "it has no array 'y_test'"),
    "nothing": ({}, "it has no array 'X': it holds nothing"),
    "lengths": ({"X": X, "y": Y[:29]}, r"member 'y': it has 29 targets: .*member 'X' has 30 rows"),
    "text": ({"X": X, "y": np.array(["a"] * 30)}, r"member 'y\.npy', offset .*none of numbers.* class numbers"),
    "objects": ({"X": np.array([[None, {}]] * 30), "y": Y}, r"member 'X\.npy', offset"),
    "one-hot": ({"X": X, "y": np.eye(30)}, r"member 'y': it is float64 in shape \(30, 30\)"),
    "one axis": ({"X": X[:, 0], "y": Y}, r"member 'X': it is float64 in shape \(30,\)"),
    "no columns": ({"X": X[:, :0], "y": Y}, r"member 'X': it is float64 in shape \(30, 0\)"),
    "nan": ({"X": with_nan(), "y": Y}, r"member 'X', at \[17, 1, 0\]: it is nan"),
    "infinite target": ({"X": X, "y": np.where(Y, np.inf, X[:, 0])}, r"member 'y', at \[1\]: it is inf"),
    "constant": ({"X": X, "y": Y * 0}, "member 'y': it is 0 in every row"),
    "unknown class": ({"X": X, "y": Y, "X_test": X, "y_test": Y * 7}, r"member 'y_test', at \[1\]: class 7"),
    "overflowing squares": ({"X": X * 1e300, "y": Y}, "column 'x0': its numbers reach"),
}


@pytest.mark.parametrize(("arrays", "message"), ARCHIVES.values(), ids=ARCHIVES)
def test_what_is_wrong_with_an_archive(archive, arrays, message):
    path = archive(**arrays)
    with pytest.raises(DataError, match=message) as caught:
        hold_out(read(path), 0.2, np.random.default_rng(0))
    assert caught.value.remedy


def test_a_file_that_only_claims_to_be_an_archive(tmp_path):
    (tmp_path / "x.npz").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match=r"x\.npz, offset 0: it starts with|x\.npz: it cannot be read"):
        read(tmp_path / "x.npz")


def test_an_archive_is_known_by_its_content(archive):
    path = archive(X=X, y=Y)
    path.rename(path.with_name("data"))
    assert read(path.with_name("data")).classes == ("0", "1")


def test_one_array_is_no_table(tmp_path):
    np.save(tmp_path / "x.npy", X)
    (tmp_path / "x").write_bytes(gzip.compress(idx(IMAGES)))
    for name, kind in (("x.npy", ".npy"), ("x", "IDX")):
        with pytest.raises(DataError, match=f"it is one {kind} file: training needs features and a target"):
            read(tmp_path / name)


@pytest.mark.parametrize("in_memory", [2**28, 0])
@pytest.mark.parametrize("name", ["X", "y"])
def test_a_byte_that_was_changed_is_told(archive, monkeypatch, in_memory, name):
    """Be the array taken into memory or left in its file."""
    monkeypatch.setattr(archives, "IN_MEMORY", in_memory)
    arrays = {"X": RNG.standard_normal((6000, 2)), "y": RNG.integers(0, 2, 6000)}
    path = archive(**arrays)
    data = bytearray(path.read_bytes())
    data[data.index(arrays[name].tobytes()) + arrays[name].nbytes // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(DataError, match=rf"my\.npz: .*Bad CRC-32 for file '{name}\.npy'"):
        read(path)


# -- what is larger than memory


@pytest.fixture
def on_disk(archive, monkeypatch):
    """An archive whose X is taken to be too large for memory."""
    monkeypatch.setattr(archives, "IN_MEMORY", 1000)
    X = RNG.integers(0, 256, (500, 6), dtype="uint8")
    return archive(X=X, y=(X[:, 0] > 100).astype("int8")), X


def test_a_large_array_stays_in_its_file(on_disk):
    path, X = on_disk
    table = read(path)
    assert mapped(table.features) is not None
    split = hold_out(table, 0.2, np.random.default_rng(0))
    assert mapped(split.X_train) is not None
    assert (len(split.X_train), split.how) == (400, "the last rows of the file")
    np.testing.assert_array_equal(split.X_held, X[400:])
    assert split.features.mean == pytest.approx(X[:400].mean(axis=0), rel=1e-12)


def test_a_sorted_file_cannot_be_split_at_its_end(archive, monkeypatch):
    monkeypatch.setattr(archives, "IN_MEMORY", 1000)
    path = archive(X=RNG.standard_normal((500, 6)), y=np.arange(500) // 100)
    with pytest.raises(DataError, match=r"class 4 is in the last 100 rows only: .*Shuffle the rows"):
        hold_out(read(path), 0.2, np.random.default_rng(0))


MEASURE = """
import re, sys
import numpy as np
from pathlib import Path
from miniflow_xp.data import hold_out, read_data
from miniflow_xp.programs.train.scaled import ScaledBatches
def peak(): return 1024 * int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
before = peak()
split = hold_out(read_data(Path(sys.argv[1]), None), 0.2, np.random.default_rng(0))
source = ScaledBatches(split.X_train, split.y_train, split.features, "float32", 256, 0)
rows = sum(len(batch.y) for batch in source.epoch(0))
print(rows, peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_memory_stays_flat(tmp_path, run_python):
    """400 MB of a file are read twice; of a window of 64 MiB there are pages, a copy, and the copy before: 200 MB."""
    rows, columns = 500_000, 800
    with open(tmp_path / "y.npy", "wb") as file:
        np.save(file, (np.arange(rows) % 2).astype("int8"))
    X = np.lib.format.open_memmap(tmp_path / "X.npy", "w+", "uint8", (rows, columns))
    X[:, 0] = np.arange(rows) % 251  # the rest is 0, which a file system may keep as a hole
    del X
    with zipfile.ZipFile(tmp_path / "big.npz", "w") as archive:
        for name in ("X.npy", "y.npy"):
            archive.write(tmp_path / name, name)
    found, growth = map(int, run_python(MEASURE, str(tmp_path / "big.npz")).stdout.split())
    assert found == 400_000
    assert growth < 240e6


# -- statistics and scale


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32", "float64"])
def test_moments_by_chunks_are_those_of_all(dtype, monkeypatch):
    monkeypatch.setattr(moments, "CHUNK", 70)  # several chunks, the last one shorter
    X = (RNG.standard_normal((101, 2, 3)) * 40 + 100).astype(dtype)
    found, flat = moments.moments(X), X.reshape(101, 6).astype("float64")
    assert found.mean == pytest.approx(flat.mean(axis=0), rel=1e-13)
    assert found.deviation == pytest.approx(flat.std(axis=0), rel=1e-12)
    np.testing.assert_array_equal(found.least, flat.min(axis=0))
    np.testing.assert_array_equal(found.largest, flat.max(axis=0))


def test_moments_far_from_zero():
    """The sum of squares less the square of the sum would lose all digits: 1e8² is 1e16, and float64 has 16 of them."""
    X = 1e8 + RNG.integers(0, 2, (50_000, 3))
    assert moments.moments(X).deviation == pytest.approx(X.std(axis=0), rel=1e-7)


@pytest.mark.parametrize("raw", ["bool", "uint8", "int64", "float16", "float32", "float64"])
@pytest.mark.parametrize(("dtype", "tolerance"), [("float16", 1e-3), ("float32", 1e-6), ("float64", 1e-14)])
def test_scaled_batches_are_the_standardised_rows(raw, dtype, tolerance):
    """Within a few of the dtype's epsilons: 1e-3, 1.2e-7 and 2.2e-16."""
    X = (RNG.standard_normal((50, 2, 3)) * 3 + 5).astype(raw)
    y = np.arange(50)
    found = moments.moments(X)
    scaling = Scaling(found.mean, np.where(found.constant, np.inf, found.deviation), 3.0)
    expected = scaling(X.reshape(50, 6).astype("float64"))
    for (got, labels), (_, order) in zip(
        ScaledBatches(X, y, scaling, dtype, 16, seed=4).epoch(2), Batches(X, y, 16, seed=4).epoch(2), strict=True
    ):
        assert (got.dtype, got.flags.c_contiguous) == (dtype, True)
        np.testing.assert_array_equal(labels, order)
        np.testing.assert_allclose(got, expected[order], rtol=tolerance, atol=tolerance)


def test_numbers_that_float32_does_not_hold_are_scaled_in_float64():
    """Seconds since 1970 of one day: float32 knows them to 128 only."""
    X = 1.7e9 + np.arange(100.0)[:, None] * 600
    scaling = Scaling(X.mean(axis=0), X.std(axis=0), 3.0)
    np.testing.assert_allclose(scaling.into("float32", X.dtype)(X), scaling(X), rtol=1e-6, atol=1e-6)
    tiny = np.array([[1e-40], [3e-40]], "float32")
    scaling = Scaling(tiny.astype("float64").mean(axis=0), np.array([1e-40]), 3.0)
    np.testing.assert_allclose(scaling.into("float32", tiny.dtype)(tiny), [[-1], [1]], rtol=1e-4)  # 1e-40 has 5 digits


def test_an_epoch_goes_on_from_any_batch_and_tells_what_it_depends_on():
    X, y = RNG.standard_normal((50, 3)), np.arange(50)
    scaling = Scaling(X.mean(axis=0), X.std(axis=0), 3.0)
    source = ScaledBatches(X, y, scaling, "float32", 8, seed=1)
    for whole, part in zip(list(source.epoch(3))[4:], source.epoch(3, 4), strict=True):
        np.testing.assert_array_equal(whole.X, part.X)
    assert len(source) == 7
    assert source.settings == ScaledBatches(X.copy(), y, scaling, "float32", 8, seed=1).settings
    other = np.where(np.arange(50) == 49, 7, y)  # one target, the last
    assert source.settings != ScaledBatches(X, other, scaling, "float32", 8, seed=1).settings
    assert source.settings != ScaledBatches(X + 1, y, scaling, "float32", 8, seed=1).settings
    assert source.settings != ScaledBatches(X, y, scaling, "float32", 8, seed=2).settings


def test_parts_are_all_rows_in_order():
    X, y = RNG.standard_normal((PART * 2 + 5, 2)), np.arange(PART * 2 + 5)
    scaling = Scaling(X.mean(axis=0), X.std(axis=0), 3.0)
    inputs = Input("X"), Input("y", dtype=int)
    parts = Parts(inputs, X, y, scaling, "float64")
    assert len(parts) == len(list(parts)) == 3
    np.testing.assert_array_equal(np.concatenate([feed[inputs[1]] for feed in parts]), y)
    np.testing.assert_allclose(np.concatenate([feed[inputs[0]] for feed in parts]), scaling(X), rtol=1e-14)
