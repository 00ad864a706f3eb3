"""JSON without what JSON files are attacked with: twice the same key, NaN, numbers without end, nesting without end."""

import json
from collections.abc import Mapping
from math import isfinite
from typing import Any

LONGEST_NUMBER = 100  # characters; a seed of 128 bits has 39


def plain(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as JSON gives them back, so that they can be compared with saved ones; what it cannot hold, as text."""
    found: dict[str, Any] = json.loads(json.dumps(dict(settings), default=repr))
    return found


def parse(data: bytes) -> Any:
    """What JSON text in UTF-8 says; raises ValueError, in words for people, for anything doubtful."""
    try:
        return json.loads(
            data.decode("utf-8"),
            object_pairs_hook=distinct,
            parse_int=whole_number,
            parse_float=finite_number,
            parse_constant=no_constant,
        )
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The pairs as a dictionary; each key comes once."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key comes twice")
    return found


def whole_number(text: str) -> int:
    """An integer; Python takes time that grows with the square of its length."""
    if len(text) > LONGEST_NUMBER:
        raise ValueError(f"a number has {len(text)} digits")
    return int(text)


def finite_number(text: str) -> float:
    """A float; ``1e999`` would be infinite."""
    number = float(text) if len(text) <= LONGEST_NUMBER else float("inf")
    if not isfinite(number):
        raise ValueError("a number is not finite")
    return number


def no_constant(name: str) -> Any:
    """NaN and Infinity are no JSON."""
    raise ValueError(f"{name} is no JSON")
