"""Parquet files and tables in memory as Sheets, by way of Arrow: cells are what a CSV file would have in their place.

So categories, gaps and dates mean the same whatever a table comes from, and a model that was trained on one kind takes
the other. ``docs/decisions`` says why it is PyArrow that reads both.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from miniflow_xp.data.ordinary import check_ordinary
from miniflow_xp.data.origin import OF_A_ROW, Origin
from miniflow_xp.data.rows import Row
from miniflow_xp.data.sheet import Sheet, check_names, rows_of
from miniflow_xp.errors import DataError, MiniflowError
from miniflow_xp.system.packages import needed, said_by

ROWS_ARE = "a table has columns, and rows of cells"
ANEW = "Write it anew, for instance by DataFrame.to_parquet"


def is_table(source: Any) -> bool:
    """Is it a table of another library, or a column of one?"""
    return any(hasattr(source, name) for name in ("__arrow_c_stream__", "__arrow_c_array__", "iloc"))


def pyarrow(where: str) -> Any:
    """PyArrow; raises PackageMissingError."""
    return needed("pyarrow", where, "'miniflow_xp[tables]'", "it reads Parquet and tables in memory")


def open_table(source: Any) -> Sheet:
    """A table in memory: of pandas, Polars, PyArrow, or another library that gives it as Arrow."""
    origin = Origin(f"{type(source).__module__.partition('.')[0]} {type(source).__name__}", "row")
    pa = pyarrow(str(origin))
    with told(origin, pa):
        table = pa.table(source)
    return sheet_of(origin, table.schema, lambda names: table.select(names).to_batches(), table.num_rows, pa)


def open_parquet(path: Path) -> Sheet:
    """A Parquet file, of which some rows at a time are in memory. Raises DataError."""
    origin = Origin(str(path), "row", path)
    pa = pyarrow(f"Parquet file {path}")
    with told(origin, pa):
        check_ordinary(path, "a table is one file")
        from pyarrow import parquet

        with parquet.ParquetFile(path) as file:
            schema, rows = file.schema_arrow, file.metadata.num_rows
            check_claims(origin, file.metadata, len(schema.names))
    texts = [name for name, kind in zip(schema.names, schema.types, strict=True) if is_text(pa, kind)]
    options = {"read_dictionary": texts, "page_checksum_verification": True}  # a text is in memory once

    def batches(names: Sequence[str]) -> Iterator[Any]:
        with told(origin, pa), parquet.ParquetFile(path, **options) as file:
            yield from file.iter_batches(batch_size=rows_of(len(names)), columns=list(names), use_threads=False)

    return sheet_of(origin, schema, batches, rows, pa)


def check_claims(origin: Origin, metadata: Any, width: int) -> None:
    """Raise DataError where what a file says of its size is more than it may take."""
    origin.check_room(metadata.num_rows * (OF_A_ROW + 8 * width))
    for number in range(metadata.num_row_groups):
        origin.check_room(metadata.row_group(number).total_byte_size)


def sheet_of(
    origin: Origin, schema: Any, batches: Callable[[Sequence[str]], Iterator[Any]], rows: int, pa: Any
) -> Sheet:
    """The Sheet of columns with this schema, of which ``batches`` gives some rows at a time."""
    index = index_of(schema)
    check_names(str(origin), schema.names)
    names = [name for name in schema.names if name not in index]
    if not names or not rows:
        raise DataError(str(origin), f"it has {len(names)} columns and {rows} rows", ROWS_ARE, "Give one with data")
    for name in names:
        check_kind(origin, name, schema.field(name).type, pa)
    left_out = tuple(f"{name}: the index, left out" for name in index if name in schema.names)
    return Sheet(origin, names, rows_in(origin, names, batches, pa), ".", left_out)


def index_of(schema: Any) -> list[str]:
    """Columns that are the index of a table of pandas, which is no data of it."""
    try:
        return [name for name in (schema.pandas_metadata or {}).get("index_columns", ()) if isinstance(name, str)]
    except (ValueError, AttributeError, TypeError):  # a file may say anything there
        return []


def rows_in(
    origin: Origin, names: Sequence[str], batches: Callable[[Sequence[str]], Iterator[Any]], pa: Any
) -> Iterator[Row]:
    """Rows of cells, each with its number, from 1; all texts together may take what a file may take."""
    numbers, step, characters = count(1), rows_of(len(names)), 0
    for batch in batches(names):
        for start in range(0, batch.num_rows, step):
            with told(origin, pa):
                part = batch.slice(start, step)
                part.validate(full=True)  # texts that are UTF-8, numbers of categories that there are
                columns = [cells(origin, name, part.column(n), pa) for n, name in enumerate(names)]
            texts = [c for c, kind in zip(columns, part.schema.types, strict=True) if is_text(pa, plain(pa, kind))]
            characters += sum(len(cell) for column in texts for cell in column)
            origin.check_room(characters)
            for row in zip(*columns, strict=True):
                yield next(numbers), list(row)


def is_text(pa: Any, kind: Any) -> bool:
    """Is it a type of texts?"""
    views = getattr(pa.types, "is_string_view", lambda _: False)
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or views(kind))


def plain(pa: Any, kind: Any) -> Any:
    """The type of values, which may be numbered."""
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def check_kind(origin: Origin, name: str, kind: Any, pa: Any) -> None:
    """Raise DataError for a column whose cells are neither numbers nor texts nor dates."""
    types, kind = pa.types, plain(pa, kind)
    known = types.is_integer, types.is_floating, types.is_boolean, types.is_decimal, types.is_date, types.is_null
    if is_text(pa, kind) or types.is_timestamp(kind) or types.is_time(kind) or any(test(kind) for test in known):
        return
    raise DataError(
        f"{origin}, column {name[:80]!r}",
        f"it is of type {str(kind)[:80]}",
        "a column holds numbers, texts, truth values or dates",
        "Take it out, or make such columns of it",
    )


def cells(origin: Origin, name: str, column: Any, pa: Any) -> list[str]:
    """The cells of a column as a CSV file has them: an empty one where there is no value."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        known = cells(origin, name, column.dictionary, pa)
        return ["" if n is None else known[n] for n in column.indices.to_pylist()]
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind) or pa.types.is_time(kind):
        column = column.cast(pa.string())
    values = column.to_pylist()
    if not is_text(pa, column.type):
        return ["" if value is None else str(value) for value in values]
    texts = ["" if value is None else value.strip() for value in values]
    if any("\0" in text for text in texts):  # NumPy takes it for the end of a text
        raise DataError(
            f"{origin}, column {name[:80]!r}", "a text of it holds a NUL", "text holds none", "Mend it, or take it out"
        )
    return texts


@contextmanager
def told(origin: Origin, pa: Any) -> Iterator[None]:
    """What PyArrow raises in the block is told as DataError."""
    try:
        yield
    except MiniflowError:
        raise
    except FileNotFoundError:
        raise DataError(str(origin), "there is no such file", ROWS_ARE, "Check its name and folder") from None
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError, OverflowError, MemoryError) as error:
        why = said_by(error)[:200]
        raise DataError(str(origin), "it cannot be read", why, ANEW if origin.path else "Mend the table") from None
