"""Feeds whose data are on their way to the device before their step comes.

No thread is needed: a GPU's library returns before the GPU is done, so while the device works on a step, the host reads
the next batches and begins their copies.
"""

from collections import deque
from collections.abc import Generator, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from miniflow_xp import dtypes
from miniflow_xp.backend import Backend, Uploader
from miniflow_xp.checks import whole
from miniflow_xp.errors import FeedError
from miniflow_xp.feed import checked_feed, float_dtype, float_setting, wanted
from miniflow_xp.node import Input
from miniflow_xp.switch import get_backend

Feed = Mapping[Input, Any]

DEPTH = 2  # one batch is copied while the last is computed; one more makes up for a batch that takes long to read


def prefetched(feeds: Iterable[Feed], depth: int = DEPTH) -> Generator[Feed, None, None]:
    """The same feeds in the same order, read and copied to the device up to ``depth`` ahead.

    feeds = ({X: batch.X, y: batch.y} for batch in batches.epoch(number))
    for feed in prefetched(feeds):
        trainer.step(feed)

    A step gets the same numbers, bit for bit. An error in ``feeds`` comes where it would have come, after the feeds
    before it. Arrays are copied when they are read: the source may use their memory again. On the CPU nothing is read
    ahead. Labels, which are Inputs declared integer, stay on the host until their step, where their values are checked.
    Leaving the loop, or ``close()``, ends the copies; ``depth + 1`` batches are held on the device and on the host.

    The backend is the one in use when the first feed is asked for; feeds that were read for it still fit when another
    is chosen. Raises SettingError where ``depth`` is not a whole number from 1 on.
    """
    if not isinstance(feeds, Iterable) or isinstance(feeds, str | bytes | Mapping):
        raise FeedError(
            "prefetched", f"the feeds are a {type(feeds).__name__}", "they are feeds, one after the other", "List them"
        )
    return ahead(iter(feeds), whole(depth, "prefetched, depth", 1, remedy="Leave it out"))


def ahead(feeds: Iterator[Feed], depth: int) -> Generator[Feed, None, None]:
    """``prefetched`` itself."""
    uploader = get_backend().uploader(depth)
    if uploader is None:
        yield from feeds
        return
    waiting: deque[Upload] = deque()
    failure: Exception | None = None
    more = True
    try:
        while True:
            while more and len(waiting) <= depth:
                try:
                    waiting.append(begin(next(feeds), uploader))
                except StopIteration:
                    more = False
                except Exception as error:  # it is told when its turn comes
                    more, failure = False, error
            if not waiting:
                break
            yield end(waiting.popleft(), uploader)
        if failure is not None:
            raise failure
    finally:
        failure = None  # its traceback holds this frame
        uploader.close()


class Upload(NamedTuple):
    """A feed on its way: what stays on the host, the Inputs whose data are being copied, and the copy."""

    feed: dict[Input, Any]
    moving: list[Input]
    started: Any


def begin(feed: Feed, uploader: Uploader) -> Upload:
    """Start the copies to the device; other NumPy arrays are copied on the host, as the source may change them."""
    feed = checked_feed(feed, "prefetched")
    names = {node: name for node, value in feed.items() if (name := sent_as(node, value, uploader.backend))}
    started = uploader.start([np.asarray(feed[node]) for node in names], list(names.values())) if names else None
    rest = {node: None if node in names else own(value) for node, value in feed.items()}
    return Upload(rest, list(names), started)


def own(value: Any) -> Any:
    """A copy of a NumPy array; anything else as it is."""
    return value.copy() if isinstance(value, np.ndarray) else value


def end(upload: Upload, uploader: Uploader) -> Feed:
    """The feed, in the order that it had; on the host again where another backend has been chosen since."""
    if not upload.moving:
        return upload.feed
    arrays = uploader.finish(upload.started)
    if get_backend() is not uploader.backend:
        arrays = [uploader.backend.to_numpy(array) for array in arrays]
    return upload.feed | dict(zip(upload.moving, arrays, strict=True))


def sent_as(node: Input, value: Any, backend: Backend) -> str | None:
    """The dtype in which data go to the device ahead; None for data that are better left to ``feed.admit``.

    Floats go in the dtype that ``admit`` gives them. Integers and booleans, which become floats, go as they are: they
    are smaller, and become the same floats on the device. Where a backend would store another dtype, and where floats
    take theirs from the other data of the feed, ``admit`` decides.
    """
    if not isinstance(node, Input) or not isinstance(value, np.ndarray) or not value.size:
        return None
    if isinstance(value, np.ma.MaskedArray | np.matrix):
        return None
    name = dtypes.name_of(value)
    if node.dtype not in (None, "float", *dtypes.FLOATS) or name not in (*dtypes.FLOATS, *dtypes.INTEGERS, "bool"):
        return None
    if name in dtypes.FLOATS:
        brought = float_dtype(node, value, value)
        if brought is None:
            return None
        name = wanted(node, value, brought, float_setting(), brought)
    return name if backend.storable(name) == name else None
