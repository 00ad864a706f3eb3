"""Distances of many points: cdist, pdist, squareform, distance_matrix, and those of two by their own names."""

from inspect import signature
from typing import Any

import numpy as np

from miniflow_xp.arrays.calls import leaves
from miniflow_xp.scipy.border import on_host
from miniflow_xp.scipy.spatial.metrics import METRICS, OTHER_NAMES, minkowski
from miniflow_xp.scipy.substitutes import as_array, picked, reference, refused, substitute

HOME = "scipy.spatial.distance"


@substitute(f"{HOME}.cdist")
def cdist(xp: Any, XA: Any, XB: Any, metric: Any = "euclidean", *, out: Any = None, **keywords: Any) -> Any:
    refuse_out("cdist", out)
    like = reference(leaves([XA, XB, *keywords.values()]))
    a, b = as_array(xp, XA, like), as_array(xp, XB, like)
    if len(a.shape) != 2 or len(b.shape) != 2 or a.shape[1] != b.shape[1]:
        raise ValueError("XA and XB must be 2-dimensional, with the same number of columns")
    name = name_of("cdist", metric)
    settings = settings_of(xp, name, keywords, like, [a, b])
    return measured(xp, name, a[:, None, :], b[None, :, :], settings)


@substitute(f"{HOME}.pdist")
def pdist(xp: Any, X: Any, metric: Any = "euclidean", *, out: Any = None, **keywords: Any) -> Any:
    refuse_out("pdist", out)
    like = reference(leaves([X, *keywords.values()]))
    x = as_array(xp, X, like)
    name = name_of("pdist", metric)
    settings = settings_of(xp, name, keywords, like, [x])
    first, second = np.triu_indices(x.shape[0], 1)
    return measured(xp, name, picked(xp, x, first), picked(xp, x, second), settings)


def measured(xp: Any, name: str, u: Any, v: Any, settings: dict[str, Any]) -> Any:
    """The distance by this metric; raises DifferentiationError for a setting that it has no rule for."""
    known = list(signature(METRICS[name]).parameters)[3:]
    if unknown := [key for key in settings if key not in known]:
        knows = f"it knows {', '.join(known) or 'two points alone'}"
        raise refused(f"{HOME}.{name}", f"{unknown[0]}=…", knows, f"Leave out {unknown[0]}")
    return METRICS[name](xp, u, v, **settings)


def refuse_out(name: str, out: Any) -> None:
    """Raise DifferentiationError where a result is to be written to an array."""
    if out is not None:
        raise refused(f"{HOME}.{name}", "out=…", "the result is a new array", "Leave out out")


def name_of(function: str, metric: Any) -> str:
    """The metric's name; raises DifferentiationError for one without a rule."""
    name = metric.lower() if isinstance(metric, str) else getattr(metric, "__name__", "")
    name = OTHER_NAMES.get(name, name)
    known = METRICS if isinstance(metric, str) else {}
    if name not in known:
        raise refused(
            f"{HOME}.{function}",
            f"metric {metric!r}",
            f"these have a rule: {', '.join(METRICS)}",
            "Choose one of these, by name",
        )
    return name


def settings_of(xp: Any, name: str, keywords: dict[str, Any], like: Any, points: list[Any]) -> dict[str, Any]:
    """What the metric is given beside two points; of the points themselves, where SciPy finds it so."""
    found = {
        key: value if key == "p" and not hasattr(value, "dtype") else as_array(xp, value, like)
        for key, value in keywords.items()
        if value is not None
    }
    whole = xp.concat(points, axis=0)
    if name == "seuclidean" and "V" not in found:
        found["V"] = xp.var(whole, axis=0, correction=1)
    if name == "mahalanobis" and "VI" not in found:
        found["VI"] = xp.linalg.inv(xp.atleast_2d(xp.cov(xp.matrix_transpose(whole))))
    return found


def of_two(name: str) -> None:
    """Enter the function of two points of this name."""

    @substitute(f"{HOME}.{name}", arrays="u v w V VI")
    def distance(xp: Any, u: Any, v: Any, **settings: Any) -> Any:
        return measured(xp, name, u, v, {k: s for k, s in settings.items() if s is not None})


for _name in METRICS:
    of_two(_name)


@substitute("scipy.spatial.distance_matrix", arrays="x y")
def distance_matrix(xp: Any, x: Any, y: Any, p: float = 2) -> Any:
    return minkowski(xp, x[:, None, :], y[None, :, :], p)


@substitute(f"{HOME}.squareform", arrays="X")
def squareform(xp: Any, X: Any, force: str = "no", checks: bool = True) -> Any:
    if (force.lower(), len(X.shape)) in (("tomatrix", 2), ("tovector", 1)) or len(X.shape) not in (1, 2):
        raise ValueError(f"Forcing {force!r}, but X has {len(X.shape)} axes")
    if len(X.shape) == 2:
        if checks:
            from scipy.spatial.distance import is_valid_dm

            is_valid_dm(on_host(X), throw=True, name="X")
        rows, columns = np.triu_indices(X.shape[0], 1)
        return picked(xp, xp.reshape(X, (-1,)), rows * X.shape[0] + columns)
    size = round((1 + (1 + 8 * X.shape[0]) ** 0.5) / 2)
    if size * (size - 1) != 2 * X.shape[0]:
        raise ValueError("Incompatible vector size. It must be a binomial coefficient n choose 2.")
    places = np.full((size, size), X.shape[0])
    places[np.triu_indices(size, 1)] = np.arange(X.shape[0])
    places = np.minimum(places, places.T)
    if not X.shape[0]:
        return xp.zeros((1, 1), dtype=X.dtype, device=X.device)
    whole = xp.concat([X, xp.zeros_like(X[:1])], axis=0)
    return xp.reshape(picked(xp, whole, places.reshape(-1)), (size, size))
