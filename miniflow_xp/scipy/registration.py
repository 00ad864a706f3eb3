"""Which of SciPy's functions are redirected at the moment, and how often that was asked for."""

from collections import Counter
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import resolve_name
from types import FunctionType
from typing import Any

from miniflow_xp.errors import PackageMissingError, SettingError
from miniflow_xp.scipy.redirection import Redirection, functions_of
from miniflow_xp.scipy.substitutes import SUBSTITUTES, Asked, Substitute, signature_of
from miniflow_xp.system.locks import lock

PARTS = ("integrate", "interpolate", "linalg", "ndimage", "signal", "sparse", "spatial", "stats")
GROUP = "miniflow_xp.scipy"
"""Entry points of this group name modules, which bring substitutes of their own; the name is that of the part."""


_wanted: Counter[str] = Counter()
"""How many want each function redirected."""
_active: dict[str, tuple[Redirection, ...]] = {}
_names: dict[FunctionType, str] = {}
"""By which of its names each function is redirected, as it may have several."""
_lock = lock()


@cache
def parts_and_more() -> dict[str, str]:
    """{part: the module with its substitutes}: ours, and those of other packages."""
    others = {entry.name: entry.value for entry in entry_points(group=GROUP)}
    return others | {part: f"miniflow_xp.scipy.{part}" for part in PARTS}


def names_in(parts: Sequence[str]) -> list[str]:
    """SciPy's names of the functions of these parts, or of all; what this version of SciPy lacks is left out."""
    known = parts_and_more()
    if unknown := [part for part in parts if part not in known]:
        raise SettingError("miniflow_xp.scipy", f"part {unknown[0]!r}", f"one of {', '.join(known)}", "Choose another")
    modules = [import_module(known[part]).__name__ for part in parts or known]
    return [name for name, entry in SUBSTITUTES.items() if entry.function.__module__.startswith(tuple(modules))]


def begin(names: Sequence[str]) -> None:
    """Redirect these functions, where they are not already; none of them, where one cannot be."""
    with _lock:
        made = [(name, redirections(name, SUBSTITUTES[name])) for name in names]
        for name, each in made:
            if name not in _active:
                _active[name] = each
                for redirection in each:
                    redirection.begin()
            _wanted[name] += 1


def end(names: Sequence[str]) -> None:
    """Put back those of these functions that nobody else wants redirected."""
    with _lock:
        for name in names:
            _wanted[name] -= 1
            if not _wanted[name]:
                del _wanted[name]
                for redirection in _active.pop(name):
                    redirection.end()


@cache
def redirections(name: str, entry: Substitute) -> tuple[Redirection, ...]:
    """Those of a function of SciPy, and of those that it wraps; none where there is none of this name."""
    member = found(name)
    if member is None:
        return ()
    asked = Asked(name, entry, signature_of(member))
    functions = [f for f in functions_of(member) if _names.setdefault(f, name) == name]
    return tuple([Redirection(function, asked) for function in functions])


def found(name: str) -> Any:
    """The member of a module of SciPy, or of a class in one; None where there is none of this name."""
    try:
        return resolve_name(name)
    except AttributeError:
        return None
    except ModuleNotFoundError as error:
        if error.name != "scipy":
            return None
        raise PackageMissingError(
            "miniflow_xp.scipy",
            "SciPy cannot be imported",
            "rules are for its functions",
            "Run: pip install 'miniflow_xp[scipy]'",
        ) from error


def registered() -> list[str]:
    """The functions of SciPy that take traced arrays at the moment."""
    return sorted(name for name in _active if found(name) is not None)
