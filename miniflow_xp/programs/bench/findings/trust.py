"""How far a run can be trusted: good, fair or poor, with the reasons and what would mend them."""

from collections.abc import Iterator
from typing import NamedTuple

from miniflow_xp.programs.bench.findings import units
from miniflow_xp.programs.bench.findings.run import Run
from miniflow_xp.programs.bench.findings.texts import text
from miniflow_xp.programs.bench.statistics import TIE, UNSTEADY, Ratio

GRADES = ("good", "fair", "poor")
FLOORS = (TIE, 2 * TIE)  # up to the width of a tie it is good, up to twice of that fair
LOADS = (0.25, 0.5)  # of a core, before the run: somebody else's work
A_CORE = 0.5  # cores taken by others from here on: peaks measured meanwhile may be too low
THROTTLED = 0.75  # of the clock before the run


class Reason(NamedTuple):
    """What speaks for a grade; ``remedies`` are what to do where that is not good."""

    grade: str
    text: str
    remedies: tuple[str, ...] = ()


QUIET = "run it while nothing else runs on the machine"
ONE_CORE = "leave it one core with --cores 1, where runs repeat themselves best"
LONGER = "give it a larger --budget"
LESS = "name fewer --backends or --family"


def trust(run: Run) -> tuple[str, list[Reason]]:
    """The worst grade of all reasons, and the reasons, worst first."""
    reasons = [*noise(run), *planted(run), *honesty(run), *surroundings(run), *ending(run)]
    reasons = reasons or [Reason("fair", "the run says nothing of its machine")]
    reasons.sort(key=lambda r: -GRADES.index(r.grade))
    return reasons[0].grade, reasons


def spoken(run: Run) -> list[str]:
    """The grade with what speaks against the run, and how to mend that: what is to be read first."""
    word, reasons = trust(run)
    against = [reason.text for reason in reasons if reason.grade != GRADES[0]]
    mend = remedies(run)
    return [f"Trust: {word}{': ' if against else ''}{'; '.join(against)}.", *([mend] if mend else [])]


def remedies(run: Run) -> str:
    """How to make the trust good, in one sentence; empty where it is, or nothing can be done."""
    found = dict.fromkeys(one for r in trust(run)[1] if r.grade != GRADES[0] for one in r.remedies)
    return f"To trust it more: {'; '.join(found)}." if found else ""


def hedged(run: Run, verdict: str) -> str:
    """A verdict, and that it is not to be relied on unless the trust is good."""
    return verdict if trust(run)[0] == GRADES[0] else f"Not to be relied on: {verdict}"


def grade(value: float, limits: tuple[float, float]) -> str:
    """Good up to the first limit, fair up to the second."""
    return GRADES[sum(value > limit for limit in limits)]


def noise(run: Run) -> Iterator[Reason]:
    """The A/A control."""
    if run.floor is None:
        yield Reason("fair", "no A/A control was run: the noise floor is unknown", (LONGER,))
        return
    count = f"{len(run.controls)} A/A control{'s' * (len(run.controls) > 1)}"
    said = f"noise floor {units.percent(run.floor)}: so far apart were equal steps ({count})"
    one_core = () if run.record.environment.machine.usable_cores == 1 else (ONE_CORE,)
    yield Reason(grade(run.floor, FLOORS), said, (QUIET, *one_core))


def planted(run: Run) -> Iterator[Reason]:
    """Slowdowns put in on purpose must be found: a run that finds none of them shows no difference of this size."""
    missed = "fair" if any(ratio.low > 1 for _, ratio in run.planted) else "poor"
    for pair, ratio in run.planted:
        size = f" of {units.percent(pair.slowdown)}" if pair.slowdown else ""
        found = ratio.low > 1
        said = f"a planted slowdown{size} on {text(pair.backend)} was {'' if found else 'not '}found: {signed(ratio)}"
        yield Reason("good" if found else missed, said, (QUIET, LONGER))


def signed(ratio: Ratio) -> str:
    """+5.1 % (+4.0 to +6.2)."""
    if not ratio.bounded:
        return f"{100 * (ratio.estimate - 1):+.1f} % (too few pairs for an interval)"
    low, middle, high = (100 * (x - 1) for x in (ratio.low, ratio.estimate, ratio.high))
    return f"{middle:+.1f} % ({low:+.1f} to {high:+.1f}), {ratio.pairs} pairs"


def honesty(run: Run) -> Iterator[Reason]:
    """Times below the bound, and warm-ups that did not settle."""
    told, busy = run.lies, others(run)
    faster = f"{len(told)} cell{' is' if len(told) == 1 else 's are'} faster than"
    if told and busy is not None and busy.cores >= A_CORE:
        said = f"{faster} the peaks that were measured while others took their part: these cannot be judged by"
        yield Reason("fair", said, (QUIET,))
    elif told:
        yield Reason("poor", f"{faster} the machine's peaks allow; the first: {told[0]}")
    elif any(run.ceilings.values()):
        yield Reason("good", "no time is below half of what the machine's measured peaks allow")
    measured = [c for c in run.cells if c.times]
    restless = sum(not c.settled for c in measured)
    if restless:
        said = f"{restless} of {len(measured)} cells had not settled after the warm-up, or jumped by {UNSTEADY:g}×"
        yield Reason(grade(restless / len(measured), (0.1, 0.5)), said, (QUIET, LONGER))


class Others(NamedTuple):
    """How many cores others kept busy, and that in words."""

    cores: float
    said: str


def others(run: Run) -> Others | None:
    """What else ran on the machine: the more of before and after the run; by the load where nobody counted cores."""
    environment = run.record.environment
    before, after = environment.before, environment.after
    there = f"{environment.machine.cores or 1:g} cores"
    counted = [(before.busy_cores, "before"), (after.busy_cores, "after")]
    known = [(busy, when) for busy, when in counted if busy is not None]
    if known:
        busy, when = max(known, key=lambda one: one[0])
        return Others(busy, f"others kept {busy:.2g} of {there} busy {when} the run")
    loads = [state.load[0] for state in (before, after) if state.load]
    if not loads:
        return None
    later = f", {loads[1]:.2g} after" if loads[1:] else ""
    return Others(loads[0], f"load of the machine {loads[0]:.2g} before{later}; {there}")


def surroundings(run: Run) -> Iterator[Reason]:
    """Load, clocks, a forced kernel."""
    environment = run.record.environment
    machine, before, after = environment.machine, environment.before, environment.after
    cores, usable, busy = machine.cores or 1.0, machine.usable_cores, others(run)
    if busy is not None:
        yield Reason(grade(busy.cores / cores, LOADS), busy.said, (QUIET,))
    if usable is not None and usable < cores:
        yield Reason("fair", f"it used {usable:g} of {cores:g} cores: with all of them, other sizes may win")
    if machine.forced_kernel:
        said = f"the environment forces the BLAS kernel {text(machine.forced_kernel)}"
        yield Reason("fair", said, ("unset OPENBLAS_CORETYPE",))
    first, last = before.clock_mhz, after.clock_mhz
    if first and last and last < THROTTLED * first:
        said = f"the GPU's clock fell from {first:.0f} to {last:.0f} MHz"
        yield Reason("fair", said, ("let the GPU cool down, or fix its clock",))


def ending(run: Run) -> Iterator[Reason]:
    """Whether the run came to its end."""
    if run.record.complete is False:
        said = "the clock ran out before all cells had the rounds that were wanted"
        yield Reason("fair", said, (LONGER, LESS))
    if not any(c.times or (c.state == "measured" and c.peak_bytes) for c in run.cells):
        yield Reason("poor", "nothing was measured", (LONGER,))
