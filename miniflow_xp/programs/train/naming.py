"""Files and folders that options name."""

from pathlib import Path

import typer


def path_named(text: str) -> Path:
    """The Path that an option names; an empty text, as of a variable that the shell does not know, is a mistake."""
    if not text:
        raise typer.BadParameter("it is empty. Name a file or a folder; '.' is the current one.")
    return Path(text)
