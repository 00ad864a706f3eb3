"""How the columns of a table become numbers: numbers as they are, few texts by a 0/1 column for each, gaps by a median.

A column with gaps gets another beside it, which is 1 where a cell was missing. What a trained model knows of its
columns it keeps, so that it takes rows as they stand in a file.
"""

import re
import warnings
from array import array
from collections.abc import Sequence
from math import isinf, nan
from reprlib import repr as shortened
from typing import NamedTuple

import numpy as np

from miniflow_xp.backend import Array
from miniflow_xp.data.origin import Origin
from miniflow_xp.data.target import POINTS, commas, has_commas, is_missing, number
from miniflow_xp.errors import DataError

MOST_CATEGORIES = 50
MISSING, UNKNOWN = -1, -2
DATE = re.compile(r"\d{1,4}([-/.])\d{1,2}\1\d{1,4}([ T]\d{1,2}:\d{2}.*)?|\d{4}-\d{2}", re.ASCII)


class Column(NamedTuple):
    """``categories``: the texts that have a 0/1 column each, none where the column holds numbers.

    ``gaps``: does a column beside it mark missing cells? ``median`` stands in for them where the column holds numbers.
    """

    name: str
    categories: tuple[str, ...] = ()
    gaps: bool = False
    median: float = nan

    @property
    def names(self) -> tuple[str, ...]:
        """A name for each number that a cell becomes."""
        own = tuple(f"{self.name}={text}" for text in self.categories) or (self.name,)
        return (*own, f"{self.name} is missing") if self.gaps else own

    @property
    def plain(self) -> bool:
        """Is it of numbers without gaps?"""
        return not self.categories and not self.gaps


def width(columns: Sequence[Column]) -> int:
    """Numbers that a row becomes."""
    return sum((len(column.categories) or 1) + column.gaps for column in columns)


class Encoder:
    """Writes the cells of a column that a model knows as numbers."""

    def __init__(self, origin: Origin, column: Column, decimal: str) -> None:
        self.origin, self.column, self.decimal, self.told = origin, column, decimal, False
        self.rows = {text: one_hot(column, n) for n, text in enumerate(column.categories)}
        self.missing = one_hot(column, MISSING) if column.categories else array("d", [column.median, 1])

    def write(self, numbers: "array[float]", line: int, cell: str) -> None:
        """Append what a cell becomes; raises DataError where it is no number, or missing and was not in training."""
        if is_missing(cell):
            if not self.column.gaps:
                raise missing(self.origin, line, self.column.name, cell)
            numbers.extend(self.missing)
        elif self.rows:
            numbers.extend(self.rows.get(cell) or self.unknown(line, cell))
        else:
            numbers.append(finite(self.origin, line, self.column.name, cell, self.decimal))
            if self.column.gaps:
                numbers.append(0)

    def unknown(self, line: int, cell: str) -> "array[float]":
        """None of the categories, which is told once."""
        if not self.told:
            where = self.origin.cell(line, self.column.name)
            warnings.warn(f"{where}: {shortened(cell)} was not in training: it is none of the categories", stacklevel=2)
            self.told = True
        return one_hot(self.column, UNKNOWN)


def one_hot(column: Column, code: int) -> "array[float]":
    """What a cell of this category becomes."""
    flags = [float(code == n) for n in range(len(column.categories))]
    return array("d", [*flags, float(code == MISSING)] if column.gaps else flags)


class ColumnBuilder:
    """The cells of a column of a table that is trained on: as numbers, and as texts as long as they are few."""

    def __init__(self, origin: Origin, name: str, decimal: str) -> None:
        self.origin, self.name, self.decimal = origin, name, decimal
        self.values, self.codes = array("d"), array("b")
        self.texts: dict[str, int] = {}
        self.few = True
        self.gaps = self.numbers = 0
        self.first: tuple[int, str] | None = None  # line and cell of the first that is no number

    def add(self, line: int, cell: str) -> None:
        """Take a cell; raises DataError for an infinite one."""
        if is_missing(cell):
            self.gaps += 1
            self.values.append(nan)
            self.codes.append(MISSING)
            return
        value = number(cell, self.decimal)
        if value is None:
            self.first = self.first or (line, cell)
        elif isinf(value):
            raise infinite(self.origin.cell(line, self.name), cell)
        else:
            self.numbers += 1
        self.values.append(nan if value is None else value)
        if self.few:
            self.codes.append(self.texts.setdefault(cell, len(self.texts)))
            self.few = len(self.texts) <= MOST_CATEGORIES

    def column(self) -> Column:
        """What the column is; raises DataError where it can be neither numbers nor categories."""
        where = f"{self.origin}, column {self.name[:80]!r}"
        if self.gaps == len(self.values):
            raise DataError(where, "no cell of it has a value", "there is something to learn from", "Take it out")
        if self.first is None:
            return Column(self.name, (), self.gaps > 0)
        line, cell = self.first
        where = self.origin.cell(line, self.name)
        if 2 * self.numbers >= len(self.values) - self.gaps or (self.decimal == "." and has_commas(cell)):
            raise not_a_number(where, cell, self.decimal)
        if DATE.fullmatch(cell):
            raise DataError(
                where,
                f"{shortened(cell)} is a date",
                "features are numbers, or texts of which there are few",
                "Write what matters of it as numbers, such as the month, the weekday, or days since a day",
            )
        if not self.few:
            raise DataError(
                where,
                f"the column has more than {MOST_CATEGORIES} different texts, such as {shortened(cell)}",
                f"a column of texts has {MOST_CATEGORIES} at most, each of which gets a 0/1 column",
                "Take the column out of the file, or group its texts",
            )
        return Column(self.name, tuple(sorted(self.texts)), self.gaps > 0)

    def block(self, column: Column) -> Array:
        """Its cells as numbers (n, w); NaN where a number is missing."""
        if not column.categories:
            values = np.frombuffer(self.values)
            return np.stack([values, np.isnan(values)], axis=1) if column.gaps else values[:, None]
        order = np.array([column.categories.index(text) for text in self.texts] + [MISSING])
        codes = order[np.frombuffer(self.codes, "int8")]
        wanted = [*range(len(column.categories)), MISSING] if column.gaps else [*range(len(column.categories))]
        return codes[:, None] == np.array(wanted)


def finite(origin: Origin, line: int, name: str, cell: str, decimal: str) -> float:
    """The number in a cell; raises DataError where there is none, or an infinite one."""
    value = number(cell, decimal)
    if value is None:
        raise not_a_number(origin.cell(line, name), cell, decimal)
    if isinf(value):
        raise infinite(origin.cell(line, name), cell)
    return value


def infinite(where: str, cell: str) -> DataError:
    """The error for a number that float64 does not hold."""
    return DataError(where, f"it is {cell}", "numbers are finite", "Mend or drop the row")


def not_a_number(where: str, cell: str, decimal: str) -> DataError:
    """The error for a text among numbers, which may be a number but for its commas."""
    if decimal == "." and has_commas(cell):
        return DataError(where, *commas(cell), POINTS)
    return DataError(
        where, f"{shortened(cell)} is not a number", "this is a column of numbers", "Mend it, or take the row out"
    )


def missing(origin: Origin, line: int, name: str, cell: str) -> DataError:
    """The error for a cell without a value."""
    return DataError(
        origin.cell(line, name),
        f"it is {cell}" if cell else "it is empty",
        "every cell of this column holds a value",
        "Fill it in, or take the row out of the file",
    )
