"""The terminal that commands print to."""

import re
from typing import Any

from rich.console import Console
from rich.text import Text

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")  # \t and \n are layout


def shown(text: str) -> str:
    """The text with each control character escaped: a name in a file is not to command a terminal."""
    return CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


class Terminal(Console):
    """A console for texts that come from files."""

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(shown(text), **options)


def stdout() -> Console:
    """The terminal or file that standard output is; nothing in a text is taken for markup, or commands it."""
    return Terminal(markup=False, highlight=False, emoji=False)
