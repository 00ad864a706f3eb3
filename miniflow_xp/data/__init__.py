"""Data to train on: two data sets that come with this package, and what a user has.

``load("digits")`` and ``load("diabetes")``; ``read_table("mine.csv", target="price")``, of a CSV or Parquet file or a
table in memory, or ``read_data``, which also takes a folder of IDX files or an .npz archive; ``hold_out`` splits a
table. SOURCES.md says where the data sets come from.
"""

from pathlib import Path
from typing import NamedTuple

from miniflow_xp.checks import shown
from miniflow_xp.data.dialect import Dialect
from miniflow_xp.data.scaling import Scaling
from miniflow_xp.data.sources import read_data
from miniflow_xp.data.split import Split, hold_out
from miniflow_xp.data.tables import Holdout, Table, read_table
from miniflow_xp.errors import SettingError

__all__ = [
    "DATASETS",
    "Dialect",
    "Holdout",
    "Scaling",
    "Split",
    "Table",
    "hold_out",
    "load",
    "read_data",
    "read_table",
]


class Dataset(NamedTuple):
    """A data set that comes with this package: what is predicted, and where the data are from."""

    target: str
    source: str


DATASETS = {
    "digits": Dataset(
        "digit",
        "Optical Recognition of Handwritten Digits, E. Alpaydin and C. Kaynak, 1998 (UCI, CC BY 4.0)",
    ),
    "diabetes": Dataset(
        "progression",
        "B. Efron, T. Hastie, I. Johnstone, R. Tibshirani, Least Angle Regression, Annals of Statistics, 2004",
    ),
}


def load(name: str, task: str = "auto") -> Table:
    """A data set of this package by name; ``task`` as in ``read_table``. Raises SettingError for an unknown name."""
    if not isinstance(name, str) or name not in DATASETS:
        raise SettingError(
            f"data set {shown(name)}",
            "no data set has this name",
            f"there are {', '.join(DATASETS)}",
            "Choose one of these, or read your own table: path='FILE.csv', target='COLUMN'",
        )
    dataset = DATASETS[name]
    path = Path(__file__).with_name(f"{name}.csv.gz")
    table = read_table(path, dataset.target, task)
    return table._replace(name=name, source=dataset.source)
