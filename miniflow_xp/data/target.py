"""What a target column means: classes to tell apart, or a number to predict."""

from collections.abc import Sequence
from reprlib import repr as shortened
from typing import NamedTuple

import numpy as np

from miniflow_xp.backend import Array
from miniflow_xp.checks import one_of
from miniflow_xp.errors import DataError

TASKS = ("auto", "classification", "regression")
MOST_CLASSES = 20  # whole numbers with more distinct values are taken for measurements
MISSING = ("", "na", "n/a", "nan", "null")


class Target(NamedTuple):
    """``values``: class numbers (n,) where ``classes`` holds their names, else float64 (n,)."""

    values: Array
    classes: tuple[str, ...]
    because: str


def number(cell: str) -> float | None:
    """The number in a cell, None where it holds none; Python's ``1_000`` is not one in a CSV file."""
    try:
        return None if "_" in cell else float(cell)
    except ValueError:
        return None


def is_missing(cell: str) -> bool:
    """Does the cell say that there is no value?"""
    return cell.lower() in MISSING


def check_task(task: str) -> None:
    """Raise SettingError unless it is one of TASKS."""
    one_of(task, TASKS, "--task")


def interpret(where: str, cells: Sequence[str], lines: Sequence[int], task: str) -> Target:
    """The target in the cells of a column; ``lines`` are their line numbers, ``task`` one of TASKS.

    Raises SettingError for an unknown task, DataError where the cells do not fit it or are all the same.
    """
    check_task(task)
    numbers = [number(cell) for cell in cells]
    text = next((n for n, value in enumerate(numbers) if value is None), None)
    if text is not None:
        if task == "regression":
            raise DataError(
                f"{where}, line {lines[text]}",
                f"{shortened(cells[text])} is not a number",
                "regression predicts numbers",
                "Mend the cell, or train with --task classification",
            )
        asked = task == "classification"
        return classes(where, cells, "as asked" if asked else f"{shortened(cells[text])} (line {lines[text]}) is text")
    values = np.array(numbers, dtype="float64")
    for n in np.flatnonzero(~np.isfinite(values)).tolist():
        raise DataError(f"{where}, line {lines[n]}", f"it is {cells[n]}", "numbers are finite", "Mend or drop the row")
    return numeric(where, values, task)


def numeric(where: str, values: Array, task: str) -> Target:
    """The target in a column of numbers."""
    distinct = len(np.unique(values))
    whole = bool((values == np.floor(values)).all())
    if task == "classification" or (task == "auto" and whole and distinct <= MOST_CLASSES):
        because = f"whole numbers with {distinct} distinct values" if task == "auto" else "as asked"
        return classes(where, values, because)
    if distinct == 1:
        raise constant(where, f"{values[0]:g}")
    kind = f"whole numbers with {distinct} distinct values" if whole else "numbers with decimals"
    return Target(values, (), kind if task == "auto" else "as asked")


def classes(where: str, values: Sequence[str] | Array, because: str) -> Target:
    """Distinct values, sorted, as classes."""
    distinct, labels = np.unique(np.asarray(values), return_inverse=True)
    names = tuple(class_name(value) for value in distinct.tolist())
    if len(names) == 1:
        raise constant(where, names[0])
    return Target(labels.astype("int64"), names, because)


def class_name(value: str | float) -> str:
    """The text of a class: ``3`` for 3.0."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def constant(where: str, value: str) -> DataError:
    """The error for a target that is the same in every row."""
    return DataError(
        where,
        f"it is {value} in every row",
        "there is something to predict only where values differ",
        "Choose another target column, or add rows of other values",
    )
