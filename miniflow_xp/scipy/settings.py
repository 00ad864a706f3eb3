"""How solutions of differential equations are differentiated: a choice of the process, or of a ``with`` block."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from miniflow_xp.errors import SettingError

WAYS = ("direct", "adjoint")
_block: ContextVar[str | None] = ContextVar("ode", default=None)
_process = [WAYS[0]]


def way_of_ode() -> str:
    """``direct``: through the steps of the solver; ``adjoint``: by another equation, solved backward in time."""
    return _block.get() or _process[0]


def set_way(way: str) -> None:
    """The choice of the process."""
    _process[0] = checked(way)


@contextmanager
def way_inside(way: str | None) -> Iterator[None]:
    """The choice inside of a ``with`` block; None for the one outside of it."""
    token = _block.set(_block.get() if way is None else checked(way))
    try:
        yield
    finally:
        _block.reset(token)


def checked(way: str) -> str:
    """The choice; raises SettingError where it is none."""
    if way not in WAYS:
        raise SettingError("ode", f"it is {way!r}", f"it is one of {', '.join(WAYS)}", "Choose one of these")
    return way
