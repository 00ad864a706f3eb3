"""The function of a user's file that builds a graph for a size."""

import importlib.util
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from miniflow_xp.errors import BuilderError


def load_builder(text: str) -> Callable[..., Any]:
    """The function that ``path.py:name`` names; raises BuilderError."""
    path, _, name = text.rpartition(":")
    if not path or not name.isidentifier():
        raise builder_error(text, "it is not of the form model.py:build", "Write the file, a colon and the function")
    if not Path(path).is_file():
        raise builder_error(text, f"there is no file {path}", "Name the file that holds the function")
    spec = importlib.util.spec_from_file_location(Path(path).stem, path)
    if spec is None or spec.loader is None:
        raise builder_error(text, f"{path} is no Python file", "Name a .py file")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise builder_error(text, f"{path} raises {type(error).__name__}: {error}", "Mend the file") from error
    function: Callable[..., Any] | None = getattr(module, name, None)
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
