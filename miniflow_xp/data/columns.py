"""Reading the columns of a table that a trained model knows, some rows at a time."""

from array import array
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from miniflow_xp.backend import Array
from miniflow_xp.data.dialect import AS_IT_LOOKS, Dialect
from miniflow_xp.data.encoding import Column, Encoder
from miniflow_xp.data.opening import open_sheet
from miniflow_xp.data.origin import Origin
from miniflow_xp.data.sheet import rows_of
from miniflow_xp.data.tables import listed
from miniflow_xp.errors import DataError


class Cells(NamedTuple):
    """Features (m, d) in float64; further cells of each row, as they stand; lines; decimal sign, and origin."""

    features: Array
    further: list[list[str]]
    lines: list[int]
    decimal: str
    origin: Origin


def read_columns(
    source: Any, columns: Sequence[Column], further: Sequence[str] = (), asked: Dialect = AS_IT_LOOKS
) -> Iterator[Cells]:
    """The columns as a model takes them, wherever they stand, and ``further`` ones as text; others are left out.

    Raises DataError for a column that is not there, and for a cell that does not fit.
    """
    sheet = open_sheet(source, asked)
    where = {name: place for place, name in enumerate(sheet.names)}
    places = [place_of(sheet.origin, where, column.name) for column in columns]
    others = [place_of(sheet.origin, where, name) for name in further]
    encoders = [Encoder(sheet.origin, column, sheet.decimal) for column in columns]
    while part := list(islice(sheet.rows, rows_of(len(where)))):
        numbers = array("d")
        for line, cells in part:
            for encoder, place in zip(encoders, places, strict=True):
                encoder.write(numbers, line, cells[place])
        texts = [[cells[place] for place in others] for _, cells in part]
        yield Cells(
            np.frombuffer(numbers).reshape(len(part), -1),
            texts,
            [line for line, _ in part],
            sheet.decimal,
            sheet.origin,
        )


def place_of(origin: Origin, places: Mapping[str, int], name: str) -> int:
    """Where the column of this name stands; raises DataError."""
    place = places.get(name)
    if place is not None:
        return place
    close = get_close_matches(name, places, n=1, cutoff=0.5)
    raise DataError(
        str(origin),
        f"no column is named {name[:80]!r}",
        f"the model reads it; the columns are {listed(places)}",
        f"Did you mean {close[0][:80]!r}? Then rename it" if close else "Add the column",
    )
