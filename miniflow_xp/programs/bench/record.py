"""The record of a run: what its file holds, and all that any part of the suite knows of the file's form.

The types are the file's schema: a field is a key, and its reader says what may stand there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from statistics import median
from typing import Annotated, Any

from miniflow_xp.programs.bench.peers import BESIDE_PEERS, FLOOR
from miniflow_xp.programs.bench.schema import Object, WrongError, anything, by_name, each, flag, maybe, number, text
from miniflow_xp.programs.bench.statistics import steady

FORMAT, VERSION = "miniflow_xp bench", 1

SECONDS = number(1e-15, 1e15)  # of a sample; the ratio of any two is a float
COUNT = number(0, 10**12, int)

Text = Annotated[str, text]
Amount = Annotated[float | None, maybe(number(0, 1e30))]
Count = Annotated[int | None, maybe(COUNT)]
Samples = Annotated[list[float], each(SECONDS)]
Anything = Annotated[Any, anything]
Anythings = Annotated[dict[str, Any], by_name(anything)]

KEY = ("family", "series", "case", "backend", "contestant", "dtype", "residence")
Key = tuple[str, ...]
"""What KEY names of a cell, as texts: cells of two runs with one key are counterparts."""


@dataclass(frozen=True, kw_only=True)
class Cell(Object):
    """What was measured of one case on one backend; ``samples`` are seconds a step, each of one of the ``rounds``."""

    family: Text
    series: Text
    case: Text
    axes: Annotated[dict[str, float], by_name(number(1e-15, 1e15))]
    axis: Text
    backend: Text
    contestant: Text
    dtype: Text
    residence: Annotated[str | None, maybe(text)]
    cache: Text = ""
    kind: Text = ""
    state: Text
    why: Text = ""
    samples: Samples
    rounds: Annotated[list[int], each(COUNT)]
    calls: Count = None
    host_s: Annotated[list[float] | None, maybe(each(number(0, 1e15)))] = None
    capture_s: Amount = None
    first_call_s: Amount = None
    upload_s: Amount = None
    device_s: Amount = None
    warmup_calls: Count = None
    flops: Amount = None
    bytes: Amount = None
    peak_bytes: Amount = None
    stable: Annotated[bool | None, maybe(flag)] = None
    error: Amount = None
    note: Text = ""

    @classmethod
    def from_json(cls, value: Any, key: str = "") -> "Cell":
        """The cell at a key; raises WrongError."""
        cell = super().from_json(value, key)
        if len(cell.rounds) != len(cell.samples):
            expected = f"there is one for each of {len(cell.samples)} samples"
            raise WrongError(f"{key}.rounds", f"it holds {len(cell.rounds)}", expected)
        return cell

    @property
    def key(self) -> Key:
        """What it is, by which its counterpart in another run is found."""
        return tuple(getattr(self, part) or "" for part in KEY)

    @property
    def measured(self) -> bool:
        """True where there are samples that count."""
        return self.state == "measured" and bool(self.samples)

    @cached_property
    def times(self) -> tuple[tuple[int, float], ...]:
        """(round, seconds a step), by round; empty unless it was measured."""
        return tuple(sorted(dict(zip(self.rounds, self.samples, strict=True)).items())) if self.measured else ()

    @cached_property
    def seconds(self) -> float | None:
        """The median of the samples."""
        return median(t for _, t in self.times) if self.times else None

    @property
    def host(self) -> list[float]:
        """Seconds that the host took to ask for a step, of the samples where that is known."""
        return [one for one in self.host_s or [] if one > 0]

    @property
    def settled(self) -> bool:
        """True unless the warm-up ended before the time was constant, or a sample is far from the others."""
        return self.stable is not False and steady(self.samples)

    @property
    def once(self) -> float | None:
        """What is paid once: the first call above a later one, and bringing the data to the device."""
        if self.first_call_s is None or self.seconds is None:
            return None
        return max(0.0, self.first_call_s - self.seconds) + (self.upload_s or 0.0)

    @property
    def size(self) -> float | None:
        """The value of the axis that the series scales."""
        return self.axes.get(self.axis)

    @property
    def is_floor(self) -> bool:
        """True for the part of the work that all contestants share: a lower bound of their times, and no contestant."""
        return self.family == "peers" and self.contestant == FLOOR

    @property
    def label(self) -> str:
        """Who runs: the backend, with the contestant where that is not this package."""
        alone = self.contestant == "ours" and self.family not in BESIDE_PEERS
        return self.backend if alone else f"{self.contestant} ({self.backend})"


@dataclass(frozen=True, kw_only=True)
class Machine(Object):
    """What the run was made on, and with."""

    cpu: Anything = None
    cores: Amount = None
    usable_cores: Amount = None
    memory_bytes: Amount = None
    platform: Anything = None
    python: Anything = None
    gpu: Anything = None
    forced_kernel: Anything = None
    variables: Anythings = field(default_factory=dict)
    packages: Anythings = field(default_factory=dict)
    threads: Anythings = field(default_factory=dict)
    blas: Annotated[list[dict[str, Any]], each(by_name(anything))] = field(default_factory=list)

    @property
    def used_cores(self) -> float | None:
        """How many cores the run could use: all of them, where it does not say."""
        return self.cores if self.usable_cores is None else self.usable_cores

    @property
    def gpu_name(self) -> object:
        """The GPU's name, or all that is known of it; None where there is none."""
        return self.gpu.get("name", self.gpu) if isinstance(self.gpu, Mapping) else self.gpu

    @property
    def kernels(self) -> dict[str, set[str]]:
        """{BLAS library: its kernels}."""
        found: dict[str, set[str]] = {}
        for library in self.blas:
            found.setdefault(str(library.get("library")), set()).add(str(library.get("kernel")))
        return found


