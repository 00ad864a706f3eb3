"""Which of SciPy's functions are redirected at the moment, and how often that was asked for."""

from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import resolve_name
from typing import Any

from miniflow_xp.errors import PackageMissingError, SettingError
from miniflow_xp.scipy.redirection import Redirection, functions_of, is_redirected
from miniflow_xp.scipy.substitutes import SUBSTITUTES, Asked, signature_of
from miniflow_xp.system.locks import lock

PARTS = ("integrate", "interpolate", "linalg", "ndimage", "signal", "spatial", "stats")
GROUP = "miniflow_xp.scipy"
"""Entry points of this group name modules, which bring substitutes of their own; the name is that of the part."""


class Redirected:
    """The redirections of one of SciPy's functions, and how many want them."""

    def __init__(self, redirections: list[Redirection]) -> None:
        self.redirections = redirections
        self.wanted = 0


_redirected: dict[str, Redirected] = {}
_lock = lock()


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
    done: list[str] = []
    with _lock:
        try:
            for name in names:
                if name not in _redirected:
                    _redirected[name] = Redirected(list(redirections(found(name), name)))
                _redirected[name].wanted += 1
                done.append(name)
        except BaseException:
            end(done)
            raise


def end(names: Sequence[str]) -> None:
    """Put back those of these functions that nobody else wants redirected."""
    with _lock:
        for name in names:
            _redirected[name].wanted -= 1
            if not _redirected[name].wanted:
                for redirection in _redirected.pop(name).redirections:
                    redirection.undo()


def redirections(member: Any, name: str) -> Iterator[Redirection]:
    """Redirect a function of SciPy, and those that it wraps; nothing where there is none of this name."""
    if member is not None:
        asked = Asked(name, signature_of(member))
        for function in functions_of(member):
            if not is_redirected(function):  # by another name of it
                yield Redirection(function, asked)


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
            "miniflow_xp.scipy", "SciPy cannot be imported", "rules are for its functions", "pip install scipy"
        ) from error


def registered() -> list[str]:
    """The functions of SciPy that take traced arrays at the moment."""
    return sorted(_redirected)
