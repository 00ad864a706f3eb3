"""Texts of a run, fit to be read: whatever a file holds is printable and short."""

from dataclasses import replace
from typing import Any

from miniflow_xp.programs.bench.record import Cell

LONGEST = 120  # characters of a name; a report is for reading


def text(value: Any) -> str:
    """A short text of printable characters; nothing for None."""
    kept = str("" if value is None else value)[: 4 * LONGEST]
    if not kept.isprintable():
        kept = "".join(c if c.isprintable() else " " for c in kept)
    return kept if len(kept) <= LONGEST else kept[: LONGEST - 1] + "…"


def printable(cell: Cell) -> Cell:
    """The same with such texts."""
    texts: dict[str, Any] = {name: text(one) for name, one in vars(cell).items() if isinstance(one, str)}
    axes = {text(name): number for name, number in cell.axes.items()}
    return replace(cell, **texts | {"residence": text(cell.residence), "axes": axes})
