"""In which order an epoch goes through the rows: a function of (seed, epoch) and of nothing that happened before.

The numbers come from Philox as NumPy's bit generator gives them, whose stream NumPy keeps from version to version;
``numpy.random.Generator.permutation`` promises no such thing.

Up to MOST_AT_ONCE rows in memory are permuted as a whole. More, and rows on a disk, go by windows: the rows are cut
into blocks of neighbours, the blocks are permuted, so many of them in a row make a window, and the rows of a window
are permuted. Then each row still comes once an epoch, each batch is drawn from a random sample of blocks spread over
the whole data, and only a window's worth of rows and indices is in memory at a time, read block by block. It is not a
complete shuffle: rows of one block always come in the same window. Where neighbours are alike (a file sorted by class),
the batches of a window share its mix of classes, which differs from that of the whole data about as much as in a sample
of as many rows as a window has blocks. The rows after the last whole block always come in the last window.
"""

from math import ceil
from typing import NamedTuple

import numpy as np

from miniflow_xp.backend import Array

MOST_AT_ONCE = 2**24
BLOCKS = 64  # of a window


def permutation(count: int, seed: int, epoch: int, stream: int = 0) -> Array:
    """The numbers 0 … count-1 in a random order, int64; ``stream`` tells several orders of an epoch apart.

    Random keys are sorted. Each has its number in its lowest bits, so that no two are equal and every way of sorting
    gives the same.
    """
    key, counter = np.array([seed, epoch], np.uint64), np.array([0, stream, 0, 0], np.uint64)
    keys = np.random.Philox(key=key, counter=counter).random_raw(count)
    numbers = np.uint64(2 ** (count - 1).bit_length() - 1)
    keys &= ~numbers
    keys |= np.arange(count, dtype=np.uint64)
    keys.sort()
    keys &= numbers
    return keys.view(np.int64)


class Window(NamedTuple):
    """Rows that are in memory together: ``blocks``, each from a row to before another, and the ``order`` of them all.

    ``order`` counts the rows of the blocks, put one after the other, from 0.
    """

    blocks: list[tuple[int, int]]
    order: Array

    def rows(self) -> Array:
        """The numbers of the rows, in order."""
        return np.concatenate([np.arange(*block) for block in self.blocks])[self.order]


class Windows(NamedTuple):
    """``total`` rows, cut into blocks of ``block`` rows and windows of ``window`` rows; the last may be shorter."""

    total: int
    block: int
    window: int

    @classmethod
    def of(cls, total: int, window: int, batch: int) -> "Windows":
        """Windows of about ``window`` rows, a multiple of ``batch``, of about BLOCKS blocks each."""
        target = max(1, window // BLOCKS)
        block = target // batch * batch or max(n for n in range(1, target + 1) if batch % n == 0)
        unit = max(block, batch)
        return cls(total, block, max(1, window // unit) * unit)

    @property
    def number(self) -> int:
        """How many windows there are."""
        return ceil(self.total / self.window)

    def permuted(self, seed: int, epoch: int) -> Array:
        """The order of the whole blocks in an epoch."""
        return permutation(self.total // self.block, seed, epoch) if self.total >= self.block else np.arange(0)

    def shuffled(self, number: int, permuted: Array, seed: int, epoch: int) -> Window:
        """A window by number."""
        each = self.window // self.block
        chosen = np.sort(permuted[number * each : (number + 1) * each])  # so that a disk is read forwards
        blocks = [(n * self.block, (n + 1) * self.block) for n in chosen.tolist()]
        whole = self.total // self.block * self.block
        if number == self.number - 1 and whole < self.total:
            blocks.append((whole, self.total))
        return Window(blocks, permutation(sum(stop - start for start, stop in blocks), seed, epoch, number + 1))

    def sequential(self, number: int) -> Window:
        """A window by number where nothing is shuffled."""
        start, stop = number * self.window, min((number + 1) * self.window, self.total)
        return Window([(start, stop)], np.arange(stop - start))
