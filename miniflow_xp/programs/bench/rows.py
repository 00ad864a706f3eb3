"""The cells of a run as rows that have a counterpart in another run."""

from collections.abc import Mapping
from typing import Any

KEY = ("family", "series", "case", "backend", "contestant", "dtype", "residence")

Run = Mapping[str, Any]
Cell = Mapping[str, Any]
Key = tuple[str, ...]
"""The values of KEY, as texts."""


def by_key(run: Run) -> dict[Key, Cell]:
    """{key: cell}."""
    return {tuple(str(cell.get(part) or "") for part in KEY): cell for cell in run["cells"]}


def kind(key: Key) -> tuple[str, str]:
    """Backend and family: what rows must have in common to repeat themselves about equally well."""
    return key[KEY.index("backend")], key[KEY.index("family")]


def measured(cell: Cell | None) -> bool:
    """Is there a cell, with samples?"""
    return cell is not None and cell.get("state") == "measured" and bool(cell.get("samples"))
