"""Packages that a door needs: imported when somebody goes through it."""

from importlib import import_module
from typing import Any

from miniflow_xp.errors import PackageMissingError


def needed(package: str, where: str, install: str) -> Any:
    """The package, imported; raises PackageMissingError, which says what to run."""
    try:
        return import_module(package)
    except ImportError as error:
        raise PackageMissingError(
            where, f"{package} cannot be imported", str(error), f"Run: pip install {install}"
        ) from None
