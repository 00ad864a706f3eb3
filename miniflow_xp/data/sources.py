"""What a user names as data: a table, a folder of IDX files, an .npz archive; told by name or content."""

from pathlib import Path

from miniflow_xp.checks import usable_path
from miniflow_xp.data.archives import read_archive
from miniflow_xp.data.dialect import AS_IT_LOOKS, Dialect
from miniflow_xp.data.idx_folder import read_idx_folder
from miniflow_xp.data.kinds import TABLES, kind_of
from miniflow_xp.data.opening import check_not_asked
from miniflow_xp.data.tables import Table, read_table
from miniflow_xp.errors import DataError, SettingError


def read_data(path: Path, target: str | None, task: str = "auto", asked: Dialect = AS_IT_LOOKS) -> Table:
    """The table at ``path``; ``target``: the column to predict of a table, ``asked``: how a CSV file is written.

    Raises DataError where it cannot be read as a table, SettingError for an unknown task, or an option of CSV files
    that has no place.
    """
    path = usable_path(path, "read_data, path", DataError)
    kind = kind_of(path)
    if kind in TABLES:
        return read_table(path, target, task, asked)
    check_no_table(path, target, asked)
    if kind == "folder":
        return read_idx_folder(path, task)
    if kind == "npz":
        return read_archive(path, task)
    raise DataError(
        str(path),
        f"it is one {'IDX' if kind == 'idx' else '.npy'} file",
        "training needs features and a target",
        "Name the folder of the IDX files, or write one archive: numpy.savez('data.npz', X=X, y=y)",
    )


def check_no_table(path: Path, target: str | None, asked: Dialect) -> None:
    """Raise SettingError where options of tables came with something else."""
    if target is not None:
        raise SettingError(
            "target", f"it came with {path}", "a column is named in tables only", "Leave it out: y is the target"
        )
    check_not_asked(str(path), asked)
