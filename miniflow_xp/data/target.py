"""What a target column means: classes to tell apart, or a number to predict."""

from collections.abc import Callable, Sequence
from reprlib import repr as shortened
from typing import Any, NamedTuple

import numpy as np

from miniflow_xp.backend import Array
from miniflow_xp.checks import one_of
from miniflow_xp.errors import DataError

TASKS = ("auto", "classification", "regression")
MOST_CLASSES = 20  # whole numbers with more distinct values are taken for measurements
AS_CLASSES = "read it with task='classification'"
POINTS = "Write 1.5 for 1,5, and 1234567 for 1,234,567; or tell it by decimal=','"
MISSING = ("", "na", "n/a", "nan", "+nan", "-nan", "null")


class Target(NamedTuple):
    """``values``: class numbers (n,) where ``classes`` holds their names, else float64 (n,)."""

    values: Array
    classes: tuple[str, ...]
    because: str


def number(cell: str, decimal: str = ".") -> float | None:
    """The number in a cell, None where it holds none; Python's ``1_000`` is not one in a CSV file."""
    if decimal == ",":
        cell = cell.replace(".", "_").replace(",", ".")
    try:
        return None if "_" in cell else float(cell)
    except ValueError:
        return None


def is_missing(cell: str) -> bool:
    """Does the cell say that there is no value?"""
    return cell.lower() in MISSING


def check_task(task: str) -> None:
    """Raise SettingError unless it is one of TASKS."""
    one_of(task, TASKS, "task")


def has_commas(cell: str) -> bool:
    """Is it a number but for commas: ``1,5`` or ``1,234,567``?"""
    return "," in cell and number(cell.replace(",", "")) is not None


def interpret(
    where: str, cells: Sequence[str], lines: Sequence[int], task: str, decimal: str = ".", unit: str = "line"
) -> Target:
    """The target in the cells of a column; ``lines`` are the numbers of their lines, or rows, ``task`` one of TASKS.

    Classes are named as they stand: ``00501`` and ``501`` are two. Raises SettingError for an unknown task, DataError
    where the cells do not fit it or are all the same.
    """
    check_task(task)
    numbers = [number(cell, decimal) for cell in cells]
    text = next((n for n, value in enumerate(numbers) if value is None), None)
    if text is not None:
        if task != "classification" and decimal == "." and all(map(is_or_has_commas, cells, numbers)):
            raise DataError(f"{where}, {unit} {lines[text]}", *commas(cells[text]), f"{POINTS}, or {AS_CLASSES}")
        if task == "regression":
            raise DataError(
                f"{where}, {unit} {lines[text]}",
                f"{shortened(cells[text])} is not a number",
                "regression predicts numbers",
                f"Mend the cell, or {AS_CLASSES}",
            )
        asked = task == "classification"
        return classes(
            where, cells, "as asked" if asked else f"{shortened(cells[text])} ({unit} {lines[text]}) is text"
        )
    values = np.array(numbers, dtype="float64")
    for n in np.flatnonzero(~np.isfinite(values)).tolist():
        raise DataError(
            f"{where}, {unit} {lines[n]}", f"it is {cells[n]}", "numbers are finite", "Mend or drop the row"
        )
    return numeric(where, values, task, cells, decimal)


def is_or_has_commas(cell: str, value: float | None) -> bool:
    """Is it a number, at least without its commas?"""
    return value is not None or has_commas(cell)


def commas(cell: str) -> tuple[str, str]:
    """What came and what was expected, where a number has commas."""
    return f"{shortened(cell)} has a comma", "a number has a decimal point, and nothing between its digits"


def numeric(where: str, values: Array, task: str, cells: Sequence[str] | None = None, decimal: str = ".") -> Target:
    """The target in a column of numbers, whose classes are named by ``cells`` where they are given."""
    named = values if cells is None else cells
    count, different = len(distinct(named, decimal)[0]), len(np.unique(values))
    whole = values.dtype.kind in "iu" or bool((values == np.floor(values)).all())
    if task == "classification" or (task == "auto" and whole and count <= MOST_CLASSES):
        spelled = "values" if count == different else "spellings"
        because = f"whole numbers with {count} distinct {spelled}" if task == "auto" else "as asked"
        return classes(where, named, because, decimal)
    if different == 1:
        raise constant(where, f"{values[0]:g}")
    kind = f"whole numbers with {different} distinct values" if whole else "numbers with decimals"
    return Target(values.astype("float64"), (), kind if task == "auto" else "as asked")


def classes(where: str, values: Sequence[str] | Array, because: str, decimal: str = ".") -> Target:
    """Distinct values as classes."""
    found, labels = distinct(values, decimal)
    names = tuple(map(class_name, found))
    if len(names) == 1:
        raise constant(where, names[0])
    return Target(labels, names, because)


def distinct(values: Sequence[str] | Array, decimal: str = ".") -> tuple[list[Any], Array]:
    """Distinct values in order, and for each of ``values`` its place among them, int64 (n,).

    Texts are distinct where they are spelled differently; they are in the order of their numbers if all are numbers.
    """
    if isinstance(values, np.ndarray):
        found, places = np.unique(values, return_inverse=True)
        return found.tolist(), places.astype("int64")
    texts = sorted(set(values))
    numbers = [number(text, decimal) for text in texts]
    if None not in numbers:
        texts = [text for _, text in sorted(zip(numbers, texts, strict=True))]
    place = {text: n for n, text in enumerate(texts)}
    return texts, np.array([place[value] for value in values], "int64")


def numbered(values: Sequence[str] | Array, number_of: Callable[[Any], int | None]) -> tuple[Array, Array]:
    """The class number of each value, int64 (n,), and the places of those for which ``number_of`` knows none."""
    found, places = distinct(values)
    numbers = [number_of(value) for value in found]
    labels = np.array([-1 if n is None else n for n in numbers], "int64")[places]
    return labels, np.flatnonzero(labels < 0)


def class_name(value: str | float) -> str:
    """The text of a class: ``3`` for 3.0; a text is its own."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def constant(where: str, value: str) -> DataError:
    """The error for a target that is the same in every row."""
    return DataError(
        where,
        f"it is {value} in every row",
        "there is something to predict only where values differ",
        "Choose another target column, or add rows of other values",
    )
