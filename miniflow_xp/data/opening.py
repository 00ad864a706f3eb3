"""A table opened, whatever it comes from: a CSV file, a Parquet file, or one in memory."""

from typing import Any

from miniflow_xp.checks import usable_path
from miniflow_xp.data.arrow import is_table, open_parquet, open_table
from miniflow_xp.data.csv_sheet import open_csv
from miniflow_xp.data.dialect import AS_IT_LOOKS, Dialect
from miniflow_xp.data.kinds import kind_of
from miniflow_xp.data.sheet import Sheet
from miniflow_xp.errors import DataError, SettingError


def open_sheet(source: Any, asked: Dialect = AS_IT_LOOKS) -> Sheet:
    """The table in a file, or the one that ``source`` is; ``asked``: how a CSV file is written."""
    if is_table(source):
        check_not_asked("a table in memory", asked)
        return open_table(source)
    path = usable_path(source, "read_table, path", DataError)
    if kind_of(path) == "parquet":
        check_not_asked(str(path), asked)
        return open_parquet(path)
    return open_csv(path, asked)


def check_not_asked(where: str, asked: Dialect) -> None:
    """Raise SettingError where options of CSV files came with something else."""
    for name, value in asked._asdict().items():
        if value is not None:
            raise SettingError(name, f"it came with {where}", "it is for CSV files", "Leave it out")
