"""Texts that a spreadsheet would calculate: they are written with an apostrophe before them, which makes them texts."""

import re

from miniflow_xp.data.target import number

BEGINS = re.compile("'*[=+\\-@＝＋－＠\t\r]")  # the wide ones count, too


def escaped(text: str) -> str:
    """``'=A1`` for ``=A1``, and ``''=A1`` for ``'=A1``, so that nothing is lost; ``-1`` is a number and stays."""
    return f"'{text}" if BEGINS.match(text) and number(text) is None else text


def unescaped(text: str) -> str:
    """What ``escaped`` was given."""
    return text[1:] if text.startswith("'") and BEGINS.match(text) else text
