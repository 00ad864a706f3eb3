"""What a profile has to say besides its table, a sentence each."""

from collections.abc import Mapping

from miniflow_xp.programs.bench.findings import units
from miniflow_xp.programs.bench.statistics import Ratio
from miniflow_xp.programs.profile.counts import total
from miniflow_xp.programs.profile.figures import AGREED, Figures, estimate
from miniflow_xp.programs.profile.table import of_ceiling

HOLDERS = 4  # that are named; the others are counted
TOO_GOOD = 1.5  # times a peak: what is somewhat above found its data in a cache
NOISY = 0.25  # an interval that is wider, as a part of the time, comes from a busy machine


def notes(profile: Figures) -> list[str]:
    """All of it, what matters most first."""
    found = [
        *(adding_up(profile), captured(profile), fused(profile), waits(profile), upload(profile), carried(profile)),
        *(memory(profile), peaks(profile), uncounted(profile), clock(profile), load(profile)),
    ]
    return [sentence for sentence in found if sentence]


def spell(seconds: Ratio) -> str:
    """12.3 µs (11.9–12.8)."""
    if not seconds.bounded:
        return f"{units.seconds(seconds.estimate)} (too few rounds for an interval)"
    scale, unit = units.reached(seconds.estimate, units.SECONDS)
    low, high = (units.digits(value / scale) for value in (seconds.low, seconds.high))
    return f"{units.digits(seconds.estimate / scale)}{units.SPACE}{unit} ({low}–{high})"


def part_of(ratio: Ratio) -> str:
    """96 % (94–98 %)."""
    estimate = f"{100 * ratio.estimate:.0f}{units.SPACE}%"
    return f"{estimate} ({100 * ratio.low:.0f}–{100 * ratio.high:.0f}{units.SPACE}%)" if ratio.bounded else estimate


def adding_up(profile: Figures) -> str:
    """Whether the parts add up to the whole, and what explains it where they do not."""
    whole = f"of the plain step, which takes {spell(estimate(profile.plain))} as a whole"
    said = f"The parts add up to {part_of(profile.agreement)} {whole}"
    return f"{said}." if profile.adds_up else f"{said}: {why_not(profile)}."


def why_not(profile: Figures) -> str:
    """What is not in the parts, or in the parts alone."""
    plain, parts, rest = (estimate(times).estimate for times in (profile.plain, profile.sums, profile.between))
    if not profile.agreement.bounded:
        return "too few rounds to tell how far this is chance"
    if profile.agreement.low <= 1 + AGREED and profile.agreement.high >= 1 - AGREED:
        return "the interval holds that they do; measure more rounds, or on a machine with less to do"
    if parts > plain and "waiting" in profile.clock:
        return "each call was waited for here, and is not there: calls overlap in the whole step"
    if parts > plain:
        return "what lies between two looks at the clock disturbs caches, or something else was running meanwhile"
    said = f"{units.seconds(rest)} lie between the calls, in Python: {in_python(profile)}"
    if abs((parts + rest) / plain - 1) <= AGREED:
        return said
    if profile.clock.startswith("the device"):
        return "the device waits for the host, which asks for one call at a time; a captured step asks once"
    if parts + rest < plain:
        return f"{said}; {units.seconds(plain - parts - rest)} more are in the whole step alone, in none of its calls"
    return f"{said}, some of which the clock itself takes: {len(profile.passes)} calls were timed"


def in_python(profile: Figures) -> str:
    """What Python does there."""
    is_graph = any(row.place.node is not None for row in profile.rows)
    return "the loop over the nodes" if is_graph else "the function's own lines, and following its calls"


def captured(profile: Figures) -> str:
    """The captured step beside the plain one."""
    if not profile.captured:
        return f"Nothing is captured: {profile.how}."
    pairs = zip(profile.captured, profile.plain, strict=True)
    ratio = estimate([a / b for a, b in pairs])
    times = f"{units.times(ratio.estimate)} times the plain step"
    between = f" ({units.times(ratio.low)}–{units.times(ratio.high)})" if ratio.bounded else ""
    return f"Captured it takes {spell(estimate(profile.captured))}, {times}{between}: {profile.how}."


