"""Tables and columns in memory as arrays of numbers, for who encodes what is none by himself."""

from typing import Any

import numpy as np

from miniflow_xp.backend import Array
from miniflow_xp.data.arrow import pyarrow
from miniflow_xp.errors import FeedError, PackageMissingError
from miniflow_xp.given import host_array
from miniflow_xp.system.packages import said_by


def numbers(where: str, source: Any) -> Array:
    """A table (n, d), or a column (n,), as an array; a missing number is NaN among floats.

    Raises FeedError for what holds no numbers, and for a missing one where there is no NaN.
    """
    try:
        pa = pyarrow(where)
    except PackageMissingError:
        if hasattr(source, "iloc"):  # NumPy reads plain columns of pandas, too
            return host_array(where, source)
        raise
    if not hasattr(source, "columns"):
        return column_of(where, arrow(where, source, pa.chunked_array), pa)
    table = arrow(where, source, pa.table)
    names = list(source.columns) if hasattr(source, "iloc") else table.column_names
    columns = [column_of(f"{where}, column {str(name)[:80]!r}", table.column(n), pa) for n, name in enumerate(names)]
    if not columns:
        raise FeedError(where, "it has no columns", "rows hold numbers", "Give a table with columns")
    return np.column_stack(columns)


def arrow(where: str, source: Any, made: Any) -> Any:
    """What PyArrow makes of it; raises FeedError."""
    try:
        return made(source)
    except (ValueError, TypeError, OverflowError) as error:  # PyArrow's own are among these
        got = f"it is a {type(source).__name__} that is no table of numbers"
        raise FeedError(where, got, said_by(error)[:200], "Mend the table") from None


def column_of(where: str, column: Any, pa: Any) -> Array:
    """A column (n,) of numbers or truth values."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_decimal(column.type):
        column = column.cast(pa.float64())
    kind = column.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)):
        remedy = "Encode it as numbers, or read the table by miniflow_xp.data.read_table, which does so"
        raise FeedError(where, f"it is of type {str(kind)[:80]}", "rows hold numbers, or truth values", remedy)
    if column.null_count and not pa.types.is_floating(kind):
        got = f"{column.null_count:,} of {len(column):,} cells have no value"
        raise FeedError(where, got, f"there is no NaN in {kind}", "Fill them in, or leave these rows out")
    return np.asarray(column.to_numpy())
