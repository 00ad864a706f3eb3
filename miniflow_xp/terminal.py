"""The terminal that commands print to."""

from rich.console import Console


def stdout() -> Console:
    """The terminal or file that standard output is; nothing in a text is taken for markup."""
    return Console(markup=False, highlight=False, emoji=False)
