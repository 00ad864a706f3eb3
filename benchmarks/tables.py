"""``miniflow-xp train`` beside scikit-learn's defaults, on five made tables: ``python -m benchmarks.tables`` tells.

The tables are generated (``benchmarks.made_tables``). A fifth of a table's rows are new to everybody. ``train`` gets a
file of the others, without any option, and holds a fifth of these out; scikit-learn is fitted to just the rows that are
left. ``predict`` reads the new rows without their target, ``evaluate`` with it. Seconds are those of the command
``train`` from start to end, its reading of the file included, of which those in brackets are the training itself; of
scikit-learn those of ``fit``, its rows being in memory.
"""

import argparse
import csv
import io
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from benchmarks.made_tables import MAKERS, Made
from benchmarks.peers import markdown
from miniflow_xp.data import Table, hold_out
from miniflow_xp.metrics import r_squared
from miniflow_xp.programs.train.settings import USUAL

try:
    import sklearn
except ImportError:
    sys.exit(
        "benchmarks.tables: scikit-learn is not installed, which we are compared with. Run: pip install scikit-learn"
    )

from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

Command = Callable[..., str]
"""Runs ``miniflow-xp`` with these arguments; returns what it prints."""


class Found(NamedTuple):
    """Accuracy, or R², on the new rows; seconds."""

    score: float
    seconds: float
    training: float | None = None

    def __str__(self) -> str:
        within = "" if self.training is None else f" ({self.training:.1f})"
        return f"{self.score:.4f}, {self.seconds:.1f} s{within}"


class Parts(NamedTuple):
    """Numbers of the rows: of the file to train on, of those of them that are trained on, and of the new ones."""

    file: np.ndarray
    trained: np.ndarray
    new: np.ndarray


def parts(made: Made, share: float = 0.2) -> Parts:
    """Rows drawn at random; of the file, ``train`` draws those that it holds out, which are found as it finds them."""
    order = np.random.default_rng(1).permutation(len(made.columns[made.target]))
    new, file = np.split(order, [round(share * len(order))])
    numbers = Table(made.name, made.name, file[:, None], ("row",), file.astype("float64"), made.target, (), "")
    return Parts(file, hold_out(numbers, None, np.random.default_rng(USUAL.seed)).X_train[:, 0], new)


def is_classes(made: Made) -> bool:
    """Are there classes to tell apart, or is it a number to predict?"""
    return bool(made.columns[made.target].dtype.kind == "U")


def scored(made: Made, rows: np.ndarray, predicted: np.ndarray) -> float:
    """Accuracy or R² of what was predicted for the rows."""
    target = made.columns[made.target][rows]
    return float((predicted == target).mean()) if is_classes(made) else r_squared(predicted, target)


def ours(made: Made, rows: Parts, folder: Path, command: Command) -> Found:
    """``train``, ``predict`` and ``evaluate`` as a user calls them; the last two must agree."""
    file, new, raw, model = (str(folder / f"{made.name}{end}") for end in (".csv", "-new.csv", "-raw.csv", ".st"))
    made.write(Path(file), rows.file)
    made.write(Path(new), rows.new)
    made.write(Path(raw), rows.new, without=(made.target,))
    start = perf_counter()
    told = command("train", "--data", file, "--target", made.target, "-o", model)
    seconds = perf_counter() - start
    predicted = [row["prediction"] for row in csv.DictReader(io.StringIO(command("predict", model, raw)))]
    score = scored(made, rows.new, np.array(predicted, dtype=None if is_classes(made) else "float64"))
    evaluated, percent = number(r"^(?:accuracy|R²) +(\S+)", command("evaluate", model, new)), is_classes(made)
    if abs(evaluated / (100 if percent else 1) - score) > 1e-4:  # so many digits are printed
        raise SystemExit(f"{made.name}: evaluate says {evaluated}, and what predict wrote comes to {score:.4f}")
    return Found(score, seconds, number(r"^Trained in (\S+) s", told))


def number(pattern: str, text: str) -> float:
    """The number that the pattern finds."""
    found = re.search(pattern, text, re.MULTILINE)
    assert found, text
    return float(found[1])


def in_a_process(*arguments: str) -> str:
    """What a user's shell would show."""
    done = subprocess.run(
        [sys.executable, "-m", "miniflow_xp", *arguments], stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout


def theirs(made: Made, rows: Parts, model: BaseEstimator) -> Found:
    """A model of scikit-learn behind a usual pipeline: medians, 0/1 columns, columns and target standardised."""
    names = [name for name in made.columns if name != made.target]
    X = np.array([as_objects(made.columns[name]) for name in names], dtype=object).T
    texts = [n for n in range(len(names)) if isinstance(X[0, n], str)]
    numbers = [n for n in range(len(names)) if n not in texts]
    prepared = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler()), numbers),
            ("texts", OneHotEncoder(handle_unknown="ignore", sparse_output=False), texts),
        ]
    )
    whole: Any = make_pipeline(prepared, model)
    if not is_classes(made):
        whole = TransformedTargetRegressor(whole, transformer=StandardScaler())
    start = perf_counter()
    whole.fit(X[rows.trained], made.columns[made.target][rows.trained])
    seconds = perf_counter() - start
    return Found(scored(made, rows.new, whole.predict(X[rows.new])), seconds)


def as_objects(values: np.ndarray) -> list[Any]:
    """A column for scikit-learn: a missing number is NaN, and a missing text a text."""
    given = values.tolist()
    gap = "missing" if any(isinstance(value, str) for value in given) else float("nan")
    return [gap if value is None else value for value in given]


def models(made: Made) -> tuple[BaseEstimator, BaseEstimator]:
    """The linear one and the network, with their defaults."""
    if is_classes(made):
        return LogisticRegression(), MLPClassifier(random_state=0)
    return LinearRegression(), MLPRegressor(random_state=0)


def lines(scale: float) -> Iterator[list[str]]:
    """A line of figures for each table, of which ``scale`` is the part of the rows that is made."""
    yield ["table", "rows × columns", "measure", "miniflow-xp train", "linear, scikit-learn", "network, scikit-learn"]
    with TemporaryDirectory() as folder:
        for make, full in MAKERS.items():
            made = make(round(scale * full), np.random.default_rng(0))
            rows = parts(made)
            found = [ours(made, rows, Path(folder), in_a_process), *(theirs(made, rows, m) for m in models(made))]
            size = f"{len(rows.file) + len(rows.new):,} × {len(made.columns) - 1}"
            yield [made.name, size, "accuracy" if is_classes(made) else "R²", *map(str, found)]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="part of the rows; usual: 1")
    print(markdown(list(lines(parser.parse_args().scale))))
    print(f"\nMade tables, none of them real; scikit-learn {sklearn.__version__}.")


if __name__ == "__main__":
    main()
