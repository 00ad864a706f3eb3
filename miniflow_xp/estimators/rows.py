"""Rows to train on or to ask about, standardised when they are read: no second copy of the table is made."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import array_api_compat as compat
import numpy as np

from miniflow_xp import dtypes
from miniflow_xp.backend import Array, Backend
from miniflow_xp.data.scaling import Scaling
from miniflow_xp.training.batches import Batches, take

PART = 1024  # rows that are computed at a time where nothing is trained
SIZES = (1, 8, 32, 128, 256, 512, PART)  # a shorter part is filled up to one of these: few captures serve all


class Rows:
    """X (n, d), on the host or on the backend in use, and what belongs to its rows: host arrays (n, …).

    ``rows[numbers]`` is a tuple of these rows of all, X standardised.
    """

    def __init__(self, X: Array, scaled: Callable[[Array], Array], *others: Array) -> None:
        self.X, self.scaled, self.others = X, scaled, others

    def __len__(self) -> int:
        return int(self.X.shape[0])

    def __getitem__(self, numbers: Any) -> tuple[Array, ...]:
        return (self.scaled(take(self.X, numbers)), *(other[numbers] for other in self.others))

    def parts(self) -> Iterator[tuple[Array, ...]]:
        """All rows in their order, PART at a time."""
        for start in range(0, len(self), PART):
            yield self[np.arange(start, min(start + PART, len(self)))]


class RowBatches:
    """Batches of Rows for ``fit``, whose epochs are numbered from ``first`` on."""

    def __init__(self, rows: Rows, batch_size: int, seed: int, shuffle: bool, first: int) -> None:
        self.batches, self.first = Batches(rows, None, batch_size, seed, shuffle), first

    def epoch(self, number: int, start: int = 0) -> Iterator[Sequence[Array]]:
        """The arrays of each batch."""
        return (batch.X for batch in self.batches.epoch(self.first + number, start))


def scaler(scaling: Scaling | None, X: Array, dtype: str, backend: Backend) -> Callable[[Array], Array]:
    """A function that standardises rows (m, d) like X, in X's library; None: it only converts them to the dtype."""
    host = dtypes.of_host(dtype)  # the backend converts it
    if isinstance(X, np.ndarray):
        return (lambda rows: rows.astype(host, copy=False)) if scaling is None else scaling.into(host, X.dtype)
    xp = compat.array_namespace(X)
    stored = getattr(xp, dtype)
    if scaling is None:
        return lambda rows: xp.astype(rows, stored, copy=False)
    raw = np.dtype(dtypes.of_host(dtypes.name_of(X)))
    working = backend.storable(scaling.working_dtype(host, raw).name)
    with backend.activate():
        mean, scale = (backend.asarray(part.astype(working)) for part in (scaling.mean, scaling.scale))

    def scaled(rows: Array) -> Array:
        with backend.activate():
            x = (xp.astype(rows, getattr(xp, working), copy=False) - mean) / scale
            return xp.astype(xp.clip(x, -scaling.limit, scaling.limit), stored, copy=False)

    return scaled


def filled(rows: Array) -> Array:
    """Rows (m, d), and rows of 0 after them up to one of SIZES."""
    missing = next(size for size in SIZES if size >= rows.shape[0]) - rows.shape[0]
    if not missing:
        return rows
    xp = compat.array_namespace(rows)
    zeros = xp.zeros((missing, rows.shape[1]), dtype=rows.dtype, device=compat.device(rows))
    return xp.concat([rows, zeros], axis=0)
