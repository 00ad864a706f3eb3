"""A folder of IDX files as MNIST and its like come: images and labels to train on, and others for a test."""

from pathlib import Path
from typing import NamedTuple

from miniflow_xp.data.idx import read_idx
from miniflow_xp.data.labelled import FileArray, table_of
from miniflow_xp.data.tables import Table
from miniflow_xp.data.target import check_task
from miniflow_xp.errors import DataError


class Pair(NamedTuple):
    """Names of a file of images and one of labels; each may end in ``.gz``."""

    images: str
    labels: str


TRAIN = Pair("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
TEST = Pair("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def read_idx_folder(folder: Path, task: str) -> Table:
    """The table in a folder of IDX files; labels are classes unless ``task`` says otherwise. Raises DataError."""
    check_task(task)
    train, test = read_pair(folder, TRAIN), read_pair(folder, TEST) if has_any(folder, TEST) else None
    name = folder.resolve().name or "idx"
    if task == "auto":
        return table_of(name, str(folder), train, test, "classification", "the labels of IDX files")
    return table_of(name, str(folder), train, test, task)


def read_test_pair(folder: Path) -> tuple[FileArray, FileArray]:
    """Images and labels to look at a trained model with: those for a test where there are some."""
    return read_pair(folder, TEST if has_any(folder, TEST) else TRAIN)


def read_test_images(folder: Path) -> FileArray:
    """The images alone."""
    return read_file(folder, (TEST if has_any(folder, TEST) else TRAIN).images)


def read_pair(folder: Path, pair: Pair) -> tuple[FileArray, FileArray]:
    """Images and labels."""
    return read_file(folder, pair.images), read_file(folder, pair.labels)


def has_any(folder: Path, pair: Pair) -> bool:
    """Is one file of the pair there? Then the other has to be."""
    return any(found(folder, name) for name in pair)


def found(folder: Path, name: str) -> Path | None:
    """The file of this name, plain or compressed; raises DataError where the folder may not be looked into."""
    for path in spelled(folder, name):
        try:
            path.stat()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise DataError(
                str(path), "it cannot be looked at", error.strerror or str(error), "Check the folder's permissions"
            ) from None
        return path
    return None


def spelled(folder: Path, name: str) -> list[Path]:
    """The paths that a file of this name may have; some write ``train-images.idx3-ubyte``."""
    return [folder / f"{spelling}{end}" for spelling in (name, name.replace("-idx", ".idx")) for end in ("", ".gz")]


def spellings(folder: Path) -> list[Path]:
    """All paths that are looked for in a folder of IDX files."""
    return [path for pair in (TRAIN, TEST) for name in pair for path in spelled(folder, name)]


def read_file(folder: Path, name: str) -> FileArray:
    """The array in a file of the folder."""
    path = found(folder, name)
    if path is None:
        raise DataError(
            str(folder),
            f"there is no {name} in it, nor {name}.gz",
            f"a folder of IDX files has {TRAIN.images} and {TRAIN.labels}",
            "Name the folder in which they are, or a .csv or .npz file",
        )
    return FileArray(str(path), read_idx(path))