def fused(profile: Figures) -> str:
    """Which equations the captured step does not have, and where they were."""
    if not profile.fused:
        return ""
    instead = f"; in their place: {listed(profile.joined)}" if profile.joined else ""
    where = [f"{name} ({', '.join(functions)})" for name, functions in profile.gone.items()]
    left = f" and {len(where) - HOLDERS} others" if len(where) > HOLDERS else ""
    parts = f" None is left of these: {'; '.join(where[:HOLDERS])}{left}." if where else ""
    return f"Equations of the plain step that the captured one does not run: {listed(profile.fused)}{instead}.{parts}"


def listed(counts: Mapping[str, int]) -> str:
    """``exp``, ``abs`` twice."""
    return ", ".join(name if n == 1 else f"{name} ×{n}" for name, n in counts.items())


def waits(profile: Figures) -> str:
    """What keeps a step from being captured is what waits for a device."""
    if profile.captured and "because" not in profile.how:
        return ""
    return "A step that looks at contents while it runs waits for the device each time: see why it is not captured."


def upload(profile: Figures) -> str:
    """What a feed on the host costs at every step."""
    if profile.upload is None:
        return ""
    size, times = profile.upload
    took = spell(estimate(times))
    return f"The feed comes from the host: {units.byte_count(size)}, {took} more at every step; here it was moved once."


def carried(profile: Figures) -> str:
    """Calls that are handed arrays of the host."""
    rows = [(row.place.name, row.work.carried) for row in profile.rows if row.work.carried]
    if not rows:
        return ""
    told = ", ".join(f"{name} ({units.byte_count(size)})" for name, size in rows)
    return f"Hidden transfers: these are handed NumPy's arrays, which are moved at every call: {told}."


def memory(profile: Figures) -> str:
    """Who holds the memory when most is held."""
    held = sorted(profile.holding.held.items(), key=lambda item: -item[1])
    named = ", ".join(f"{name} {units.byte_count(size)}" for name, size in held[:HOLDERS] if size)
    others = sum(size for _, size in held[HOLDERS:])
    rest = f", {len(held) - HOLDERS} others {units.byte_count(others)}" if others else ""
    peaks = [f"{name} {units.byte_count(size)}" for name, size in profile.peak_bytes.items() if size is not None]
    seen = f" What a step took besides its data, as the system tells it: {', '.join(peaks)}." if peaks else ""
    return f"Most is held at {profile.holding.at}, {units.byte_count(profile.holding.bytes)}: {named}{rest}.{seen}"


def peaks(profile: Figures) -> str:
    """The machine's peaks."""
    ceiling = profile.ceiling
    if ceiling is None:
        return "The machine's peaks were not measured: profile(..., ceilings=True) does, in a second or two."
    above = any((of_ceiling(profile, row) or 0.0) > TOO_GOOD for row in profile.rows)
    busy = " Some parts are far above them: something else was running when the peaks were measured." if above else ""
    flops = units.rate(ceiling.flops_per_s or 0.0, "FLOP/s")
    moved = units.rate(ceiling.bytes_per_s or 0.0, "B/s")
    return f"“Of peak” is against what was measured here in {profile.dtype}: {flops} and {moved}.{busy}"


def uncounted(profile: Figures) -> str:
    """Functions whose operations are not counted."""
    names = total(row.work for row in profile.rows).uncounted
    return f"FLOP leave these out, which are not counted: {', '.join(sorted(names))}." if names else ""


def clock(profile: Figures) -> str:
    """Whose clock it was, and what it takes."""
    rounds = f"{len(profile.plain)} rounds"
    took = f"a look at it takes {units.seconds(profile.clock_s)}, which is taken off"
    return f"Clock: {profile.clock}; {took}. {rounds}, interleaved; ± is half of the interval of 95{units.SPACE}%."


def load(profile: Figures) -> str:
    """How busy the machine was."""
    wide = [p for p in (estimate(profile.plain), profile.agreement) if p.bounded and p.high / p.low > 1 + NOISY]
    busy = " The times differ much from round to round: something else was running." if wide else ""
    if profile.load is None:
        return busy.strip()
    return f"Load of the machine: {profile.load[0]:.1f} before, {profile.load[1]:.1f} after.{busy}"
