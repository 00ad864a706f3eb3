"""Where SciPy's splines hold their arrays, which differs by its version: here they are given traced ones."""

from types import SimpleNamespace
from typing import Any


def attributes(self: Any, *names: str) -> tuple[Any, ...]:
    """What a spline holds, as it is."""
    return tuple(getattr(self, f"_{name}" if hasattr(self, f"_{name}") else name) for name in names)


def hold(self: Any, arrays: dict[str, Any], **others: Any) -> None:
    """Give a spline its arrays and its other attributes."""
    if is_asked(self, *others):  # 1.18: all of them are another object's
        self._delegate_to, self._xp = SimpleNamespace(**arrays), SimpleNamespace(asarray=as_it_is)
        arrays = {}
    elif is_asked(self, *arrays):  # 1.15
        arrays = {f"_{name}": array for name, array in arrays.items()}
        self._asarray = as_it_is
    for name, value in {**arrays, **others}.items():
        setattr(self, name, value)


def is_asked(self: Any, *names: str) -> bool:
    """Are these properties, which look elsewhere?"""
    return all(isinstance(getattr(type(self), name, None), property) for name in names)


def as_it_is(array: Any) -> Any:
    """In place of SciPy's conversion to an array."""
    return array
