"""How good a trained model is on rows whose targets are known."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from miniflow_xp.backend import Array
from miniflow_xp.data.archives import read_archive_pair
from miniflow_xp.data.columns import Cells, read_columns
from miniflow_xp.data.dialect import AS_IT_LOOKS, Dialect
from miniflow_xp.data.formulas import unescaped
from miniflow_xp.data.idx_folder import read_test_pair
from miniflow_xp.data.kinds import TABLES, kind_of
from miniflow_xp.data.labelled import FileArray, checked_target
from miniflow_xp.data.origin import MemoryBudget
from miniflow_xp.data.sources import check_no_table
from miniflow_xp.data.tables import listed
from miniflow_xp.data.target import class_name, is_missing, number, numbered
from miniflow_xp.engine.program import Program
from miniflow_xp.errors import DataError
from miniflow_xp.programs.train.loading import Model
from miniflow_xp.programs.train.predicting import fitting_rows
from miniflow_xp.programs.train.scaled import Parts
from miniflow_xp.programs.train.training import METRICS
from miniflow_xp.switch import to_numpy
from miniflow_xp.training import Validation, evaluate

WHOLE = re.compile(r"([+-]?\d+)\.0+")


class LabelledRows(NamedTuple):
    """Rows (n, …) and targets (n,): class numbers, or numbers in the target's own units; and where they are from."""

    X: Array
    y: Array
    where: str


class Judgement(NamedTuple):
    """``found``: ``cost``, and ``accuracy`` or ``R²``; ``confusion`` (k, k): how many of a class were taken for which.

    The cost is that of training: in regression of the standardised target, and there is no confusion.
    """

    found: dict[str, float]
    confusion: Array | None


def judged(model: Model, rows: LabelledRows) -> Judgement:
    """How good the model is on rows whose targets are known."""
    y = rows.y
    if model.target is not None:
        y = model.target(y[:, None])[:, 0].astype(model.dtype)
    network = model.network
    feeds = Parts((network.X, network.y), rows.X, y, model.features, model.dtype)
    found = evaluate(network.cost, Validation(feeds, network.output, network.y, METRICS[model.task]))
    return Judgement(found, confusion(model, feeds) if model.classes else None)


def confusion(model: Model, feeds: Parts) -> Array:
    """Counts of rows (k, k) by their class and the predicted one."""
    program, k = Program(model.network.output), len(model.classes)
    counts = np.zeros((k, k), "int64")
    for feed in feeds:
        logits = to_numpy(program({model.network.X: feed[model.network.X]}).values)
        np.add.at(counts, (feed[model.network.y], logits.argmax(axis=1)), 1)
    return counts


def labelled_rows(model: Model, data: Path, target: str | None, asked: Dialect = AS_IT_LOOKS) -> LabelledRows:
    """The rows in ``data`` and their targets; ``target``: the column of a CSV file. Raises DataError, SettingError."""
    kind = kind_of(data)
    if kind in TABLES:
        return from_table(model, data, model.target_name if target is None else target, asked)
    check_no_table(data, target, asked)
    if kind not in ("folder", "npz"):
        raise DataError(
            str(data),
            "it is one array",
            "evaluation needs features and a target",
            "Name a CSV file, the folder of the IDX files, or an archive: numpy.savez('data.npz', X=X, y=y)",
        )
    X, y = read_test_pair(data) if kind == "folder" else read_archive_pair(data)
    fitting_rows(model, X)
    return LabelledRows(X.array, from_array(model, X, y), X.where)


def from_table(model: Model, path: Path, column: str, asked: Dialect) -> LabelledRows:
    """Rows and targets of a table."""
    taken, parts = None, list[Cells]()
    for part in read_columns(path, model.columns, [column], asked):
        taken = taken or MemoryBudget(part.origin)
        taken.add(part.lines[-1], len(part.lines), part.features.size, sum(len(cell) for (cell,) in part.further))
        parts.append(part)
    cells = [cell for part in parts for (cell,) in part.further]
    lines = [line for part in parts for line in part.lines]
    where, unit = f"{path}, column {column!r}", parts[0].origin.unit
    if model.classes:
        found = class_numbers(model, where, cells, lines, unit)
    else:
        found = numbers(where, cells, lines, parts[0].decimal, unit)
    return LabelledRows(np.concatenate([part.features for part in parts]), found, str(path))


def class_numbers(model: Model, where: str, cells: Sequence[str], lines: Sequence[int], unit: str = "line") -> Array:
    """The number of each cell's class."""
    labels, unknown = numbered(cells, class_finder(model.classes))
    if len(unknown):
        raise unknown_class(model, f"{where}, {unit} {lines[unknown[0]]}", cells[unknown[0]])
    return labels


def class_finder(classes: Sequence[str]) -> Callable[[str | float], int | None]:
    """A function from a class, as it stands in data, to its number; None for one that is not known.

    It is found by its text; else by the one that ``predict`` escaped; else, as programs write ``3`` also as ``3.0``,
    by its text without such an end.
    """
    known = {name: n for n, name in enumerate(classes)}
    plain = Counter(map(without_zeros, classes))
    others = {without_zeros(name): n for name, n in known.items() if plain[without_zeros(name)] == 1}

    def number_of(value: str | float) -> int | None:
        name = class_name(value)
        return known.get(name, known.get(unescaped(name), others.get(without_zeros(name))))

    return number_of


def without_zeros(name: str) -> str:
    """``3`` for ``3.0`` and ``3.00``; any other text as it is."""
    found = WHOLE.fullmatch(name)
    return found[1] if found else name


def numbers(where: str, cells: Sequence[str], lines: Sequence[int], decimal: str, unit: str = "line") -> Array:
    """The number in each cell."""
    found = [float("nan") if is_missing(cell) else number(cell, decimal) for cell in cells]
    for cell, value, line in zip(cells, found, lines, strict=True):
        if value is None or not np.isfinite(value):
            raise DataError(f"{where}, {unit} {line}", f"it is {cell[:80]!r}", "targets are finite numbers", "Mend it")
    return np.array(found, "float64")


def from_array(model: Model, X: FileArray, y: FileArray) -> Array:
    """Targets of an array: numbers, or class numbers by the classes' names."""
    target = checked_target(X, y)
    if not model.classes:
        return np.asarray(target, "float64")
    labels, unknown = numbered(target, class_finder(model.classes))
    if len(unknown):
        raise unknown_class(model, f"{y.where}, at [{unknown[0]}]", class_name(target[unknown[0]].item()))
    return labels


def unknown_class(model: Model, where: str, name: str) -> DataError:
    """The error for a class that the model was not trained on."""
    return DataError(
        where, f"class {name[:80]!r}", f"the model knows {listed(model.classes)}", "Leave these rows out, or train anew"
    )
