"""What a trained model says of rows, some at a time: as many as there are take no more memory."""

import csv
from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import numpy as np

from miniflow_xp.backend import Array
from miniflow_xp.data.archives import read_archive_rows
from miniflow_xp.data.columns import read_columns
from miniflow_xp.data.dialect import AS_IT_LOOKS, Dialect
from miniflow_xp.data.formulas import escaped
from miniflow_xp.data.idx import read_idx
from miniflow_xp.data.idx_folder import read_test_images
from miniflow_xp.data.kinds import TABLES, kind_of
from miniflow_xp.data.labelled import FileArray, checked_rows
from miniflow_xp.data.moments import width
from miniflow_xp.data.npy import open_npy
from miniflow_xp.data.pages import release
from miniflow_xp.data.sources import check_no_table
from miniflow_xp.engine.program import Program
from miniflow_xp.errors import DataError, SettingError
from miniflow_xp.programs.train.loading import Model
from miniflow_xp.programs.train.scaled import PART
from miniflow_xp.switch import to_numpy


class Part(NamedTuple):
    """Some rows, and of each the cells that are kept."""

    rows: Array
    kept: list[list[str]]


def prediction_lines(model: Model, data: Path, keep: Sequence[str] = (), asked: Dialect = AS_IT_LOOKS) -> Iterator[str]:
    """CSV text for the rows in ``data``, some lines at a time: a header line, then a line a row.

    Classification gives ``prediction,probability``, regression ``prediction`` in the target's own units; before them
    come the columns of a table to ``keep``. A text that a spreadsheet would calculate is ``escaped``. ``asked``: how a
    table is written. Raises DataError for data that do not fit the model.
    """
    names = [*map(escaped, keep), "prediction", *(["probability"] if model.classes else [])]
    for number, (outputs, kept) in enumerate(outputs_of(model, data, keep, asked)):
        text = StringIO()
        writer = csv.writer(text, lineterminator="\n")
        if number == 0:
            writer.writerow(names)
        found = class_rows(model, outputs) if model.classes else number_rows(model, outputs)
        for cells, row in zip(kept, found, strict=True):
            writer.writerow((*map(escaped, cells), *row))
        yield text.getvalue()


def outputs_of(
    model: Model, data: Path, keep: Sequence[str] = (), asked: Dialect = AS_IT_LOOKS
) -> Iterator[tuple[Array, list[list[str]]]]:
    """Logits (m, k), or numbers (m, 1) in the target's units, on the host, for some rows at a time; and kept cells.

    Raises DataError where one is not finite.
    """
    program, done = Program(model.network.output), 0
    for raw, kept in raw_rows(model, data, keep, asked):
        feed = {model.network.X: model.features.into(model.dtype, raw.dtype)(raw)}
        with np.errstate(all="ignore"):
            outputs = to_numpy(program(feed).values).astype("float64")
            if model.target is not None:
                outputs = outputs * model.target.scale + model.target.mean
        bad = np.flatnonzero(~np.isfinite(outputs).all(axis=1))
        if len(bad):
            raise DataError(
                f"{data}, row {done + bad[0] + 1}",
                "the network's output is not finite",
                f"its parameters are {model.dtype}, which this row overflows",
                "Train with --dtype float64, or look at this row",
            )
        yield outputs, kept
        done += len(raw)


def raw_rows(model: Model, data: Path, keep: Sequence[str], asked: Dialect) -> Iterator[Part]:
    """Rows as they are in the file, PART at a time, with as many numbers as the model takes."""
    kind = kind_of(data)
    if kind in TABLES:
        for cells in read_columns(data, model.columns, keep, asked):
            yield Part(cells.features, cells.further)
        return
    if keep:
        raise SettingError("--keep", f"it came with {data}", "a table has columns to keep", "Leave it out")
    check_no_table(data, None, asked)
    if kind == "folder":
        named = read_test_images(data)
    elif kind == "npz":
        named = read_archive_rows(data)
    else:
        named = FileArray(str(data), open_npy(data) if kind == "npy" else read_idx(data))
    rows = fitting_rows(model, named)
    for start in range(0, len(rows), PART):
        part = rows[start : start + PART]
        yield Part(part, [[] for _ in part])
        release(rows)


def fitting_rows(model: Model, named: FileArray) -> Array:
    """Rows (n, …) that have as many numbers as the model takes; raises DataError."""
    rows = checked_rows(named)
    if not all(column.plain for column in model.columns):
        raise DataError(
            named.where, "it holds numbers only", "the model takes texts, or marks gaps", "Give a table: FILE.csv"
        )
    if width(rows) != len(model.columns):
        raise DataError(
            named.where,
            f"its rows have {width(rows):,} numbers, in shape {rows.shape[1:]}",
            f"the model takes {len(model.columns):,}",
            "Choose the data that belong to the model",
        )
    return rows


def class_rows(model: Model, logits: Array) -> Iterator[tuple[str, str]]:
    """Name of the likeliest class of each row, and its probability: softmax of the logits."""
    names = list(map(escaped, model.classes))
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    likeliest = logits.argmax(axis=1)
    for n, probability in zip(likeliest.tolist(), (1 / e.sum(axis=1)).tolist(), strict=True):
        yield names[n], f"{probability:.6g}"


def number_rows(model: Model, outputs: Array) -> Iterator[tuple[str]]:
    """The predicted number of each row, with as many digits as the network's dtype has."""
    digits = 17 if model.dtype == "float64" else 9
    for value in outputs[:, 0].tolist():
        yield (f"{value:.{digits}g}",)
