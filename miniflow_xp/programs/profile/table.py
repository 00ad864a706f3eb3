"""A profile as a table of plain text, the slowest first."""

from collections.abc import Sequence

from miniflow_xp.programs.bench.findings import units
from miniflow_xp.programs.profile.figures import Figures, Part, Row

MOST_ROWS = 40
WIDEST = 34  # letters of a name
FLOP = tuple((scale, prefix) for scale, prefix in units.COUNTS)
LEFT = 2  # columns of text


def table(profile: Figures) -> list[str]:
    """The lines: a title, the rows, and how many are left out."""
    ordered = sorted(profile.rows, key=lambda row: -row.seconds)
    head = ["", "operation", "forward", "±", "backward", "±", "share", "FLOP", "bytes"]
    lines = [head + ["of peak"] * (profile.ceiling is not None)]
    lines += [cells(profile, row) for row in ordered[:MOST_ROWS]]
    left = len(ordered) - MOST_ROWS
    more = [f"and {left} more, {units.percent(sum(map(profile.share, ordered[MOST_ROWS:])))}"] if left > 0 else []
    return [f"{profile.title}, on {profile.machine}, {profile.dtype}", "", *aligned(lines), *more]


def cells(profile: Figures, row: Row) -> list[str]:
    """The cells of a row; the update and sums of gradients stand with the backward pass."""
    forward = row.parts.get("forward")
    backward = [part for name, part in row.parts.items() if name != "forward"]
    found = [
        *(clipped(row.place.name), clipped(row.place.operation)),
        *(("", "") if forward is None else time_of([forward])),
        *(time_of(backward) if backward else ("", "")),
        units.percent(profile.share(row)),
        units.scaled(row.work.flops, FLOP) + "+" * bool(row.work.uncounted) if row.work.flops else "",
        units.byte_count(row.work.moved) if row.work.moved else "",
    ]
    return found + ([of_peak(profile, row)] if profile.ceiling is not None else [])


def time_of(parts: Sequence[Part]) -> tuple[str, str]:
    """Seconds, and half of the interval as a part of them."""
    seconds = sum(part.time.estimate for part in parts)
    if not all(part.time.bounded for part in parts):
        return units.seconds(seconds), ""
    half = sum(part.time.high - part.time.low for part in parts) / 2
    return units.seconds(seconds), f"{100 * half / seconds:.0f}{units.SPACE}%"


def of_peak(profile: Figures, row: Row) -> str:
    """The least time that the peaks allow, as a part of the time."""
    found = of_ceiling(profile, row)
    return "" if found is None else f"{100 * found:.0f}{units.SPACE}%"


def of_ceiling(profile: Figures, row: Row) -> float | None:
    """The same as a number; None where it is unknown."""
    if profile.ceiling is None or row.work.uncounted:
        return None
    least = sum(profile.ceiling.bound(part.work.flops, part.work.moved) for part in row.parts.values())
    return least / row.seconds or None


def clipped(name: str) -> str:
    """So much of a name as fits."""
    return name if len(name) <= WIDEST else name[: WIDEST - 1] + "…"


def aligned(lines: Sequence[Sequence[str]]) -> list[str]:
    """Columns side by side: text to the left, figures to the right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if n < LEFT else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
