"""How a CSV file separates its cells and writes its numbers: as was asked for, else as its first lines look."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from miniflow_xp.errors import SettingError

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
TAB = ("tab", "\\t")  # how people write it
DECIMALS = {".": "a decimal point", ",": "a decimal comma"}
QUOTED = re.compile(r'"[^"]*"')
FRACTION = {sign: re.compile(rf"[+-]?\d*{re.escape(sign)}\d+([eE][+-]?\d+)?") for sign in DECIMALS}


class Dialect(NamedTuple):
    """How a user says that a CSV file is written; None: as it looks."""

    separator: str | None = None
    decimal: str | None = None

    def check(self) -> "Dialect":
        """The same, a tab for ``tab``; raises SettingError for any other separator or decimal sign."""
        if self.separator is not None and self.separator not in (*SEPARATORS, *TAB):
            listed = "one of , ; | or tab"
            raise SettingError("separator", f"it is {self.separator!r}", f"it is {listed}", "Use one of these")
        if self.decimal is not None and self.decimal not in DECIMALS:
            raise SettingError("decimal", f"it is {self.decimal!r}", "it is . or ,", "Use one of these")
        return self._replace(separator="\t") if self.separator in TAB else self


AS_IT_LOOKS = Dialect()


def separator_of(line: str) -> str:
    """The one that comes most often outside of quotes; a comma where none does."""
    bare = QUOTED.sub("", line)
    return max(SEPARATORS, key=bare.count)


def decimal_of(cells: Iterable[str], separator: str) -> str:
    """A comma where more cells have one than a point and cells are not separated by it; else a point."""
    if separator == ",":
        return "."
    counts = dict.fromkeys(DECIMALS, 0)
    for cell in cells:
        for sign, form in FRACTION.items():
            counts[sign] += form.fullmatch(cell) is not None
    return "," if counts[","] > counts["."] else "."
