"""A CSV file as a Sheet."""

from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

from miniflow_xp.data.dialect import AS_IT_LOOKS, DECIMALS, SEPARATORS, Dialect, decimal_of
from miniflow_xp.data.origin import Origin
from miniflow_xp.data.rows import Row, Rows
from miniflow_xp.data.sheet import Sheet, check_names, rows_of
from miniflow_xp.errors import DataError


def open_csv(path: Path, asked: Dialect = AS_IT_LOOKS) -> Sheet:
    """The file, with what was not asked for as its first rows look. Raises DataError and SettingError."""
    separator, decimal = asked.check()
    rows = Rows(path, separator)
    names = header(path, rows)
    counted = same_length(path, rows, len(names))
    first = list(islice(counted, rows_of(len(names))))
    if not first:
        raise DataError(
            str(path), "it has a header line and nothing more", "a table has rows", "Add the data below the header"
        )
    found = rows.separator or ","
    if decimal is None:
        decimal = decimal_of((cell for _, cells in first for cell in cells), found)
    usual = (found, decimal) == (",", ".")
    told = () if usual else (f"separated by {SEPARATORS[found]}, numbers with {DECIMALS[decimal]}",)
    return Sheet(Origin(str(path), path=path), names, chain(first, counted), decimal, told)


def same_length(path: Path, rows: Iterator[Row], width: int) -> Iterator[Row]:
    """The rows, each with as many cells as the header line."""
    for line, cells in rows:
        cell_count(path, line, cells, width)
        yield line, cells


def header(path: Path, rows: Iterator[Row]) -> list[str]:
    """Column names, which must be there and differ."""
    line, names = next(rows, (1, []))
    if not names:
        raise DataError(str(path), "it is empty", "a table has a header line and rows", "Give a file with data")
    check_names(f"{path}, line {line}", names, ", or add a header line if there is none")
    return names


def cell_count(path: Path, line: int, cells: list[str], expected: int) -> None:
    """Raise DataError where a row has more or fewer cells than the header line."""
    if len(cells) != expected:
        raise DataError(
            f"{path}, line {line}",
            f"it has {len(cells)} cell{'' if len(cells) == 1 else 's'}",
            f"the header line has {expected}",
            "Mend this line; a cell that holds the separator needs quotes",
        )
