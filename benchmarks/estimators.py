"""Our estimators beside scikit-learn's networks, on digits and diabetes: ``python -m benchmarks.estimators``.

Each is fitted to four fifths of the rows and scored on the others, in turns, fold by fold; a figure is the mean over
five folds, repeated with another order of the rows, and seconds are the median of ``fit`` alone, on one BLAS thread.
Ours have their defaults. Of scikit-learn there are its network with its defaults as it stands, and behind what its
users put before it: standardised columns and, of a regression, target.
"""

import argparse
import sys
import warnings
from collections.abc import Callable, Iterator
from statistics import mean, median
from time import perf_counter
from typing import Any, NamedTuple

from benchmarks.peers import markdown

try:
    import sklearn
except ImportError:
    sys.exit("benchmarks.estimators: scikit-learn is not installed. Run: pip install scikit-learn")

from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes, load_digits
from sklearn.model_selection import RepeatedKFold
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from miniflow_xp.estimators import NetworkClassifier, NetworkRegressor


class Problem(NamedTuple):
    """A data set, its measure, and what is compared on it, by name."""

    name: str
    measure: str
    load: Callable[..., tuple[Any, Any]]
    models: dict[str, Any]


def scaled_target(model: Any) -> Any:
    """The model of standardised columns and a standardised target."""
    return TransformedTargetRegressor(make_pipeline(StandardScaler(), model), transformer=StandardScaler())


PROBLEMS = [
    Problem(
        "digits",
        "accuracy",
        load_digits,
        {
            "NetworkClassifier": NetworkClassifier(random_state=0),
            "NetworkClassifier, float32": NetworkClassifier(random_state=0, dtype="float32"),
            "MLPClassifier": MLPClassifier(random_state=0),
            "MLPClassifier, standardised": make_pipeline(StandardScaler(), MLPClassifier(random_state=0)),
        },
    ),
    Problem(
        "diabetes",
        "R²",
        load_diabetes,
        {
            "NetworkRegressor": NetworkRegressor(random_state=0),
            "NetworkRegressor, float32": NetworkRegressor(random_state=0, dtype="float32"),
            "MLPRegressor": MLPRegressor(random_state=0),
            "MLPRegressor, standardised": scaled_target(MLPRegressor(random_state=0)),
        },
    ),
]


def lines(repeats: int) -> Iterator[list[str]]:
    """A line of figures for each model on each data set."""
    yield ["data", "measure", "model", "score", "least to most", "seconds of fit"]
    for problem in PROBLEMS:
        X, y = problem.load(return_X_y=True)
        scores: dict[str, list[float]] = {name: [] for name in problem.models}
        seconds: dict[str, list[float]] = {name: [] for name in problem.models}
        for trained, new in RepeatedKFold(n_splits=5, n_repeats=repeats, random_state=0).split(X):
            for name, model in problem.models.items():
                start = perf_counter()
                fitted = clone(model).fit(X[trained], y[trained])
                seconds[name].append(perf_counter() - start)
                scores[name].append(fitted.score(X[new], y[new]))
        for name, found in scores.items():
            spread = f"{min(found):.4f} to {max(found):.4f}"
            yield [problem.name, problem.measure, name, f"{mean(found):.4f}", spread, f"{median(seconds[name]):.2f}"]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=2, help="of the five folds; usual: 2")
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.filterwarnings("ignore", "Stochastic Optimizer: Maximum iterations")  # with its defaults, it says so
        print(markdown(list(lines(parser.parse_args().repeats))))
    print(f"\nscikit-learn {sklearn.__version__}.")


if __name__ == "__main__":
    main()
