"""What a user gives, checked: numbers, of Python or any library, which are Python's own from then on, and other things.

What is no such thing is a SettingError that names the argument.
"""

import os
from collections.abc import Callable, Collection, Iterable
from math import inf
from numbers import Integral, Real
from pathlib import Path
from reprlib import repr as shortened
from typing import Any

from miniflow_xp import dtypes
from miniflow_xp.errors import MiniflowError, SettingError

MOST = 2**63 - 1  # what an array library can count


def as_number(value: Any) -> int | float | None:
    """The number that ``value`` is: Python's, NumPy's, or a 0-d array of any library; None where it is none.

    True and False are no numbers, and a masked one is none.
    """
    if isinstance(value, bool) or hasattr(value, "mask"):
        return None
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return as_float(value)
    if not hasattr(value, "dtype") or getattr(value, "shape", None) != ():
        return None
    name = dtypes.name_of(value)
    scalar = value.item() if hasattr(value, "item") else value  # PyTorch warns where float() takes a recorded tensor
    if name in dtypes.INTEGERS:
        return int(scalar)
    return float(scalar) if name in dtypes.FLOATS else None


def as_float(number: Any) -> float | None:
    """The number as a float; None where it is larger than any."""
    try:
        return float(number)
    except OverflowError:
        return None


def whole(value: Any, name: str, least: int, most: int = MOST, remedy: str = "Choose another") -> int:
    """``value`` as an int, a whole number from ``least`` to ``most``; raises SettingError."""
    number = as_number(value)
    if not isinstance(number, int) or not least <= number <= most:
        raise SettingError(name, f"it is {shown(value)}", f"it is a whole number{limits(least, most)}", remedy)
    return number


def limits(least: int, most: int) -> str:
    """The range of a whole number in words."""
    if least <= -MOST:
        return ""
    return f", {least} or above" if most >= MOST else f" from {least} to {most}"


def positive(value: Any, name: str) -> float:
    """``value`` as a float, which must be finite and above 0; raises SettingError."""
    return real(value, name, lambda x: 0 < x < inf, "it is a finite number above 0")


def not_negative(value: Any, name: str) -> float:
    """``value`` as a float, which must be finite and not below 0; raises SettingError."""
    return real(value, name, lambda x: 0 <= x < inf, "it is a finite number, 0 or above")


def finite(value: Any, name: str) -> float:
    """``value`` as a float, which must be finite; raises SettingError."""
    return real(value, name, lambda x: -inf < x < inf, "it is a finite number")


def fraction(value: Any, name: str) -> float:
    """``value`` as a float, which must be from 0 to below 1; raises SettingError."""
    return real(value, name, lambda x: 0 <= x < 1, "it is a number from 0 to below 1")


def two_fractions(values: Any, name: str) -> tuple[float, float]:
    """Two numbers as floats, each from 0 to below 1; raises SettingError."""
    if not isinstance(values, tuple | list) or len(values) != 2:
        raise SettingError(name, f"it is {shown(values)}", "it is two numbers from 0 to below 1", "Write (0.9, 0.999)")
    return fraction(values[0], name), fraction(values[1], name)


def real(value: Any, name: str, holds: Callable[[float], bool], rule: str) -> float:
    """``value`` as a float if it is a number for which the rule ``holds``; raises SettingError."""
    number = as_number(value)
    found = None if number is None else as_float(number)
    if found is None or not holds(found):
        raise SettingError(name, f"it is {shown(value)}", rule, "Choose another")
    return found


def of_kind(value: Any, kind: type[Any], name: str, rule: str, remedy: str) -> Any:
    """``value``, which must be of this class; raises SettingError."""
    if not isinstance(value, kind):
        raise SettingError(name, f"it is {shown(value)}", rule, remedy)
    return value


def each(values: Any, holds: Callable[[Any], bool], name: str, rule: str, remedy: str) -> list[Any]:
    """``values`` as a list, of things for which ``holds``; raises SettingError."""
    found = list(values) if isinstance(values, Iterable) and not isinstance(values, str | bytes) else [None]
    if not all(map(holds, found)):
        raise SettingError(name, f"it is {shown(values)}", rule, remedy)
    return found


def function(value: Any, name: str, rule: str, remedy: str) -> Any:
    """``value``, which can be called; raises SettingError."""
    if not callable(value):
        raise SettingError(name, f"it is {shown(value)}", rule, remedy)
    return value


def one_of(value: Any, choices: Collection[str], name: str) -> str:
    """``value``, which is one of these words; raises SettingError."""
    if not isinstance(value, str) or value not in choices:
        raise SettingError(name, f"it is {shown(value)}", f"it is one of {', '.join(choices)}", "Use one of these")
    return value


def truth(value: Any, name: str) -> bool:
    """``value`` as a bool: True or False, NumPy's too, or 1 or 0; raises SettingError."""
    is_bool = getattr(value, "shape", None) == () and hasattr(value, "dtype") and dtypes.name_of(value) == "bool"
    if not isinstance(value, bool) and not is_bool and as_number(value) not in (0, 1):
        raise SettingError(name, f"it is {shown(value)}", "it is True or False", "Use one of these")
    return bool(value)


def usable_path(value: Any, name: str, error: type[MiniflowError] = SettingError) -> Path:
    """``value``, the name of a file or a folder, as a Path; raises ``error`` for what names none."""
    try:
        text = os.fspath(value)
        os.fsencode(text)
    except (TypeError, ValueError):  # no name, or one with half of a character
        text = None
    if not isinstance(text, str) or not text or "\0" in text:
        raise error(name, f"it is {shown(value)}", "it is the name of a file or folder, or a Path", "Choose another")
    return Path(text)


def path_ending_in(value: Any, name: str, ends: Collection[str], remedy: str = "Choose another name") -> Path:
    """``value`` as a Path that ends in one of these, ``.html`` or ``.HTML``; raises SettingError."""
    path = usable_path(value, name)
    if path.suffix.lower() not in ends:
        *others, last = ends
        rule = f"it ends in {', '.join(others)} or {last}"
        raise SettingError(f"{name} {path}", f"it ends in {path.suffix or 'nothing'}", rule, remedy)
    return path


def shown(value: Any) -> str:
    """``value`` as short text for an error."""
    try:
        return shortened(value)
    except ValueError:  # an integer of more digits than Python spells
        return f"a very long {type(value).__name__}"
