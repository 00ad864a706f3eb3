"""Keys: a short text for each thing that is drawn, that HTML, dot and Mermaid all take as an identifier."""

import re
from collections.abc import Iterable, Iterator
from itertools import count

FORBIDDEN = re.compile(r"[^a-z0-9]+")


def keys_of(names: Iterable[str], taken: set[str] | None = None) -> list[str]:
    """A key for each name, in order; of names that come out equal, the later ones are numbered."""
    used = set() if taken is None else taken
    numbers: dict[str, Iterator[int]] = {}  # where to go on: a number that is taken stays taken
    found = []
    for name in names:
        stem = FORBIDDEN.sub("-", name.lower()).strip("-")[:40] or "x"
        following = numbers.setdefault(stem, count(1))
        key = next(k for n in following if (k := stem if n == 1 else f"{stem}-{n}") not in used)
        used.add(key)
        found.append(key)
    return found
