"""What JSON may hold: readers of values, put together like what they read, that say which key is wrong."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from functools import cache
from reprlib import repr as shortened
from typing import Any, ClassVar, Self, TypeAlias, get_type_hints

Reader: TypeAlias = Callable[[Any, str], Any]
"""``read(value, key)`` returns the value, or what is made of it; raises WrongError unless it may stand at that key."""

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


def number(low: float, high: float, kind: type = float) -> Reader:
    """A number between these, both of them allowed; a whole one where ``kind`` is int."""
    kinds, name = ((int,), "a whole number") if kind is int else ((int, float), "a number")

    def read(value: Any, key: str) -> Any:
        if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
            raise wrong(key, value, f"it is {name} from {low:g} to {high:g}")
        return value

    return read


def text(value: Any, key: str) -> str:
    """A text, which can be written down: JSON can spell halves of characters."""
    if not isinstance(value, str):
        raise wrong(key, value, "it is a text")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise wrong(key, value, "it has whole characters only") from None
    return value


def flag(value: Any, key: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise wrong(key, value, "it is true or false")
    return value


def maybe(read: Reader) -> Reader:
    """The same, or null."""
    return lambda value, key: None if value is None else read(value, key)


def each(read: Reader) -> Reader:
    """A list of these."""

    def read_all(value: Any, key: str) -> list[Any]:
        if not isinstance(value, list):
            raise wrong(key, value, "it is a list")
        return [read(one, f"{key}[{place}]") for place, one in enumerate(value)]

    return read_all


def by_name(read: Reader) -> Reader:
    """An object that has such values under any names."""
    return lambda value, key: {name: read(one, f"{key}.{name}") for name, one in entries(value, key).items()}


def entries(value: Any, key: str) -> dict[str, Any]:
    """An object, whose names are texts."""
    if not isinstance(value, dict):
        raise wrong(key, value, "it is an object")
    for name in value:
        text(name, key)
    return value


def anything(value: Any, key: str, depth: int = 0) -> Any:
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
    return value


@dataclass(frozen=True, kw_only=True)
class Object:
    """An object of JSON. A field is a key, annotated with its reader; it is always there unless it has a default.

    More keys are another version's and hold anything. ``source``: the object that this one was read from.
    """

    source: ClassVar[Mapping[str, Any] | None] = None

    @classmethod
    def keys(cls) -> dict[str, tuple["Field[Any]", Reader]]:
        """{key: its field and its reader}."""
        return keys_of(cls)  # type: ignore[arg-type]  # a class is hashable, whatever its instances are

    @classmethod
    def from_json(cls, value: Any, key: str = "") -> Self:
        """The object that JSON holds at a key; raises WrongError."""
        found, known, dot = entries(value, key), cls.keys(), "." if key else ""
        for name, (field, _) in known.items():
            if name not in found and field.default is field.default_factory is MISSING:
                raise WrongError(f"{key}{dot}{name}", "it is not there", "each has it")
        read = {name: known[name][1] if name in known else anything for name in found}
        values = {name: read[name](one, f"{key}{dot}{name}") for name, one in found.items()}
        made = cls(**{name: one for name, one in values.items() if name in known})
        vars(made)["source"] = found
        return made

    def to_json(self) -> dict[str, Any]:
        """As it was read; else by its fields, without those that are None where a file holds no null."""
        if self.source is not None:
            return dict(self.source)
        found = {name: (getattr(self, name), read) for name, (_, read) in self.keys().items()}
        return {name: plain(value) for name, (value, read) in found.items() if value is not None or takes_null(read)}


@cache
def keys_of(kind: type[Object]) -> dict[str, tuple["Field[Any]", Reader]]:
    """Worked out once for each class."""
    readers = get_type_hints(kind, include_extras=True)
    return {field.name: (field, readers[field.name].__metadata__[0]) for field in fields(kind)}


def takes_null(read: Reader) -> bool:
    """True if null may stand where this reads."""
    try:
        return read(None, "") is None
    except WrongError:
        return False


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, Object):
        return value.to_json()
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, list) else value
