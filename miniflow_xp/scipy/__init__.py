"""Rules for functions of SciPy that call compiled code: registered, they take traced arrays; removed, all is as before.

Calls with plain arrays are SciPy's own all the time. Nothing is registered by an import.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from miniflow_xp.scipy.registration import begin, end, names_in, registered
from miniflow_xp.scipy.settings import set_way, way_inside
from miniflow_xp.scipy.substitutes import substitute

__all__ = ["register", "registered", "rules", "substitute", "unregister"]

_for_good: list[str] = []


def register(*parts: str, ode: str | None = None) -> None:
    """From now on SciPy's functions take traced arrays: of these parts (``"linalg"``, ``"stats"`` …), or of all.

    ``ode``: how solutions of differential equations are differentiated, ``"direct"`` or ``"adjoint"``.
    """
    new = [name for name in names_in(parts) if name not in _for_good]
    if ode is not None:
        set_way(ode)
    begin(new)
    _for_good.extend(new)


def unregister() -> None:
    """SciPy as it was before ``register``; blocks of ``rules`` that are open keep theirs."""
    end(_for_good)
    _for_good.clear()
    set_way("direct")


@contextmanager
def rules(*parts: str, ode: str | None = None) -> Iterator[None]:
    """As ``register``, inside of a ``with`` block; the functions are those of the process, also of other threads."""
    names = names_in(parts)
    begin(names)
    try:
        with way_inside(ode):
            yield
    finally:
        end(names)
