"""IDX, .npy and .npz files: what they hold, and what is wrong with them, by file and offset."""

import gzip
import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from miniflow_xp import errors
from miniflow_xp.data.idx import TYPES, read_idx
from miniflow_xp.data.npy import open_npy, read_npz
from miniflow_xp.data.pages import mapped

FASHION = Path("/usr/share/datasets/fashion-mnist")  # where Debian's package dataset-fashion-mnist puts it


def idx(array, kind=None):
    """The bytes of an IDX file."""
    kind = kind or {np.dtype(t).newbyteorder("="): k for k, t in TYPES.items()}[array.dtype]
    sizes = b"".join(n.to_bytes(4, "big") for n in array.shape)
    return bytes([0, 0, kind, array.ndim]) + sizes + array.astype(array.dtype.newbyteorder(">")).tobytes()


def same(got, expected):
    assert got.dtype == expected.dtype
    assert got.dtype.isnative
    np.testing.assert_array_equal(got, expected)


IMAGES = np.arange(24, dtype="uint8").reshape(2, 3, 4)


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("kind", TYPES)
def test_idx_of_every_type(tmp_path, kind, zipped):
    array = (np.arange(24).reshape(2, 3, 4) - 3).astype(np.dtype(TYPES[kind]).newbyteorder("="))
    data = idx(array, kind)
    path = tmp_path / "name-says-nothing"
    path.write_bytes(gzip.compress(data) if zipped else data)
    same(read_idx(path), array)


def test_idx_of_no_rows(tmp_path):
    (tmp_path / "a").write_bytes(idx(np.zeros((0, 5), "uint8")))
    assert read_idx(str(tmp_path / "a")).shape == (0, 5)


GOOD = idx(IMAGES)
BAD_IDX = {
    "empty": (b"", "offset 0: the file starts with nothing"),
    "another magic": (b"\x89PNG" + GOOD, "offset 0: the file starts with 89 50 4e 47"),
    "another type": (b"\0\0\x0a" + GOOD[3:], "offset 2: type 0x0a"),
    "no axis": (b"\0\0\x08\0", "offset 3: 0 axes"),
    "too many axes": (b"\0\0\x08\xff" + bytes(4 * 255), "offset 3: 255 axes"),
    "cut in the sizes": (GOOD[:9], "offset 9: the file ends here: the sizes of 3 axes end at offset 16"),
    "cut in the numbers": (GOOD[:-1], r"offset 39: the file ends here: uint8 in shape \(2, 3, 4\) takes 24 bytes"),
    "bytes left over": (GOOD + b"x", "offset 40: the file goes on here"),
    "a size too large": (GOOD[:4] + b"\xff" + GOOD[5:], "offset 40: the file ends here"),
    "sizes beyond 63 bits": (b"\0\0\x08\x03" + b"\xff" * 12, "offset 4: shape"),
    "a size of 0 among huge ones": (b"\0\0\x0e\x04" + bytes(4) + b"\xff" * 12, "offset 4: shape"),
}
IN_GZIP = {"a size too large": r"offset 4, shape \(.*\): it would take 51,\d+,\d+,\d+ bytes"}


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("kind", BAD_IDX)
def test_a_malformed_idx_file_is_told_with_its_offset(tmp_path, kind, zipped):
    data, text = BAD_IDX[kind]
    text = IN_GZIP.get(kind, text) if zipped else text
    path = tmp_path / "images"
    path.write_bytes(gzip.compress(data) if zipped else data)
    with pytest.raises(errors.DataError, match=f"images, {text}"):
        read_idx(path)


def test_a_damaged_gzip_file_is_told(tmp_path):
    data = gzip.compress(GOOD)
    for damaged in (
        data[:-1],
        data[:20],
        data[:3],
        data[:-8] + bytes(8),
        data[:12] + b"\xff\xff" + data[14:],
        data + b"x",
    ):
        (tmp_path / "a.gz").write_bytes(damaged)
        with pytest.raises(errors.DataError, match=r"a\.gz"):
            read_idx(tmp_path / "a.gz")


@pytest.mark.parametrize("read", [read_idx, open_npy, read_npz])
def test_what_is_no_file_is_told_and_nothing_waits(tmp_path, read):
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "", "missing", "\0"):
        with pytest.raises(errors.DataError):
            read(tmp_path / name)


@pytest.mark.skipif(not FASHION.is_dir(), reason="Debian's package dataset-fashion-mnist is not installed")
def test_fashion_mnist():
    images, labels = (read_idx(FASHION / f"t10k-{part}-ubyte.gz") for part in ("images-idx3", "labels-idx1"))
    assert images.shape == (10_000, 28, 28)
    assert np.bincount(labels).tolist() == [1000] * 10


# NumPy's files

