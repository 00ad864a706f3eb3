"""From what a user feeds to arrays of the backend in use, all checked before anything changes."""

import os
import warnings
from collections.abc import Collection, Hashable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from miniflow_xp import dtypes
from miniflow_xp.backend import Array, Backend
from miniflow_xp.errors import DowncastWarning, DtypeError, FeedError, SettingError
from miniflow_xp.given import as_array
from miniflow_xp.node import Input, unfed
from miniflow_xp.system.callers import stacklevel

REMEMBERED = 1000
STORED_NAME: Hashable = os.environ.encodekey("MINIFLOW_DTYPE")

_chosen: ContextVar[str | None] = ContextVar("miniflow_xp_float_dtype", default=None)
_as_they_are: set[Hashable] = set()
"""What feeds looked like that were taken as they were: another one that looks the same needs no check."""


def checked_feed(feed: Any, where: str) -> Mapping[Any, Any]:
    """``feed``, which is {Input: data}; nothing is an empty one. Raises FeedError."""
    if feed is None:
        return {}
    if not isinstance(feed, (dict, Mapping)):  # a dict, which nearly all are, is told in a tenth of the time
        raise FeedError(
            where,
            f"it was fed a {type(feed).__name__}",
            "a feed says which Input gets which data",
            "Write {X: rows, y: targets}",
        )
    return feed


def admit(raw: Mapping[Input, Any], backend: Backend, others: Collection[str] = ()) -> Mapping[Input, Array]:
    """{Input: array on the backend's device}, for whatever was fed; ``raw`` itself where it is that already.

    A declared dtype comes first, then MINIFLOW_DTYPE, then the dtype of a float array; what brings no float dtype of
    its own (numbers, lists, integers, booleans) takes the widest one of the others, or else the backend's default.
    ``others``: further float dtypes of the graph.
    Raises UnfedError, FeedError, MixedBackendsError, DtypeError or SettingError, naming the Input.
    """
    forced = float_setting()
    looks = (forced, *others, *looks_of(raw, backend))
    if looks in _as_they_are:
        return raw
    policy = downcast_setting()
    for node, value in raw.items():
        if value is None:
            raise unfed(node)
    arrays = {node: as_array(node, value, backend) for node, value in raw.items()}
    own = {node: float_dtype(node, raw[node], array) for node, array in arrays.items()}
    widest = dtypes.widest({*others, *filter(None, own.values())}) or backend.default_float
    common = forced or backend.storable(widest)
    admitted: dict[Input, Array] = {}
    for node in sorted(raw, key=lambda node: own[node] is None):  # where one is wrong, first who brought the dtype
        dtype = wanted(node, arrays[node], own[node], forced, common)
        admitted[node] = convert(node, arrays[node], dtype, backend, policy)
    as_they_were = all(admitted[node] is value for node, value in raw.items())
    if not as_they_were or policy != "error":  # other policies warn of some, each time
        return {node: admitted[node] for node in raw}
    if len(_as_they_are) < REMEMBERED:
        _as_they_are.add(looks)
    return raw


def looks_of(raw: Mapping[Input, Any], backend: Backend) -> tuple[Hashable, ...]:
    """All that ``admit`` goes by where it takes arrays of the backend as they are, without a look at their numbers."""
    owns, place = backend.owns, backend.place
    arrays = [
        (node.dtype, type(value), value.dtype, 0 in value.shape, place(value)) if owns(value) else None
        for node, value in raw.items()
    ]
    return backend, _chosen.get(), stored_setting(), *arrays


def stored_setting() -> Hashable:
    """MINIFLOW_DTYPE as the environment stores it, only to compare it with what it was.

    A pass asks each time, and it is mostly not set: ``os.environ.get`` then raises and catches two exceptions, which
    take longer than all else that a leaf is asked.
    """
    stored = getattr(os.environ, "_data", None)
    return os.environ.get("MINIFLOW_DTYPE") if stored is None else stored.get(STORED_NAME)


@contextmanager
def use_float_dtype(name: str) -> Iterator[None]:
    """Go before MINIFLOW_DTYPE inside a ``with`` block; other threads and asyncio tasks are not affected."""
    token = _chosen.set(name)
    try:
        yield
    finally:
        _chosen.reset(token)


