"""What a record may hold: checks of values, put together like the record, that say which key is wrong."""

from collections.abc import Callable, Mapping
from reprlib import repr as shortened
from typing import Any, TypeAlias

Check: TypeAlias = Callable[[Any, str], None]
"""``check(value, key)`` raises WrongError unless the value is what stands at that key."""

DEEPEST = 12  # levels of what is not described; each is a call of those who print it
LARGEST = 1e300  # of any number: what is computed from two of them may still be a float


class WrongError(ValueError):
    """``key`` is where, such as ``cells[3].samples[0]``; ``got`` and ``expected`` are sentences about it."""

    def __init__(self, key: str, got: str, expected: str) -> None:
        super().__init__(f"{key}: {got}; {expected}")
        self.key, self.got, self.expected = key, got, expected


def wrong(key: str, value: Any, expected: str) -> WrongError:
    """The error for a value."""
    return WrongError(key, f"it is {shortened(value)}", expected)


def number(low: float, high: float, kind: type = float) -> Check:
    """A number between these, both of them allowed; a whole one where ``kind`` is int."""
    kinds, name = ((int,), "a whole number") if kind is int else ((int, float), "a number")

    def check(value: Any, key: str) -> None:
        if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
            raise wrong(key, value, f"it is {name} from {low:g} to {high:g}")

    return check


def text(value: Any, key: str) -> None:
    """A text, which can be written down: JSON can spell halves of characters."""
    if not isinstance(value, str):
        raise wrong(key, value, "it is a text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise wrong(key, value, "it has whole characters only") from None


def flag(value: Any, key: str) -> None:
    """True or false."""
    if not isinstance(value, bool):
        raise wrong(key, value, "it is true or false")


def maybe(check: Check) -> Check:
    """The same, or null."""
    return lambda value, key: None if value is None else check(value, key)


def each(check: Check) -> Check:
    """A list of these."""

    def checked(value: Any, key: str) -> None:
        if not isinstance(value, list):
            raise wrong(key, value, "it is a list")
        for place, one in enumerate(value):
            check(one, f"{key}[{place}]")

    return checked


def by_name(check: Check) -> Check:
    """An object that has such values under any names."""

    def checked(value: Any, key: str) -> None:
        for name, one in entries(value, key).items():
            check(one, f"{key}.{name}")

    return checked


def record(needed: Mapping[str, Check], others: Mapping[str, Check]) -> Check:
    """An object with these keys, ``others`` if they are there; more keys are another version's, and hold anything."""
    known = {**needed, **others}

    def checked(value: Any, key: str) -> None:
        found, dot = entries(value, key), "." if key else ""
        for name in needed:
            if name not in found:
                raise WrongError(f"{key}{dot}{name}", "it is not there", "each has it")
        for name, one in found.items():
            known.get(name, anything)(one, f"{key}{dot}{name}")

    return checked


def entries(value: Any, key: str) -> dict[str, Any]:
    """An object, whose names are texts."""
    if not isinstance(value, dict):
        raise wrong(key, value, "it is an object")
    for name in value:
        text(name, key)
    return value


def anything(value: Any, key: str, depth: int = 0) -> None:
    """What JSON can hold, with finite numbers and not nested without end."""
    if depth > DEEPEST:
        raise WrongError(key, "it is nested", f"nothing is by more than {DEEPEST} levels")
    if isinstance(value, dict):
        for name, one in entries(value, key).items():
            anything(one, f"{key}.{name}", depth + 1)
    elif isinstance(value, list):
        for place, one in enumerate(value):
            anything(one, f"{key}[{place}]", depth + 1)
    elif isinstance(value, str):
        text(value, key)
    elif value is not None and not isinstance(value, bool):
        number(-LARGEST, LARGEST)(value, key)
