"""Batches of rows to train on: the same for the same seed and epoch, whatever happened before.

batches = Batches(X, y, batch_size=64, seed=0)
for epoch in range(10):
    for batch in batches.epoch(epoch):
        trainer.step({X_input: batch.X, y_input: batch.y})
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from itertools import islice
from typing import Any, NamedTuple, Self
from zlib import crc32

import numpy as np

from miniflow_xp.backend import Array
from miniflow_xp.checks import truth, whole
from miniflow_xp.data.arrow import is_table
from miniflow_xp.data.arrow_numbers import numbers
from miniflow_xp.data.order import MOST_AT_ONCE, Window, Windows, permutation
from miniflow_xp.data.pages import mapped, release
from miniflow_xp.errors import FeedError, SettingError, ShapeError
from miniflow_xp.given import host_array, host_numbers
from miniflow_xp.switch import get_backend, to_numpy

WINDOW_BYTES = 64 * 2**20  # of a memory-mapped array that are read at a time
WINDOW_ROWS = 2**22  # at most: their order takes 8 bytes a row
LOOKED_AT = 1000  # rows of a digest


class Batch(NamedTuple):
    """Some rows of X, and of y where there is one."""

    X: Any
    y: Any = None


class Batches:
    """Cuts rows into batches of ``batch_size``.

    ``X`` and ``y``: arrays with as many rows each, in memory, memory-mapped (``open_npy``) or on the device of the
    backend in use; tables or columns of numbers of pandas, Polars or PyArrow; or any sequence with a length whose
    ``[indices]`` gives rows for a NumPy array of integers in any order. Or ``X`` is a function without arguments that
    returns an iterator over rows, or over pairs (x, y): it is called at each epoch, and its order is kept.

    ``shuffle``: in the order that ``data.order`` describes, which depends on seed and epoch. ``window``: rows that are
    shuffled together; by default all of up to 2²⁴ rows in memory, and 64 MiB of a memory-mapped array at a time, which
    with its copies is all the memory that such an array takes. ``drop_last``: leave a shorter last batch out.
    Raises FeedError, ShapeError or SettingError.
    """

    def __init__(
        self,
        X: Any,
        y: Any = None,
        batch_size: int = 32,
        seed: int = 0,
        shuffle: bool = True,
        drop_last: bool = False,
        window: int | None = None,
    ) -> None:
        self.batch_size = whole(batch_size, "Batches, batch_size", 1)
        self.seed = whole(seed, "Batches, seed", 0, 2**64 - 1)
        self.shuffle = truth(shuffle, "Batches, shuffle")
        self.drop_last = truth(drop_last, "Batches, drop_last")
        self.mine: Callable[[int], slice] = all_of  # which rows of a batch of so many are given
        self._generate: Callable[[], Any] | None = X if callable(X) and not hasattr(X, "__getitem__") else None
        if self._generate is not None:
            if y is not None:
                raise FeedError("Batches, y", "X is a function", "it gives pairs (x, y)", "Leave y out")
            return
        named = {"X": X} if y is None else {"X": X, "y": y}
        self._sources = [as_rows(source, f"Batches, {name}") for name, source in named.items()]
        self._count = rows_of(self._sources[0])
        check_lengths([rows_of(source) for source in self._sources], self.batch_size if self.drop_last else 1)
        self._windows = self._cut(None if window is None else whole(window, "Batches, window", 1))

    def __len__(self) -> int:
        """Batches of an epoch; raises FeedError where a function gives the rows."""
        if self._generate is not None:
            raise FeedError(
                "Batches", "a function gives the rows", "their number is not known", "Count while iterating"
            )
        return self._count // self.batch_size if self.drop_last else -(-self._count // self.batch_size)

    @property
    def settings(self) -> dict[str, Any]:
        """What the batches of an epoch depend on besides the rows."""
        windows = None if self._generate is not None or self._windows is None else self._windows.window
        return {
            "rows": None if self._generate is not None else self._count,
            "batch_size": self.batch_size,
            "seed": self.seed,
            "shuffle": self.shuffle,
            "drop_last": self.drop_last,
            "window": windows,
        }

    def dealt(self, mine: Callable[[int], slice]) -> Self:
        """The same batches with fewer rows: of n those that ``mine(n)`` names. Only these are read."""
        other = copy(self)
        other.mine = mine
        return other

    def digest(self) -> int:
        """A number that tells other data, by their forms and up to LOOKED_AT rows spread over them; 0 of a function."""
        if self._generate is not None:
            return 0
        rows = np.linspace(0, self._count - 1, min(self._count, LOOKED_AT)).astype(int)
        looked = [np.asarray(to_numpy(take(source, rows))) for source in self._sources]
        return crc32(b"".join(a.tobytes() for a in looked), crc32(str([(a.shape, a.dtype) for a in looked]).encode()))

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch from batch ``start`` on; those before are not read, except from a function."""
        number, start = whole(number, "Batches, epoch", 0, 2**64 - 1), whole(start, "Batches, start", 0)
        if self._generate is not None:
            return self._generated(start)
        if start > len(self):
            raise SettingError("Batches, start", f"it is {start}", f"an epoch has {len(self)} batches", "Start earlier")
        if self._windows is not None:
            return self._by_window(self._windows, number, start)
        return self._at_once(number, start)

    def _cut(self, window: int | None) -> Windows | None:
        """The windows to go by; None where all rows can be shuffled at once."""
        on_disk = sum(source.nbytes for source in self._sources if mapped(source) is not None)
        if window is None:
            if on_disk <= WINDOW_BYTES and (self._count <= MOST_AT_ONCE or not self.shuffle):
                return None
            window = min(WINDOW_ROWS, max(1, WINDOW_BYTES * self._count // on_disk) if on_disk else WINDOW_ROWS)
        return Windows.of(self._count, window, self.batch_size)

    def _at_once(self, epoch: int, start: int) -> Iterator[Batch]:
        order = permutation(self._count, self.seed, epoch) if self.shuffle else None
        for number in range(start, len(self)):
            rows = self._rows(number * self.batch_size, min((number + 1) * self.batch_size, self._count))
            yield Batch(*(take(s, rows if order is None else order[rows]) for s in self._sources))

    def _by_window(self, windows: Windows, epoch: int, start: int) -> Iterator[Batch]:
        permuted = windows.permuted(self.seed, epoch) if self.shuffle else None
        per_window = windows.window // self.batch_size
        for number in range(start // per_window, windows.number):
            window = (
                windows.sequential(number) if permuted is None else windows.shuffled(number, permuted, self.seed, epoch)
            )
            first = start - number * per_window if number == start // per_window else 0
            end = min((number + 1) * per_window, len(self)) - number * per_window
            rows = window.rows()
            starts = range(first * self.batch_size, end * self.batch_size, self.batch_size)
            parts = [self._rows(start, min(start + self.batch_size, len(rows))) for start in starts]
            loaded = [self._loaded(s, window, rows, parts) for s in self._sources]
            for n, part in enumerate(parts):
                yield Batch(
                    *(
                        take(source, rows[part]) if found is None else take(found[0], found[1][n])
                        for source, found in zip(self._sources, loaded, strict=True)
                    )
                )

    def _rows(self, start: int, stop: int) -> slice:
        """Which rows of a batch from ``start`` to ``stop`` are given."""
        mine = self.mine(stop - start)
        return slice(start + mine.start, start + mine.stop)

    def _loaded(self, source: Any, window: Window, rows: Array, parts: Sequence[slice]) -> Any:
        """Of a source on a disk: what the parts of a window need, in memory, and where in it each has its rows."""
        if mapped(source) is None:
            return None
        if self.mine is all_of:
            return load_blocks(source, window.blocks), [window.order[part] for part in parts]
        wanted = np.sort(np.concatenate([rows[part] for part in parts])) if parts else rows[:0]  # a disk reads forwards
        loaded = np.array(source[wanted])
        release(source)
        return loaded, [np.searchsorted(wanted, rows[part]) for part in parts]

    def _generated(self, start: int) -> Iterator[Batch]:
        assert self._generate is not None
        first = start * self.batch_size
        rows = self._generate()
        if not isinstance(rows, Iterable) or isinstance(rows, str | bytes | Mapping):
            raise FeedError(
                "Batches, X",
                f"the function returned a {type(rows).__name__}",
                "it returns an iterator over rows, or over pairs (x, y)",
                "Write a generator: a function that yields rows",
            )
        items = islice(iter(rows), first, None)
        while part := list(islice(items, self.batch_size)):
            if len(part) < self.batch_size and self.drop_last:
                return
            X, y = stacked(part, first)
            mine = self.mine(len(part))
            yield Batch(X[mine], None if y is None else y[mine])
            first += len(part)


def all_of(count: int) -> slice:
    """All rows of a batch."""
    return slice(0, count)


def as_rows(source: Any, where: str) -> Any:
    """``source``, which must have rows; a list, a table or a column of one becomes a NumPy array. Raises FeedError."""
    if hasattr(source, "__next__"):
        raise FeedError(
            where, "it is an iterator", "each epoch goes through the rows again", "Give the function that makes it"
        )
    if isinstance(source, np.ndarray | list | tuple | range):
        source = host_array(where, source)
    elif is_table(source):
        source = numbers(where, source)
    sized = bool(source.shape) if hasattr(source, "shape") else hasattr(source, "__len__")
    if not sized or not hasattr(source, "__getitem__") or isinstance(source, str | bytes | dict):
        raise FeedError(
            where,
            f"it is a {type(source).__name__}",
            "rows are an array, a sequence, or a function that returns an iterator",
            "Give one of these",
        )
    return source


def rows_of(source: Any) -> int:
    """The number of rows; arrays of the standard have a shape, and no length."""
    return int(source.shape[0]) if hasattr(source, "shape") else len(source)


def check_lengths(counts: Sequence[int], fewest: int) -> None:
    """Raise ShapeError unless all have equally many rows, FeedError where these are too few."""
    if len(set(counts)) > 1:
        raise ShapeError(
            "Batches", f"X has {counts[0]} rows and y {counts[1]}", "each row has a target", "Cut to one length"
        )
    if counts[0] < fewest:
        raise FeedError(
            "Batches", f"there are {counts[0]} rows", f"a batch takes {fewest}", "Add rows, or use smaller batches"
        )


def take(source: Any, rows: Any) -> Any:
    """Rows of a source by a slice or an array of their numbers."""
    if isinstance(source, np.ndarray):
        return np.array(source[rows]) if mapped(source) is not None else source[rows]
    numbers = np.arange(rows.start, rows.stop) if isinstance(rows, slice) else rows
    backend = get_backend()
    if not backend.owns(source):
        return source[numbers]
    with backend.activate():
        numbers = backend.asarray(numbers, "int32" if rows_of(source) < 2**31 else "int64")
        return backend.xp.take(source, numbers, axis=0)


def load_blocks(source: Array, blocks: Sequence[tuple[int, int]]) -> Array:
    """Blocks of a memory-mapped array, one after the other, in memory; its pages are given back."""
    loaded = np.concatenate([source[start:stop] for start, stop in blocks])
    release(source)
    return loaded


def stacked(rows: Sequence[Any], first: int) -> Batch:
    """Rows of a function, or pairs of rows, as a batch; ``first`` is the number of the first row."""
    pairs: list[list[Array]] = []
    for number, row in enumerate(rows, first):
        where = f"Batches, row {number} of the function"
        pairs.append([host_numbers(where, item) for item in (row if isinstance(row, tuple) else (row,))])
        shapes, wanted = ([item.shape for item in pair] for pair in (pairs[-1], pairs[0]))
        if len(shapes) not in (1, 2) or shapes != wanted:
            raise ShapeError(
                where,
                f"its shapes are {shapes}",
                f"those of row {first} are {wanted}; a row is x, or a pair (x, y)",
                "Pad or cut the rows",
            )
    return Batch(*map(np.stack, zip(*pairs, strict=True)))