def float_setting() -> str | None:
    """The dtype that a block of ``use_float_dtype`` asks for, else MINIFLOW_DTYPE, if any."""
    chosen = _chosen.get()
    if chosen is not None:
        return chosen
    text = os.environ.get("MINIFLOW_DTYPE")
    return None if text is None else dtypes.parse(text, "MINIFLOW_DTYPE", floats_only=True)


def downcast_setting() -> str:
    """What MINIFLOW_DOWNCAST asks for: ``error`` or ``warn``."""
    policy = os.environ.get("MINIFLOW_DOWNCAST", "error")
    if policy not in ("error", "warn"):
        raise SettingError("MINIFLOW_DOWNCAST", f"it is {policy!r}", "it is error or warn", "Use one of these")
    return policy


def float_dtype(node: Input, value: Any, array: Array) -> str | None:
    """The float dtype that this Input brings to the graph: declared, or that of a float array."""
    if node.dtype is not None:
        return node.dtype if node.dtype in dtypes.FLOATS else None
    name = dtypes.name_of(array) if hasattr(value, "dtype") else None
    return name if name in dtypes.FLOATS else None


def float_dtypes(raw: Mapping[Input, Any], backend: Backend) -> set[str]:
    """The float dtypes that these Inputs bring to the graph; nothing is converted."""
    names = [
        float_dtype(node, value, as_array(node, value, backend) if hasattr(value, "dtype") else value)
        for node, value in raw.items()
    ]
    return set(filter(None, names))


def wanted(node: Input, array: Array, own: str | None, forced: str | None, common: str) -> str:
    """The dtype that this Input's array is to have."""
    name = dtypes.name_of(array)
    if node.dtype == "int":
        return name if name in dtypes.INTEGERS else "int64"
    if node.dtype not in (None, "float"):
        return str(node.dtype)
    return forced or own or common


def convert(node: Input, array: Array, dtype: str, backend: Backend, policy: str) -> Array:
    """``array`` on the backend's device in ``dtype``; never narrower without saying so."""
    came = dtypes.name_of(array)
    if dtype in dtypes.INTEGERS and came in dtypes.FLOATS:
        raise DtypeError(
            str(node),
            f"it was fed {came} data",
            f"it is declared {node.dtype}",
            "Feed integers, for instance labels.astype(int)",
        )
    stored = backend.storable(dtype)
    if not dtypes.holds(stored, dtype) and not (node.dtype == "int" and fits(array, stored, backend)):
        refuse_or_warn(node, dtype, stored, backend, policy)
    if stored in dtypes.INTEGERS and not fits(array, stored, backend):
        raise DtypeError(
            str(node),
            "it was fed integers out of range",
            f"it is declared {node.dtype}, which does not hold them",
            "Declare a wider dtype, such as Input(dtype=int)",
        )
    return array if backend.owns(array) and came == stored else backend.asarray(array, stored)


def fits(array: Array, dtype: str, backend: Backend) -> bool:
    """Do the values of an array of integers or booleans lie in the range of the integer ``dtype``?"""
    if dtypes.holds(dtype, dtypes.name_of(array)):
        return True
    low, high = dtypes.integer_range(dtype)
    host = backend.to_numpy(array) if backend.owns(array) else array
    return low <= int(host.min()) and int(host.max()) <= high


def refuse_or_warn(node: Input, dtype: str, stored: str, backend: Backend, policy: str) -> None:
    """The backend would store a narrower dtype: an error, or a warning where the policy is ``warn``."""
    got, expected = f"it is {dtype}", f"{backend.name} on {backend.device} stores {stored}"
    remedy = f"Feed {stored}, or set MINIFLOW_DTYPE={stored}, or allow it by MINIFLOW_DOWNCAST=warn"
    if backend.name == "jax":
        remedy += "; or switch 64 bits on: JAX_ENABLE_X64=1"
    if policy == "error":
        raise DtypeError(str(node), got, expected, remedy)
    warnings.warn(f"{node}: {got}, but {expected}", DowncastWarning, stacklevel=stacklevel())
