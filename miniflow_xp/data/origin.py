"""Where a table comes from: what complaints call it and its rows, and how much memory it may take."""

from math import inf
from pathlib import Path
from typing import NamedTuple

from miniflow_xp.data.room import check_room, room, too_large

OF_A_ROW = 80  # bytes of a text, of its place in a list, and of the number of a line


class Origin(NamedTuple):
    """``name``: of the file, or what a table in memory is; ``unit``: what is numbered in it; ``path``: of a file."""

    name: str
    unit: str = "line"
    path: Path | None = None

    def __str__(self) -> str:
        return self.name

    @property
    def title(self) -> str:
        """The name for what is made of it: of a file, without its folder and its ends."""
        if self.path is None:
            return "table"
        name = self.path.name.removesuffix(".gz")
        return name.removesuffix(".csv").removesuffix(".parquet")

    def at(self, number: int) -> str:
        """A row by its number, or that of its line."""
        return f"{self.name}, {self.unit} {number}"

    def cell(self, number: int, column: str) -> str:
        """A cell."""
        return f"{self.at(number)}, column {column[:80]!r}"

    def check_room(self, wanted: int) -> None:
        """Raise DataError where it would take more memory than a file may; what is in memory may be there."""
        if self.path is not None:
            check_room(self.name, self.path, wanted)


class MemoryBudget:
    """Counts the memory that the rows of a file take; raises DataError where it is more than the file may."""

    def __init__(self, origin: Origin) -> None:
        self.origin, self.bytes = origin, 0
        self.most = inf if origin.path is None else room(origin.path)

    def add(self, number: int, rows: int, numbers: int, characters: int) -> None:
        """Rows up to this one: so many numbers, and characters of labels, each of which is a text of Python."""
        self.bytes += OF_A_ROW * rows + 8 * numbers + characters
        if self.bytes > self.most:
            got = f"the rows up to here take {self.bytes:,} bytes in memory"
            raise too_large(self.origin.at(number), got, int(self.most))
