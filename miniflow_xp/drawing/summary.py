"""An array for people: its numbers where they are few; else where they lie, and their least, mean and greatest."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from miniflow_xp.dtypes import name_of
from miniflow_xp.switch import to_numpy

MOST_NUMBERS, MOST_COLUMNS, MOST_ROWS = 12, 4, 6  # that are written out
CELLS = (16, 24)  # rows and columns of the largest heat map
BINS = 20
Numbers = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Summary:
    """What is shown of an array.

    ``numbers``: rows of text, where few. Otherwise ``cells`` of a small matrix, from -1 to 1 and None where one
    is not finite; or ``bins``: how many lie in each twentieth from ``low`` to ``high``. ``low``, ``mean``, ``high``:
    of the finite ones, of complex numbers their absolute values. ``nan``, ``infinite``: how many are that.
    """

    shape: tuple[int, ...]
    dtype: str
    numbers: Numbers = ()
    cells: tuple[tuple[float | None, ...], ...] = ()
    bins: tuple[int, ...] = ()
    low: float | None = None
    mean: float | None = None
    high: float | None = None
    nan: int = 0
    infinite: int = 0

    @property
    def ends(self) -> list[tuple[str, float]]:
        """The least, the mean and the greatest of the finite ones, each with its word; none where there are none."""
        found = ("min", self.low), ("mean", self.mean), ("max", self.high)
        return [(word, number) for word, number in found if number is not None]

    @property
    def odd(self) -> list[str]:
        """How many are not finite: ``2 NaN``."""
        return [f"{count} {word}" for count, word in ((self.nan, "NaN"), (self.infinite, "infinite")) if count]


def summary(array: Any) -> Summary | None:
    """The summary of an array of any backend, or of numbers; None for what is neither."""
    host = on_host(array)
    if host is None:
        return None
    dtype = name_of(array) if hasattr(array, "dtype") else host.dtype.name
    form = host.shape, dtype
    if host.size == 0:
        return Summary(*form)
    with np.errstate(over="ignore"):
        sizes = np.abs(host) if host.dtype.kind == "c" else host
    finite = np.isfinite(sizes)
    kept = (sizes if finite.all() else sizes[finite]).astype("float64").ravel()
    most = int(np.frexp(max(abs(kept.min()), abs(kept.max())))[1]) if kept.size else 0
    scaled = np.ldexp(
        kept, -most, out=kept
    )  # from -1 to 1, exactly: so that the sum of the greatest floats is one, too
    counted = {"nan": int(np.isnan(sizes).sum()), "infinite": int(np.isinf(sizes).sum())}
    if kept.size:
        ends = {"low": scaled.min(), "mean": scaled.mean(), "high": scaled.max()}
        counted |= {name: float(np.ldexp(end, most)) for name, end in ends.items()}  # type: ignore[misc]
    if is_written_out(host.shape, host.size):
        return Summary(*form, numbers=written(host), **counted)  # type: ignore[arg-type]  # by name
    if host.ndim == 2 and host.shape[0] <= CELLS[0] and host.shape[1] <= CELLS[1]:
        return Summary(*form, cells=cells(sizes, finite), **counted)  # type: ignore[arg-type]
    bins = tuple(np.histogram(scaled, BINS)[0].tolist()) if kept.size else ()
    return Summary(*form, bins=bins, **counted)  # type: ignore[arg-type]


def on_host(array: Any) -> Any:
    """A NumPy array of numbers; None where there is none."""
    try:
        host = to_numpy(array) if hasattr(array, "dtype") else np.asarray(array)
    except (TypeError, ValueError):
        return None
    return host if isinstance(host, np.ndarray) and host.dtype.kind in "biufc" else None


def is_written_out(shape: tuple[int, ...], size: int) -> bool:
    """Are the numbers so few that each is written?"""
    if len(shape) <= 1:
        return size <= MOST_ROWS
    return len(shape) == 2 and size <= MOST_NUMBERS and shape[1] <= MOST_COLUMNS and shape[0] <= MOST_ROWS


def written(host: Any) -> Numbers:
    """Rows of numbers; a vector is a row where it fits, else a column."""
    rows = host.reshape(-1, 1) if host.ndim == 1 and host.size > MOST_COLUMNS else np.atleast_2d(host)
    return tuple(tuple(map(spelled, row)) for row in rows.tolist())


def spelled(x: Any) -> str:
    """``number`` with a true minus."""
    return number(x).replace("-", "−")


def number(x: Any) -> str:
    """A number in four digits, a complex one in three, a whole one as such; a negative zero has no sign."""
    kind, value = np.asarray(x).dtype.kind, np.asarray(x)[()]
    if kind == "c":
        return f"{value:.3g}"
    return f"{value + 0.0:.4g}" if kind == "f" else str(value)


def cells(sizes: Any, finite: Any) -> tuple[tuple[float | None, ...], ...]:
    """A matrix, as parts of its greatest absolute value."""
    absolute = np.abs(np.where(finite, sizes, 0).astype("float64"))
    scaled = np.where(finite, sizes, 0) / (absolute.max() or 1.0)
    return tuple(
        tuple(round(float(x), 2) if good else None for x, good in zip(row, fine, strict=True))
        for row, fine in zip(scaled, finite, strict=True)
    )
