"""How far a run can be trusted: good, fair or poor, with the reasons."""

from collections.abc import Iterator
from typing import NamedTuple

from miniflow_xp.bench.ceilings import Lie, lies
from miniflow_xp.bench.report import units
from miniflow_xp.bench.report.cells import items, mapping, number, text
from miniflow_xp.bench.report.run import Run
from miniflow_xp.bench.statistics import TIE, Ratio

GRADES = ("good", "fair", "poor")
FLOORS = (TIE, 2 * TIE)  # up to the width of a tie it is good, up to twice of that fair
LOADS = (0.25, 0.5)  # of a core, before the run: somebody else's work
THROTTLED = 0.75  # of the clock before the run


class Reason(NamedTuple):
    """What speaks for a grade."""

    grade: str
    text: str


def trust(run: Run) -> tuple[str, list[Reason]]:
    """The worst grade of all reasons, and the reasons, worst first."""
    reasons = [*noise(run), *planted(run), *honesty(run), *surroundings(run), *ending(run)]
    reasons = reasons or [Reason("fair", "the run says nothing of its machine")]
    reasons.sort(key=lambda r: -GRADES.index(r.grade))
    return reasons[0].grade, reasons


def grade(value: float, limits: tuple[float, float]) -> str:
    """Good up to the first limit, fair up to the second."""
    return GRADES[sum(value > limit for limit in limits)]


def noise(run: Run) -> Iterator[Reason]:
    """The A/A control."""
    if run.floor is None:
        yield Reason("fair", "no A/A control was run: the noise floor is unknown")
        return
    count = f"{len(run.controls)} A/A control{'s' * (len(run.controls) > 1)}"
    yield Reason(
        grade(run.floor, FLOORS), f"noise floor {units.percent(run.floor)}: so far apart were equal steps ({count})"
    )


def planted(run: Run) -> Iterator[Reason]:
    """Slowdowns put in on purpose must be found."""
    for entry, ratio in run.planted:
        slowdown = number(entry.get("slowdown"))
        what = f"a planted slowdown{f' of {units.percent(slowdown)}' if slowdown else ''}"
        where = text(entry.get("backend"))
        found = ratio.low > 1
        measured = signed(ratio)
        yield Reason("good" if found else "fair", f"{what} on {where} was {'' if found else 'not '}found: {measured}")


def signed(ratio: Ratio) -> str:
    """+5.1 % (+4.0 to +6.2)."""
    if ratio.low <= 0:
        return f"{100 * (ratio.estimate - 1):+.1f} % (too few pairs for an interval)"
    low, middle, high = (100 * (x - 1) for x in (ratio.low, ratio.estimate, ratio.high))
    return f"{middle:+.1f} % ({low:+.1f} to {high:+.1f}), {ratio.pairs} pairs"


def found_lies(run: Run) -> list[Lie]:
    """Times that are shorter than the machine's measured peaks allow."""
    cells = [
        {
            "backend": c.backend,
            "series": c.series,
            "case": c.case,
            "contestant": c.contestant,
            "dtype": c.dtype,
            "flops": c.flops,
            "bytes": c.bytes,
            "samples": [t for _, t in c.times],
            "family": c.family,
        }
        for c in run.cells
    ]
    return lies(cells, ceilings(run))


def ceilings(run: Run) -> dict[str, dict[str, dict[str, float]]]:
    """{backend: {dtype: {"flops_per_s": …, "bytes_per_s": …}}} of what is a positive number."""
    return {
        text(backend): {
            text(dtype): {k: x for k, v in mapping(peaks).items() if (x := number(v)) is not None and x > 0}
            for dtype, peaks in mapping(by_dtype).items()
        }
        for backend, by_dtype in mapping(run.raw.get("ceilings")).items()
    }


def honesty(run: Run) -> Iterator[Reason]:
    """Times below the bound, and warm-ups that did not settle."""
    told = found_lies(run)
    if told:
        yield Reason("poor", f"{len(told)} cells are faster than the machine's peaks allow; the first: {told[0]}")
    elif any(ceilings(run).values()):
        yield Reason("good", "no time is below half of what the machine's measured peaks allow")
    measured = [c for c in run.cells if c.times]
    restless = sum(not c.stable for c in measured)
    if restless:
        share = restless / len(measured)
        yield Reason(grade(share, (0.1, 0.5)), f"{restless} of {len(measured)} cells had not settled after the warm-up")


def surroundings(run: Run) -> Iterator[Reason]:
    """Load, clocks, a forced kernel."""
    environment = mapping(run.raw.get("environment"))
    machine, before, after = (mapping(environment.get(k)) for k in ("machine", "before", "after"))
    cores = number(machine.get("cores")) or 1.0
    loads = [number(x) for state in (before, after) for x in items(state.get("load"))[:1]]
    busy = number(before.get("busy_cores"))
    if busy is not None:
        yield Reason(grade(busy / cores, LOADS), f"others kept {busy:.2g} of {cores:g} cores busy before the run")
    elif loads and loads[0] is not None:
        later = f", {loads[1]:.2g} after" if len(loads) > 1 and loads[1] is not None else ""
        yield Reason(
            grade(loads[0] / cores, LOADS), f"load of the machine {loads[0]:.2g} before{later}; {cores:g} cores"
        )
    usable = number(machine.get("usable_cores"))
    if usable is not None and usable < cores:
        yield Reason("fair", f"it used {usable:g} of {cores:g} cores: with all of them, other sizes may win")
    if machine.get("forced_kernel"):
        yield Reason("fair", f"the environment forces the BLAS kernel {text(machine['forced_kernel'])}")
    clocks = [clock(mapping(state.get("gpu"))) for state in (before, after)]
    if clocks[0] and clocks[1] and clocks[1] < THROTTLED * clocks[0]:
        yield Reason("fair", f"the GPU's clock fell from {clocks[0]:.0f} to {clocks[1]:.0f} MHz")


def clock(gpu: object) -> float | None:
    """MHz of a GPU's state, from either of the names that it goes by."""
    for name in ("clock_mhz", "clocks.sm"):
        try:
            return float(mapping(gpu)[name])
        except (KeyError, TypeError, ValueError):
            continue
    return None


def ending(run: Run) -> Iterator[Reason]:
    """Whether the run came to its end."""
    if run.raw.get("complete") is False:
        yield Reason("fair", "the clock ran out before all cells had the rounds that were wanted")
    if not any(c.times or (c.state == "measured" and c.peak_bytes) for c in run.cells):
        yield Reason("poor", "nothing was measured")
