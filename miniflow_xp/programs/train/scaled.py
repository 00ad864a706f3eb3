"""Rows that are standardised when they are read: a file of bytes stays a file of bytes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from typing import Any, Self
from zlib import crc32

import numpy as np

from miniflow_xp.backend import Array
from miniflow_xp.data.pages import release
from miniflow_xp.data.scaling import Scaling
from miniflow_xp.node import Input
from miniflow_xp.training.batches import Batch, Batches

PART = 1024  # rows that are computed at a time where nothing is trained


class ScaledBatches:
    """Batches of X (n, …) and y, with X standardised in ``dtype``; for ``fit``."""

    def __init__(self, X: Array, y: Array, features: Scaling, dtype: str, batch_size: int, seed: int) -> None:
        self.source = Batches(X, y, batch_size, seed)
        self.features, self.dtype = features, dtype
        self.checksum = checksum(X, y)
        self._asked: list[int] = []  # epochs; what is dealt of these batches has the same list
        self._functions: dict[np.dtype[Any], Callable[[Array], Array]] = {}

    def __len__(self) -> int:
        return len(self.source)

    @property
    def used(self) -> bool:
        """Has a batch been asked for?"""
        return bool(self._asked)

    def dealt(self, mine: Callable[[int], slice]) -> Self:
        """As that of Batches."""
        other = copy(self)
        other.source = self.source.dealt(mine)
        return other

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that the batches depend on, and a checksum of the data."""
        return {**self.source.settings, "data": self.checksum}

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """The batches of an epoch from batch ``start`` on."""
        self._asked.append(number)
        for X, y in self.source.epoch(number, start):
            if X.dtype not in self._functions:
                self._functions[X.dtype] = self.features.into(self.dtype, X.dtype)
            yield Batch(self._functions[X.dtype](X), y)


def checksum(X: Array, y: Array) -> int:
    """Of the first PART rows and of all targets: in float32, for standardising may round the last bits otherwise."""
    return crc32(np.asarray(y, "float32").tobytes(), crc32(X[:PART].tobytes()))


class Parts(Sequence[Mapping[Input, Any]]):
    """Feeds of a set that is not trained on, each of up to PART rows, made when they are asked for.

    ``X`` (n, …) are raw rows and ``y`` (n,) labels or standardised targets, which feed ``inputs``.
    """

    def __init__(self, inputs: tuple[Input, Input], X: Array, y: Array, features: Scaling, dtype: str) -> None:
        self.inputs, self.X, self.y = inputs, X, y
        self.scaled = features.into(dtype, X.dtype)

    def __len__(self) -> int:
        return -(-len(self.y) // PART)

    def __getitem__(self, number: Any) -> Any:
        if not 0 <= number < len(self):
            raise IndexError(number)
        rows = slice(number * PART, (number + 1) * PART)
        feed = dict(zip(self.inputs, (self.scaled(self.X[rows]), self.y[rows]), strict=True))
        release(self.X)
        return feed
