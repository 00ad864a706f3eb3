"""Files of a few kilobytes that hold or claim hundreds of megabytes, and files without an end."""

import gzip
import io
import json
import os
import sys
import zipfile
import zlib

import numpy as np
import pytest
from model_files import contents, sealed, write_archive

from miniflow_xp.checkpoints.file import FIRST
from miniflow_xp.data import read_table, room
from miniflow_xp.data.idx import read_idx
from miniflow_xp.data.npy import read_npz
from miniflow_xp.errors import DataError, SettingError

pytest_plugins = ["command_line"]  # the fixtures cli and process

MOST = 300e6  # Python, NumPy and this package take about 100 MB

PEAK = """
import re, sys
from pathlib import Path
from miniflow_xp.__main__ import main
try:
    main(sys.argv[1:])
finally:
    print("peak", 1024 * int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]), file=sys.stderr)
"""


def repeated(piece, count):
    """A gzip file of ``piece`` so many times, put together from one compressed part."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    part = packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH)
    crc = 0
    for _ in range(count):
        crc = zlib.crc32(piece, crc)
    end = crc.to_bytes(4, "little") + (len(piece) * count).to_bytes(4, "little")
    return gzip.compress(b"")[:10] + part * count + packer.flush() + end


def npy_header(shape, dtype="|u1"):
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": dtype, "fortran_order": False, "shape": shape})
    return file.getvalue()


def add_zeros(archive, name, shape):
    """A compressed member of zeros."""
    info = zipfile.ZipInfo(name)
    info.compress_type = zipfile.ZIP_DEFLATED
    with archive.open(info, "w") as member:
        member.write(npy_header(shape))
        for _ in range(int(np.prod(shape)) // 2**20):
            member.write(bytes(2**20))


def data_archive(path):
    """X of zeros, and a target."""
    with zipfile.ZipFile(path / "x.npz", "w") as archive:
        add_zeros(archive, "X.npy", (400, 2**20))
        archive.writestr("y.npy", npy_header((400,)) + bytes(range(200)) * 2)
    return "train", "--data", "x.npz"


def wide_archive(path):
    """Within its limit, but for the names of 60 million columns."""
    with zipfile.ZipFile(path / "x.npz", "w") as archive:
        add_zeros(archive, "X.npy", (2, 30 * 2**20))
        archive.writestr("y.npy", npy_header((2,)) + b"\0\1")
    return "train", "--data", "x.npz"


def idx_file(path):
    (path / "x.gz").write_bytes(repeated(bytes([0, 0, 8, 2, 0, 16, 0, 0, 0, 0, 1, 144]) + bytes(2**20 - 12), 400))
    return "predict", "model.st", "x.gz"


def one_line(path):
    (path / "x.csv.gz").write_bytes(repeated(b"a" * 2**20, 400))
    return "train", "--data", "x.csv.gz", "--target", "y"


def one_row_of_many_lines(path):
    (path / "x.csv.gz").write_bytes(repeated(b'"\n",' * 2**18, 400))
    return "predict", "model.st", "x.csv.gz"


def many_rows(path):
    (path / "x.csv.gz").write_bytes(gzip.compress(b"a,b\n") + repeated(b"1,2\n" * 2**18, 24))
    return "train", "--data", "x.csv.gz", "--target", "b"


def model_with_an_unused_member(path):
    write_archive(path / "m.npz", contents(path / "model.st"))
    with zipfile.ZipFile(path / "m.npz", "a") as archive:
        add_zeros(archive, "more.npy", (400, 2**20))
    (path / "x.csv").write_text("a,b,c\n1,2,x\n3,4,y\n")
    return "predict", "m.npz", "x.csv"


def model_with_a_huge_member(path):
    with zipfile.ZipFile(path / "m.npz", "w") as archive:
        add_zeros(archive, "hidden_weights.npy", (400, 2**20))
    return "predict", "m.npz", "x.csv"


def model_with_a_huge_array(path):
    """Its header claims 400 MB, and nothing follows."""
    data = (path / "model.st").read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:start])
    header["more"] = {
        "dtype": "U8",
        "shape": [400, 2**20],
        "data_offsets": [len(data) - start, len(data) - start + 400 * 2**20],
    }
    text = json.dumps(header, separators=(",", ":")).encode()
    (path / "m.st").write_bytes(sealed(len(text).to_bytes(8, "little") + text + data[start:]))
    return "predict", "m.st", "x.csv"


def model_with_a_huge_header(path):
    """It claims that all but 8 bytes of 400 MB are its header; the file has holes and takes a few kilobytes."""
    with (path / "m.st").open("wb") as file:
        file.write((400 * 2**20 - 8).to_bytes(8, "little") + FIRST)
        file.truncate(400 * 2**20)
    return "predict", "m.st", "x.csv"


BOMBS = {
    "archive": (data_archive, "member 'X.npy': it would take 419,430,528 bytes"),
    "wide archive": (wide_archive, "member 'X': it would take 3,145,"),
    "IDX": (idx_file, "x.gz, offset 4, shape (1048576, 400): it would take 419,430,400 bytes"),
    "one line": (one_line, "x.csv.gz, line 0: a row of more than 4,194,304 bytes"),
    "one row of many lines": (one_row_of_many_lines, "a row of more than 4,194,304 bytes"),
    "many rows": (many_rows, "the rows up to here take 67,1"),
    "unused member of a model": (model_with_an_unused_member, None),
    "huge member of a model": (model_with_a_huge_member, "it would take 419,430,528"),
    "huge array of a model": (model_with_a_huge_array, "its arrays take 419,4"),
    "huge header of a model": (model_with_a_huge_header, "it says that its header has 419,430,392 bytes"),
}


@pytest.fixture
def model(cli, tmp_path):
    (tmp_path / "t.csv").write_text("a,b,c\n" + "1,2,x\n3,4,y\n" * 20)
    assert cli("train", "--data", "t.csv", "--target", "c", "--epochs", "1", "-o", "model.st")[0] == 0


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
@pytest.mark.parametrize(("make", "message"), BOMBS.values(), ids=BOMBS)
def test_a_small_file_takes_little_memory_whatever_it_claims(model, tmp_path, run_python, make, message):
    arguments = make(tmp_path)
    done = run_python(PEAK, *arguments, status=0 if message is None else 1)
    told, _, peak = done.stderr.rpartition("peak ")
    assert (message or "") in told
    assert told.count("\n") == (message is not None)
    assert int(peak) < MOST


# -- the limit


def test_the_limit_can_be_raised(tmp_path, monkeypatch):
    path = tmp_path / "x.npz"
    np.savez_compressed(path, X=np.zeros(2**20))
    (tmp_path / "x.gz").write_bytes(gzip.compress(bytes([0, 0, 8, 1, 0, 16, 0, 0]) + bytes(2**20)))
    (tmp_path / "x.csv.gz").write_bytes(gzip.compress(b"a,b\n" + b"1,2\n2,3\n" * 9000))
    readers = {
        path: read_npz,
        tmp_path / "x.gz": read_idx,
        tmp_path / "x.csv.gz": lambda path: read_table(path, "b"),
    }
    for limit, fits in (("0.5", None), ("1000", False), ("900K", False), ("9M", True), ("1g", True)):
        monkeypatch.setenv(room.SETTING, limit)
        for path, read in readers.items():
            if fits:
                read(path)
            else:
                error, text = (SettingError, "500M or 8G") if fits is None else (DataError, f"set {room.SETTING} to")
                with pytest.raises(error, match=text):
                    read(path)


def test_the_usual_limit_goes_by_the_size_of_the_file_and_by_what_is_free(tmp_path, monkeypatch):
    path = tmp_path / "x"
    for size, free, limit in ((1, None, 2**26), (2**21, None, 2**27), (2**21, 10**6, 10**6), (1, 2**40, 2**26)):
        path.write_bytes(bytes(size))
        monkeypatch.setattr(room, "free_memory", lambda free=free: free)
        assert room.room(path) == limit


# -- files without an end


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither named pipes nor devices in folders")
@pytest.mark.parametrize("name", ["pipe", "pipe.npz", "pipe.csv", "/dev/zero", "/dev/null", "/dev/tty"])
def test_a_pipe_or_a_device_is_told_and_not_waited_for(cli, model, tmp_path, name):
    if name.startswith("pipe"):
        os.mkfifo(tmp_path / name)
    kind = "a pipe" if name.startswith("pipe") else "a device or a socket"
    for arguments in (
        ("train", "--data", name, *([] if name.endswith("npz") else ["--target", "y"])),
        ("predict", "model.st", name),
        ("predict", name, "t.csv"),
        ("evaluate", "model.st", name),
    ):
        code, output, messages = cli(*arguments)
        assert (code, output) == (1, "")
        assert messages.startswith(f"Error: {name}: it is {kind}")


@pytest.mark.skipif(not os.path.exists("/dev/fd"), reason="a shell's pipe has a name there")
def test_a_pipe_that_is_open_already_is_read(cli, model, tmp_path):
    expected = cli("predict", "model.st", "t.csv")
    get, give = os.pipe()
    os.write(give, (tmp_path / "t.csv").read_bytes())
    os.close(give)
    try:
        assert cli("predict", "model.st", f"/dev/fd/{get}") == expected
    finally:
        os.close(get)