ARRAYS = {
    "matrix": np.arange(12.0).reshape(3, 4),
    "columns": np.asfortranarray(np.arange(12, dtype="int32").reshape(3, 4)),
    "big": np.arange(5, dtype=">f4"),
    "number": np.array(3, "uint8"),
    "mask": np.array([True, False]),
    "nothing": np.zeros((0, 2), "float16"),
}


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_npy_is_mapped_as_numpy_reads_it(tmp_path, name, version):
    path = tmp_path / "a.npy"
    with path.open("wb") as file:
        np.lib.format.write_array(file, ARRAYS[name], version=version)
    got = open_npy(path)
    np.testing.assert_array_equal(got, np.load(path))
    assert got.dtype == np.load(path).dtype
    assert mapped(got) is not None or got.size == 0


@pytest.mark.parametrize("map_them", [False, True])
@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
def test_npz_is_as_numpy_reads_it(tmp_path, write, map_them):
    path = tmp_path / "a.npz"
    write(path, **ARRAYS)
    got = read_npz(path, mapped=map_them)
    assert list(got) == list(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(got[name], array)
        assert got[name].dtype == array.dtype
        assert (mapped(got[name]) is not None) == (map_them and write is np.savez and array.size > 0)


def npy(array=ARRAYS["matrix"], header=None):
    """The bytes of a .npy file; ``header`` in place of its own."""
    file = io.BytesIO()
    np.save(file, array)
    data = file.getvalue()
    if header is not None:
        data = data[:8] + len(header).to_bytes(2, "little") + header + array.tobytes()
    return data


BAD_NPY = {
    "empty": (b"", "offset 0"),
    "another magic": (b"PK" + npy(), "offset 0"),
    "another version": (npy()[:6] + b"\x09" + npy()[7:], r"offset 6: version 9\.0"),
    "cut in the header": (npy()[:50], "offset 50: it ends here"),
    "cut in the numbers": (npy()[:-1], "offset 223: it ends here"),
    "bytes left over": (npy() + b"x", "offset 224: it goes on here"),
    "pickled objects": (npy(header=b"{'descr': '|O', 'fortran_order': False, 'shape': (12,)}"), "none of numbers"),
    "text": (npy(header=b"{'descr': '<U2', 'fortran_order': False, 'shape': (12,)}"), "none of numbers"),
    "fields": (npy(header=b"{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (12,)}"), "none of numbers"),
    "a negative shape": (npy(header=b"{'descr': '<f8', 'fortran_order': False, 'shape': (-3, -4)}"), "shape"),
    "a shape of floats": (npy(header=b"{'descr': '<f8', 'fortran_order': False, 'shape': (12.0,)}"), "shape"),
    "a shape beyond 63 bits": (
        npy(header=b"{'descr': '<f8', 'fortran_order': False, 'shape': (0, 9223372036854775807)}"),
        "shape",
    ),
    "a shape too large": (npy(header=b"{'descr': '<f8', 'fortran_order': False, 'shape': (13,)}"), "it ends here"),
    "a key too many": (npy(header=b"{'descr': '<f8', 'fortran_order': False, 'shape': (12,), 'x': 1}"), "not just"),
    "an order that is none": (npy(header=b"{'descr': '<f8', 'fortran_order': 1, 'shape': (12,)}"), "neither"),
    "a call": (npy(header=b"__import__('os').abort()"), "not understood"),
    "nested without end": (npy(header=b"(" * 9000), "not understood"),
    "minus without end": (npy(header=b"-" * 9000 + b"1"), "not understood"),
    "digits without end": (npy(header=b"{'shape': (" + b"9" * 9000 + b",)}"), "not understood"),
    "a wrong escape": (npy(header=b"{'descr': '\\d', 'fortran_order': False, 'shape': (12,)}"), "not understood"),
    "no UTF-8": (npy(header=b"{'\xff': 1}"), "not understood"),
    "no header": (npy(header=b""), "offset 8"),
    "a header that is too long": (npy(header=b" " * 10_001), "offset 8"),
}


@pytest.mark.parametrize("kind", BAD_NPY)
def test_a_malformed_npy_file_is_told_with_its_offset(tmp_path, kind):
    data, text = BAD_NPY[kind]
    (tmp_path / "a.npy").write_bytes(data)
    with pytest.raises(errors.DataError, match=rf"a\.npy.*{text}"):
        open_npy(tmp_path / "a.npy")
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("member.npy", data)
    for map_it in (False, True):
        with pytest.raises(errors.DataError, match=rf"a\.npz, member 'member\.npy'.*{text}"):
            read_npz(tmp_path / "a.npz", mapped=map_it)


def test_a_malformed_archive_is_told(tmp_path):
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "text")
    with pytest.raises(errors.DataError, match=r"readme\.txt.*it is no \.npy file"):
        read_npz(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.npy", npy())
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a.npy", npy())
    with pytest.raises(errors.DataError, match="it comes twice"):
        read_npz(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("a.npy", npy())
    with pytest.raises(errors.DataError, match="it is compressed by method 12: NumPy's archives are"):
        read_npz(path)
    np.savez(path, a=np.arange(100.0))
    data = bytearray(path.read_bytes())
    data[300] ^= 1
    path.write_bytes(data)
    with pytest.raises(errors.DataError, match="CRC"):
        read_npz(path)
    path.write_bytes(data[:-30])
    with pytest.raises(errors.DataError):
        read_npz(path, mapped=True)
