"""From a file to rows of cells: compression, encoding, line ends, quotes."""

import csv
import zlib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import IO, TypeAlias

from miniflow_xp.data.dialect import separator_of
from miniflow_xp.data.ordinary import check_ordinary_or_open, unpacked
from miniflow_xp.data.room import CHUNK, room, too_large
from miniflow_xp.errors import DataError

Row: TypeAlias = tuple[int, list[str]]
"""Number of the line on which the row ends, from 1, and its cells without the spaces around them."""

PARSED = 16  # a row that is being taken apart takes up to so many times the bytes of its text


class Rows(Iterator[Row]):
    """The rows of a CSV file; blank lines are left out. Raises DataError where the file cannot be read.

    ``separator`` is known once the first row has been read, if it was not given.
    """

    def __init__(self, path: Path, separator: str | None = None) -> None:
        self.path, self.separator = path, separator
        self.rows = self.read()

    def __next__(self) -> Row:
        return next(self.rows)

    def read(self) -> Iterator[Row]:
        """The rows, one after the other."""
        path, reader, blank = self.path, None, 0
        try:
            check_ordinary_or_open(path, "a table is one CSV file")
            with path.open("rb") as file:
                lines = Lines(path, unpacked(file))
                first = next((line for line in lines if line.strip()), "")
                self.separator = self.separator or separator_of(first)
                blank = max(0, lines.number - 1)  # lines before the first that is none
                reader = csv.reader(chain([first], lines), delimiter=self.separator, strict=True, skipinitialspace=True)
                for cells in reader:
                    lines.row = 0
                    if any(cells) or len(cells) > 1:
                        yield blank + reader.line_num, [cell.strip() for cell in cells]
        except FileNotFoundError:
            raise DataError(
                str(path), "there is no such file", "a table is a CSV file", "Check its name and folder"
            ) from None
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(
                str(path), "it cannot be read", getattr(error, "strerror", None) or str(error), "Check the file"
            ) from None
        except csv.Error as error:
            where = f"{path}, line {blank + reader.line_num}" if reader else str(path)
            raise DataError(where, "it is not CSV", str(error), "Check quotes and line ends near this line") from None


class Lines(Iterator[str]):
    """The lines of a file as text, without the mark that some programs put before UTF-8.

    A line ends in CR LF, in LF, or in CR as on old Macs. Whoever has read a row sets ``row``, the bytes of the row so
    far, to 0: rows that would take more memory than the file may are refused before they are whole.
    """

    def __init__(self, path: Path, file: IO[bytes]) -> None:
        self.path, self.file = path, file
        self.most = room(path)
        self.number = self.row = 0
        self.waiting: list[bytes] = []  # lines that were read, the next one last
        self.rest = b""  # the start of the line after them
        self.ended = False

    def __next__(self) -> str:
        while not self.waiting:
            if self.ended:
                raise StopIteration
            self.read()
        line = self.waiting.pop()
        self.number += 1
        self.row += len(line)
        self.check(self.row)
        return self.decoded(line)

    def read(self) -> None:
        """Read on; a long line in ever larger parts, so that it is not looked through once for each of them."""
        more = self.file.read(max(CHUNK, len(self.rest)))
        lines = (self.rest + more).splitlines(keepends=True)
        self.ended = not more
        self.rest = lines.pop() if more and not lines[-1].endswith(b"\n") else b""  # a CR there may be one of CR LF
        self.waiting = lines[::-1]
        self.check(self.row + len(self.rest))

    def check(self, count: int) -> None:
        """Raise DataError where a row of so many bytes would take too much."""
        if PARSED * count > self.most:
            got = (
                f"a row of more than {self.most // PARSED:,} bytes, which takes up to {PARSED} times as much in memory"
            )
            raise too_large(f"{self.path}, line {self.number}", got, self.most)

    def decoded(self, line: bytes) -> str:
        """A line as text."""
        where = f"{self.path}, line {self.number}"
        if b"\0" in line:  # NumPy takes it for the end of a text
            raise DataError(
                where, f"byte {line.index(0) + 1} of it is 0x00", "text holds no NUL", "Save the table as CSV in UTF-8"
            )
        try:
            return line.decode("utf-8-sig" if self.number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise DataError(
                where,
                f"byte {error.start + 1} of it is {line[error.start]:#04x}",
                "text is encoded in UTF-8",
                "Save the table as CSV in UTF-8",
            ) from None
