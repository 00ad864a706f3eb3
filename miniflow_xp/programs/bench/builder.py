"""The function of a user's file that builds a graph for a size."""

import inspect
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from miniflow_xp.errors import BuilderError
from miniflow_xp.programs.user_file import names_left_by


def load_builder(text: str) -> Callable[..., Any]:
    """The function that ``path.py:name`` names; raises BuilderError."""
    path, _, name = text.rpartition(":")
    if not path or not name.isidentifier():
        raise builder_error(text, "it is not of the form model.py:build", "Write the file, a colon and the function")
    names = names_left_by(path, Path(path).stem, partial(builder_error, text))
    function: Callable[..., Any] | None = names.get(name)
    if function is None or not callable(function):
        raise builder_error(text, f"{path} has no function {name!r}", "Define it there")
    return function


def check_axis(text: str, axis: str) -> None:
    """Raise BuilderError unless the builder takes the axis by keyword."""
    try:
        inspect.signature(load_builder(text)).bind(**{axis: 1})
    except TypeError as error:
        raise builder_error(text, f"it cannot be called with {axis}=…: {error}", "Give it this parameter") from None


def builder_error(text: str, got: str, remedy: str) -> BuilderError:
    """The error for a builder."""
    return BuilderError(
        f"builder {text!r}", got, "build(axis=n) returns (cost, feed) or (cost, feed, optimizer)", remedy
    )