@dataclass(frozen=True, kw_only=True)
class State(Object):
    """What went on on the machine, at one time."""

    load: Annotated[list[float] | None, maybe(each(number(0, 1e15)))] = None
    busy_cores: Amount = None
    gpu: Anything = None

    @property
    def clock_mhz(self) -> float | None:
        """The GPU's clock, from either of the names that it goes by."""
        for name in ("clock_mhz", "clocks.sm"):
            try:
                return float(self.gpu[name])
            except (KeyError, TypeError, ValueError):
                continue
        return None


@dataclass(frozen=True, kw_only=True)
class Environment(Object):
    """The machine, and its state before and after the run."""

    machine: Annotated[Machine, Machine.from_json] = field(default_factory=Machine)
    before: Annotated[State, State.from_json] = field(default_factory=State)
    after: Annotated[State, State.from_json] = field(default_factory=State)


@dataclass(frozen=True, kw_only=True)
class Participant(Object):
    """A backend that was asked for: what it is, or why it could not be used; seconds that it takes to start."""

    describe: Text
    usable: Annotated[bool, flag] = True
    start_s: Amount = None


@dataclass(frozen=True, kw_only=True)
class Ceiling(Object):
    """The most that was measured of arithmetic and of traffic; unknown where it is None or 0."""

    flops_per_s: Amount = None
    bytes_per_s: Amount = None

    def bound(self, flops: float | None, moved: float | None) -> float:
        """max(flops / peak, bytes / bandwidth): seconds that a step needs at least; what is unknown counts nothing."""
        parts = (flops, self.flops_per_s), (moved, self.bytes_per_s)
        return max((amount or 0.0) / most if most else 0.0 for amount, most in parts)


@dataclass(frozen=True, kw_only=True)
class Control(Object):
    """An A/A pair: the samples of one step, and of the same once more."""

    backend: Text
    case: Text
    a: Samples
    b: Samples


@dataclass(frozen=True, kw_only=True)
class Planted(Object):
    """The samples of a step, and of the same with a slowdown, which is a part of its time."""

    backend: Text
    case: Text
    slowdown: Amount = None
    plain: Samples
    slowed: Samples


@dataclass(frozen=True, kw_only=True)
class Record(Object):
    """A run. ``ceilings`` are by backend and dtype; ``second_sitting`` is its first round, None where there was one."""

    format: Anything = FORMAT
    version: Anything = VERSION
    created: Text = ""
    mode: Text = ""
    budget_s: Amount = None
    seconds: Amount = None
    seed: Anything = None
    environment: Annotated[Environment, Environment.from_json]
    backends: Annotated[dict[str, Participant], by_name(Participant.from_json)]
    cells: Annotated[list[Cell], each(Cell.from_json)]
    steps: Annotated[int | None, number(0, 1e300, int)] = None
    command: Text = ""
    second_sitting: Count = None
    complete: Annotated[bool | None, flag] = None
    ceilings: Annotated[dict[str, dict[str, Ceiling]] | None, by_name(by_name(Ceiling.from_json))] = None
    control: Annotated[list[Control], each(Control.from_json)] = field(default_factory=list)
    planted: Annotated[list[Planted], each(Planted.from_json)] = field(default_factory=list)

    def without_host_times(self) -> dict[str, Any]:
        """Its JSON without what only the breakdown needs."""
        return self.to_json() | {"cells": [cell.to_json() | {"host_s": None} for cell in self.cells]}

    def by_key(self) -> dict[Key, Cell]:
        """{key: cell}."""
        return {cell.key: cell for cell in self.cells}
