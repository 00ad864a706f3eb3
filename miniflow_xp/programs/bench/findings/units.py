"""Numbers with sensible digits and units."""

from math import floor, isfinite, log10

from miniflow_xp.programs.bench.statistics import Ratio

SPACE = "\N{NO-BREAK SPACE}"  # a number stays with its unit
SECONDS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
COUNTS = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""))
BYTES, RATES, FLOPS = (tuple((scale, prefix + unit) for scale, prefix in COUNTS) for unit in ("B", "B/s", "FLOP/s"))


def digits(value: float, wanted: int = 3) -> str:
    """So many significant digits, never an exponent between 1e-4 and 1e6."""
    if value == 0 or not isfinite(value):
        return f"{value:g}"
    places = wanted - 1 - floor(log10(abs(value)))
    return f"{round(value, places):.{max(places, 0)}f}" if -5 < log10(abs(value)) < 6 else f"{value:.{wanted - 1}e}"


def scaled(value: float, units: tuple[tuple[float, str], ...]) -> str:
    """The value in the largest of the units that it reaches."""
    scale, unit = reached(value, units)
    return f"{digits(value / scale)}{SPACE}{unit}".rstrip()


def reached(value: float, units: tuple[tuple[float, str], ...]) -> tuple[float, str]:
    """The largest of the units that the value reaches when it is rounded, else the smallest."""
    return next((unit for unit in units if value >= unit[0] * 0.9995), units[-1])


def seconds(value: float) -> str:
    """12.4 ms."""
    return scaled(value, SECONDS)


def byte_count(value: float) -> str:
    """1.50 MB."""
    return scaled(value, BYTES) if value != int(value) or value >= 1024 else f"{value:.0f}{SPACE}B"


def rate(value: float, unit: str) -> str:
    """190 GFLOP/s."""
    return scaled(value, tuple((scale, prefix + unit) for scale, prefix in COUNTS))


def size(value: float) -> str:
    """1024; 1.05M."""
    if value == int(value) and abs(value) < 1e6:
        return f"{value:.0f}"
    return scaled(value, COUNTS).replace(SPACE, "")


def spoken(value: float) -> str:
    """16,384, as the sentences write sizes."""
    return f"{value:,.0f}" if value == int(value) else f"{value:g}"


def tick(value: float, units: tuple[tuple[float, str], ...]) -> str:
    """A short label of an axis: 10 µs."""
    scale, unit = reached(value, units)
    return f"{value / scale:g}{SPACE}{unit}".rstrip()


def times(value: float) -> str:
    """3.1; near 1, where a hundredth matters, 1.05."""
    if 0.1 <= value < 2:
        return f"{value:.2f}"
    return digits(value, 2) if value < 99.5 else f"{value:.0f}"


def interval(ratio: Ratio) -> str:
    """3.1× (2.9–3.4), with a third digit where two would show the same; too few pairs for an interval say so."""
    if not ratio.bounded:
        return f"{times(ratio.estimate)}× (too few pairs for an interval)"
    spell = times if times(ratio.low) != times(ratio.high) else digits
    return f"{spell(ratio.estimate)}× ({spell(ratio.low)}–{spell(ratio.high)})"


def percent(fraction: float) -> str:
    """2.1 %."""
    return f"{digits(100 * fraction, 2) if fraction >= 1e-3 else f'{100 * fraction:.2f}'}{SPACE}%"
