"""How the rows of a step are dealt: to processes, to micro-batches, or to a fixed number of shards."""

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from itertools import pairwise
from operator import add
from typing import Any

from miniflow_xp.backend import Array
from miniflow_xp.checks import of_kind, whole
from miniflow_xp.distributed.world import Alone, World
from miniflow_xp.errors import FeedError, GraphError, SettingError, ShapeError
from miniflow_xp.given import host_array
from miniflow_xp.graph import ancestors
from miniflow_xp.node import Input, Node, Parameter
from miniflow_xp.ops.batch_normalisation import moves_of
from miniflow_xp.ops.dropout import Counter, Mask, placed
from miniflow_xp.switch import get_backend


class Dealing:
    """Who computes which rows of a batch, and how the additive vectors of all are added.

    ``accumulate``: micro-batches that a process cuts its rows into, one after the other. ``shards``: parts that a
    batch is cut into whatever the number of processes; their vectors are added in one order, so that the result has the
    same bits for every number.
    """

    def __init__(self, world: World | None, accumulate: int, shards: int | None) -> None:
        remedy = "Write across=join('mpi')"
        kind = "it is a World"
        self.world: World = Alone() if world is None else of_kind(world, World, "Trainer, across", kind, remedy)
        self.accumulate = whole(accumulate, "Trainer, accumulate", 1, remedy="Write accumulate=4")
        self.shards = None if shards is None else whole(shards, "Trainer, shards", self.world.size)
        self.is_plain = self.world.size == self.accumulate == 1 and shards is None  # one process takes its whole feed
        if self.shards is not None and self.accumulate > 1:
            raise SettingError(
                "Trainer, accumulate",
                f"it is {accumulate}, and there are {shards} shards",
                "shards are computed one after the other already",
                "Leave one of them out",
            )

    def rows(self, count: int) -> slice:
        """Which of so many rows are those of this process."""
        parts = self._parts(count)
        return slice(parts[0][0], parts[-1][1])

    def _parts(self, count: int) -> list[tuple[int, int]]:
        """The parts of so many rows that are those of this process: its shards, or one."""
        of = self.shards or self.world.size
        first, last = cuts(of, self.world.size)[self.world.rank]
        return cuts(count, of)[first:last]

    def check(self, cost: Node) -> None:
        """Raise GraphError where rows that are computed apart would not give what they give together."""
        if self.is_plain:
            return
        if moves_of(cost):
            raise GraphError(
                str(cost),
                "it normalises by the statistics of a batch",
                "rows that are computed apart have others",
                "Use LayerNorm, or build the model with training=False",
            )
        for node in ancestors([cost]):
            if isinstance(node, Mask) and not any(map(is_data, ancestors(node.inbound_nodes[:1]))):
                raise GraphError(
                    str(node),
                    "it drops out what no row has part in",
                    "each process would drop out others",
                    "Drop out what is computed of the data",
                )

    def vector(
        self,
        feed: Mapping[Input, Any],
        passes: Mapping[Counter, int],
        one: Callable[[Mapping[Input, Any]], Array],
        nothing: Callable[[], Array],
    ) -> Array:
        """The sum over all rows of all processes; ``one(feed)`` gives the vector of some rows, ``nothing()`` of none.

        ``passes``: the number of the pass by dropout's counters.
        """
        count = rows_of({node: value for node, value in feed.items() if is_data(node)})
        first, total = self._place(count, bool(passes))
        found = []
        for start, stop in self._cuts(first, count, total):
            part = {n: taken(v, start, stop, count) if is_data(n) else v for n, v in feed.items()}
            part |= {c: placed(number, first + start, stop - start, total) for c, number in passes.items()}
            found.append(one(part) if stop > start else nothing())
        if self.shards is None:
            return self.world.sum(reduce(add, found))
        return self._in_order(found)

    def _place(self, count: int, is_wanted: bool) -> tuple[int, int]:
        """The number of this process's first row, and how many there are in all."""
        if self.world.size == 1 or not (is_wanted or self.shards):
            return 0, count
        counts = list(map(int, self.world.gather(b"%d" % count)))
        return sum(counts[: self.world.rank]), sum(counts)

    def _cuts(self, first: int, count: int, total: int) -> list[tuple[int, int]]:
        """Where the rows of this process are cut, counted from its first one."""
        if self.shards is None:
            return [(start, stop) for start, stop in cuts(count, self.accumulate) if stop > start] or [(0, 0)]
        mine = self.rows(total)
        if (mine.start, mine.stop) != (first, first + count):
            raise FeedError(
                f"Trainer, rank {self.world.rank}",
                f"it was fed rows {first} to {first + count} of {total}",
                f"of {self.shards} shards it has rows {mine.start} to {mine.stop}",
                "Train by fit, which deals them, or feed these rows",
            )
        return [(start - first, stop - first) for start, stop in self._parts(total)]

    def _in_order(self, vectors: Sequence[Array]) -> Array:
        """The sum of all shards' vectors, added from the first to the last in each process."""
        import numpy as np  # here, so that importing this package imports no array library

        backend = get_backend()
        mine = np.stack([backend.to_numpy(v) for v in vectors])
        every = [np.frombuffer(data, mine.dtype) for data in self.world.gather(mine.tobytes())]
        return backend.asarray(reduce(add, np.concatenate(every).reshape(-1, mine.shape[1])))


def cuts(count: int, parts: int) -> list[tuple[int, int]]:
    """Where so many rows are cut into parts, as even as they can be: start and stop of each."""
    return list(pairwise([count * n // parts for n in range(parts + 1)]))


def is_data(node: Node) -> bool:
    """Is this a leaf that is fed with rows?"""
    return isinstance(node, Input) and not isinstance(node, Parameter | Counter)


def rows_of(feed: Mapping[Input, Any]) -> int:
    """The number of rows of a feed; raises ShapeError where its arrays differ in it, FeedError where none has any."""
    counts = {node: value.shape[0] for node, value in feed.items() if hasattr(value, "shape") and value.shape}
    if not counts:
        raise FeedError("Trainer", "nothing that was fed has rows", "rows are dealt", "Feed arrays of rows")
    (name, count), *others = counts.items()
    for other, rows in others:
        if rows != count:
            raise ShapeError(
                str(other),
                f"it was fed {rows} rows, and {name} {count}",
                "rows are dealt: every array has as many along its first axis",
                "Make what all rows share a Parameter that is not trained",
            )
    return int(count)


def with_arrays(feed: Mapping[Input, Any]) -> dict[Input, Any]:
    """The feed, with arrays of the host for lists and numbers."""
    return {n: v if hasattr(v, "shape") or v is None else host_array(n, v) for n, v in feed.items()}


def taken(value: Any, start: int, stop: int, count: int) -> Any:
    """Rows of a value; all of it, where it has none."""
    if not getattr(value, "shape", ()) or stop - start == count:
        return value
    return value[(slice(start, stop), *[slice(None)] * (len(value.shape) - 1))]
