"""A table that is open, whatever it comes from: names of columns, and rows of texts, as a CSV file has them."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from miniflow_xp.data.origin import Origin
from miniflow_xp.data.rows import Row
from miniflow_xp.errors import DataError

ROWS = 1024  # at a time, but fewer of wide tables:
CELLS = 2**19


class Sheet(NamedTuple):
    """An open table: its origin, the names of its columns, its rows, each with as many cells, and its decimal sign."""

    origin: Origin
    names: list[str]
    rows: Iterator[Row]
    decimal: str
    notes: tuple[str, ...]


def rows_of(width: int) -> int:
    """How many rows are looked at together: fewer of wide tables."""
    return max(1, min(ROWS, CELLS // width))


def check_names(where: str, names: Sequence[str], more: str = "") -> None:
    """Raise DataError where a column has no name, or one that another has; ``more`` of what to do."""
    seen = set[str]()
    for place, name in enumerate(names, 1):
        if name in seen or not name:
            raise DataError(
                f"{where}, column {place}",
                f"the name {name[:80]!r} comes twice" if name else "it has no name",
                "each column has its own name",
                f"Rename the column or take it out{more}",
            )
        seen.add(name)
