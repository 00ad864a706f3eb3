"""Packages that not everybody has, imported when they are needed, and what they say when something is wrong."""

from importlib import import_module
from typing import Any

from miniflow_xp.errors import PackageMissingError


def needed(package: str, where: str, install: str, purpose: str | None = None) -> Any:
    """The package, imported; raises PackageMissingError, which says what to run, and what the package is for."""
    try:
        return import_module(package)
    except ImportError as error:
        raise PackageMissingError(
            where, f"{package} cannot be imported", purpose or str(error), f"Run: pip install {install}"
        ) from None


def said_by(error: BaseException) -> str:
    """The first line of what an error of another library says; its class, where it says nothing."""
    return (str(error) or type(error).__name__).splitlines()[0]


def first_line(error: BaseException) -> str:
    """The class of an error, and the first line of what it says."""
    return f"{type(error).__name__}: {error}".splitlines()[0].removesuffix(": ")
