"""From a file to rows of cells: compression, encoding, quotes."""

import csv
import gzip
import os
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, TypeAlias

from miniflow_xp.errors import DataError

Row: TypeAlias = tuple[int, list[str]]
"""Number of the line on which the row ends, from 1, and its cells without the spaces around them."""

GZIP_STARTS_WITH = b"\x1f\x8b"


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of a CSV file; blank lines are left out. Raises DataError where the file cannot be read."""
    if os.path.isdir(path):
        raise DataError(str(path), "it is a folder", "a table is one CSV file", "Name a file in it")
    reader = None
    try:
        with path.open("rb") as file:
            reader = csv.reader(decoded(path, unpacked(file)), strict=True, skipinitialspace=True)
            for cells in reader:
                if any(cells) or len(cells) > 1:
                    yield reader.line_num, [cell.strip() for cell in cells]
    except FileNotFoundError:
        raise DataError(
            str(path), "there is no such file", "a table is a CSV file", "Check its name and folder"
        ) from None
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(
            str(path), "it cannot be read", getattr(error, "strerror", None) or str(error), "Check the file"
        ) from None
    except csv.Error as error:
        where = f"{path}, line {reader.line_num}" if reader else str(path)
        raise DataError(where, "it is not CSV", str(error), "Check quotes and line ends near this line") from None


def unpacked(file: IO[bytes]) -> Iterable[bytes]:
    """The file's lines, decompressed where it is a gzip file, whatever its name."""
    start = file.peek(2)[:2]  # type: ignore[attr-defined]  # a file opened for binary reading is buffered
    return gzip.open(file) if start == GZIP_STARTS_WITH else file


def decoded(path: Path, lines: Iterable[bytes]) -> Iterator[str]:
    """Lines as text, without the mark that some programs put before UTF-8."""
    for count, line in enumerate(lines, 1):
        if b"\0" in line:  # NumPy takes it for the end of a text
            raise DataError(
                f"{path}, line {count}",
                f"byte {line.index(0) + 1} of it is 0x00",
                "text holds no NUL",
                "Save the table as CSV in UTF-8",
            )
        try:
            yield line.decode("utf-8-sig" if count == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise DataError(
                f"{path}, line {count}",
                f"byte {error.start + 1} of it is {line[error.start]:#04x}",
                "text is encoded in UTF-8",
                "Save the table as CSV in UTF-8",
            ) from None
