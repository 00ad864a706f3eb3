"""A file that is written whole keeps what the old one was: its permissions, and what is no file at all."""

import os
import stat
import sys
from pathlib import Path

import pytest

from miniflow_xp.checkpoints import Keeper, State, load, save
from miniflow_xp.checks import usable_path
from miniflow_xp.errors import DataError, SettingError
from miniflow_xp.system.files import write_atomically

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither these permissions nor named pipes")


@pytest.mark.parametrize("bits", [0o640, 0o600, 0o666, 0o755])
def test_the_new_file_has_the_permissions_of_the_old_one(tmp_path, bits):
    path = tmp_path / "x"
    path.write_text("old")
    path.chmod(bits)
    write_atomically(path, [b"new"])
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new", bits)


def test_nothing_can_be_read_before_the_permissions_are_set(tmp_path):
    path = tmp_path / "x"
    path.write_text("old")
    path.chmod(0o600)
    seen = []

    def chunks():
        seen.extend(stat.S_IMODE(other.stat().st_mode) for other in tmp_path.iterdir())
        yield b"new"

    write_atomically(path, chunks())
    assert seen == [0o600, 0o600]  # the old file and the temporary one


def test_a_file_that_was_not_there_gets_the_usual_permissions(tmp_path):
    (tmp_path / "usual").write_text("")
    write_atomically(tmp_path / "x", [b"new"])
    assert (tmp_path / "x").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_link_stays_a_link_and_its_file_keeps_its_permissions(tmp_path):
    (tmp_path / "file").write_text("old")
    (tmp_path / "file").chmod(0o640)
    (tmp_path / "link").symlink_to("file")
    write_atomically(tmp_path / "link", [b"new"])
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text() == "new"
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


def test_what_is_no_file_stays(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "link", "folder"):
        with pytest.raises(OSError, match="it is no ordinary file"):
            write_atomically(tmp_path / name, [b"new"])
    assert (tmp_path / "pipe").is_fifo()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder", "link", "pipe"]


@pytest.mark.parametrize(
    "name", ["n" * 251 + ".npz", "n" * 229 + ".npz", "ö" * 125 + ".npz", "😀" * 62 + ".npz"], ids=len
)
def test_a_name_as_long_as_names_may_be_is_written(tmp_path, name):
    write_atomically(tmp_path / name, [b"new"])
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [(name, b"new")]


def test_where_a_file_may_be_there_is_a_name(tmp_path):
    for name in (tmp_path, str(tmp_path), "x", "Größe", "a\udcff"):  # the last is a byte that is no UTF-8
        assert usable_path(name, "x") == Path(name)


@pytest.mark.parametrize("name", ["a\0", "", "a\ud800", None, 3, b"x", ["x"]], ids=repr)
@pytest.mark.parametrize(
    "use",
    [
        Keeper,
        load,
        lambda name: save(name, State({}, {})),
    ],
    ids=["Keeper", "load", "save"],
)
def test_what_names_no_file_is_an_error_of_ours(tmp_path, monkeypatch, use, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((SettingError, DataError), match="it is the name of a file or folder"):
        use(name)
    assert not list(tmp_path.iterdir())
