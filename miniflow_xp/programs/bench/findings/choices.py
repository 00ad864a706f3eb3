"""Which backend to use for which size, in one line a series."""

from collections.abc import Iterator
from typing import NamedTuple

from miniflow_xp.programs.bench.findings import units
from miniflow_xp.programs.bench.findings.outcome import TIE, UNCLEAR, WINS, winner
from miniflow_xp.programs.bench.findings.run import Run, Series

COMPARED = (WINS, TIE, UNCLEAR)


class Span(NamedTuple):
    """Sizes from ``low`` to ``high`` for which each of ``labels`` will do: none of them was shown to be slower."""

    low: float
    high: float
    labels: list[str]


def choices(run: Run) -> list[str]:
    """Training steps and a user's own: up to batch = 64 use X, from 256 on use Y; nothing where nobody was compared."""
    found = ((series, spans(run, series)) for series in run.of("step", "user"))
    return [f"{series.title}: {in_words(series.axis, own)}." for series, own in found if own]


def spans(run: Run, series: Series) -> list[Span]:
    """As few as there can be: a span goes on as long as one backend will do for all of it."""
    made: list[Span] = []
    for size, labels in unbeaten(run, series):
        kept = [label for label in made[-1].labels if label in labels] if made else []
        if kept:
            made[-1] = Span(made[-1].low, size, kept)
        else:
            made.append(Span(size, size, labels))
    return made


def unbeaten(run: Run, series: Series) -> Iterator[tuple[float, list[str]]]:
    """(size, the winner, or all whom nobody was shown to beat), where at least two were measured."""
    for case in series.cases:
        found = winner(run, case)
        if case.size is not None and found.kind in COMPARED:
            yield case.size, found.labels


def in_words(axis: str, found: list[Span]) -> str:
    """up to batch = 64 use X, from 256 on use Y or Z, which were not told apart."""
    first, *others = found
    if not others:
        return f"for {axis} = {sizes(first)} use {listed(first)}"
    *inner, last = others
    return ", ".join(
        [
            f"up to {axis} = {units.spoken(first.high)} use {listed(first)}",
            *(f"for {sizes(one)} use {listed(one)}" for one in inner),
            f"from {units.spoken(last.low)} on use {listed(last)}",
        ]
    )


def sizes(span: Span) -> str:
    """16 to 64, or 16."""
    ends = dict.fromkeys((units.spoken(span.low), units.spoken(span.high)))
    return " to ".join(ends)


def listed(span: Span) -> str:
    """X; several that nothing tells apart, the quickest at the smallest size first."""
    *others, last = span.labels
    return f"{', '.join(others)} or {last}, which were not told apart" if others else last
