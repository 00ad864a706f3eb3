"""The options that ``train``, ``predict`` and ``evaluate`` share."""

from pathlib import Path
from typing import Annotated

import typer

Chosen = Annotated[
    str | None, typer.Option(metavar="NAME[:DEVICE]", help="Array library. Usual: MINIFLOW_BACKEND, or numpy.")
]
Separator = Annotated[
    str | None, typer.Option(metavar=",|;|tab", help="Between the cells of a table. Usual: as it looks.")
]
Decimal = Annotated[str | None, typer.Option(metavar=".|,", help="In the numbers of a table. Usual: as they look.")]


def path_named(text: str) -> Path:
    """The Path that an option names; an empty text, as of a variable that the shell does not know, is a mistake."""
    if not text:
        raise typer.BadParameter("it is empty. Name a file or a folder; '.' is the current one.")
    return Path(text)
