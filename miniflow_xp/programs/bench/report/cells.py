"""One cell of a run, read with care: whatever the JSON lacks or spoils becomes None, empty or 0."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from statistics import median
from typing import Any

from miniflow_xp.programs.bench.peers import FLOOR
from miniflow_xp.programs.bench.statistics import steady

LONGEST = 120  # characters of a name; a report is for reading


@dataclass(frozen=True)
class Cell:
    """What was measured of one case on one backend; ``times`` are seconds a step by round."""

    family: str
    series: str
    case: str
    axes: tuple[tuple[str, float], ...]
    axis: str
    backend: str
    contestant: str
    dtype: str
    residence: str
    cache: str
    kind: str
    state: str
    why: str
    times: tuple[tuple[int, float], ...]
    host: tuple[float, ...]
    first_call: float | None
    upload: float | None
    device: float | None
    capture: float | None
    stable: bool
    flops: float | None
    bytes: float | None
    peak_bytes: float | None
    error: float | None
    note: str

    @property
    def seconds(self) -> float | None:
        """The median of the samples."""
        return median(t for _, t in self.times) if self.times else None

    @property
    def once(self) -> float | None:
        """What is paid once: the first call above a later one, and bringing the data to the device."""
        if self.first_call is None or self.seconds is None:
            return None
        return max(0.0, self.first_call - self.seconds) + (self.upload or 0.0)

    @property
    def size(self) -> float | None:
        """The value of the axis that the series scales."""
        return dict(self.axes).get(self.axis)

    @property
    def is_floor(self) -> bool:
        """Is it a part of the work, that no one can be quicker than, and so no contestant?"""
        return self.family == "peers" and self.contestant == FLOOR

    @property
    def label(self) -> str:
        """Who runs: the backend, with the contestant where that is not this package."""
        if self.family == "peers":
            return f"{self.contestant} ({self.backend})"
        return self.backend if self.contestant == "ours" else f"{self.contestant} ({self.backend})"


def number(value: Any) -> float | None:
    """A finite float, or None."""
    usable = isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    return float(value) if usable else None


def text(value: Any, otherwise: str = "") -> str:
    """A short text of printable characters."""
    kept = "".join(c if c.isprintable() else " " for c in str(otherwise if value is None else value)[: 4 * LONGEST])
    return kept if len(kept) <= LONGEST else kept[: LONGEST - 1] + "…"


def mapping(value: Any) -> Mapping[str, Any]:
    """A mapping, empty where there is none."""
    return value if isinstance(value, Mapping) else {}


def items(value: Any) -> list[Any]:
    """A list, empty where there is none."""
    return list(value) if isinstance(value, list | tuple) else []


def positive(values: Any) -> tuple[float, ...]:
    """Those that are numbers above zero."""
    return tuple(x for x in map(number, items(values)) if x is not None and x > 0)


def by_round(samples: Any, rounds: Any) -> tuple[tuple[int, float], ...]:
    """(round, seconds) of every usable sample; without rounds they are counted."""
    drawn = items(samples)
    kept = [number(r) for r in items(rounds)]
    if len(kept) != len(drawn) or None in kept:
        kept = list(map(float, range(len(drawn))))
    pairs = {int(r or 0): number(s) for r, s in zip(kept, drawn, strict=True)}
    return tuple((r, s) for r, s in sorted(pairs.items()) if s is not None and s > 0)


def read(raw: Mapping[str, Any]) -> Cell:
    """The cell of a JSON object."""
    axes = {text(k): number(v) for k, v in mapping(raw.get("axes")).items()}
    state = text(raw.get("state"), "measured")
    return Cell(
        family=text(raw.get("family")),
        series=text(raw.get("series"), "unnamed"),
        case=text(raw.get("case")),
        axes=tuple(sorted((k, v) for k, v in axes.items() if v is not None)),
        axis=text(raw.get("axis")),
        backend=text(raw.get("backend"), "?"),
        contestant=text(raw.get("contestant"), "ours"),
        dtype=text(raw.get("dtype")),
        residence=text(raw.get("residence")),
        cache=text(raw.get("cache")),
        kind=text(raw.get("kind")),
        state=state,
        why=text(raw.get("why")),
        times=by_round(raw.get("samples"), raw.get("rounds")) if state == "measured" else (),
        host=positive(raw.get("host_s")),
        first_call=number(raw.get("first_call_s")),
        upload=number(raw.get("upload_s")),
        device=number(raw.get("device_s")),
        capture=number(raw.get("capture_s")),
        stable=raw.get("stable") is not False and steady(positive(raw.get("samples"))),
        flops=number(raw.get("flops")),
        bytes=number(raw.get("bytes")),
        peak_bytes=number(raw.get("peak_bytes")),
        error=number(raw.get("error")),
        note=text(raw.get("note")),
    )
