"""From which size on does the candidate win? A bracket of measured sizes, never a root of fitted curves.

Processor curves have cliffs where the data leaves a cache; a crossover that is read off a smooth fit misses them.
"""

from collections.abc import Callable, Sequence
from itertools import takewhile
from math import ceil, sqrt
from typing import NamedTuple

import numpy as np

from miniflow_xp.programs.bench.statistics import Ratio, verdict

COARSE = 4  # a grid's step
NARROW = sqrt(2)  # a bracket this narrow is narrow enough
MOST_EXTRA = 10  # sizes measured besides the grid
FIT_ERROR = 0.15  # a fit that misses points left out by more explains nothing
TO_THE_END = "the largest size measured"

Compare = Callable[[int], Ratio | str | None]
"""Size → candidate's time / incumbent's; where it cannot be measured, a text that says why, or None."""


class Crossover(NamedTuple):
    """Where the candidate becomes faster.

    ``state`` is "always" (at every size measured), "never" (not up to the largest measured), "between" (not yet
    at ``low``, from ``high`` on) or "unclear" (the noise is too large; ``high`` is a size from which it does win, if
    there is one). ``why``: what ended the measurement. ``verdicts`` and ``measured`` are by size, ascending.
    """

    state: str
    low: int | None
    high: int | None
    why: str
    measured: dict[int, Ratio]
    verdicts: dict[int, str]

    def __str__(self) -> str:
        """A clause that follows the candidate's name."""
        if not self.measured:
            return f"not measured ({self.why})"
        last = max(self.measured)
        islands = [size for size, word in self.verdicts.items() if word == "wins" and size < (self.high or last)]
        also = f" (also faster at {listed(islands)}, but not in between)" if islands and self.high else ""
        only = f"; it is faster at {listed(islands)} only" if islands else ""
        if len(self.measured) == 1 and self.why == TO_THE_END:
            words = {"always": "faster", "never": "not faster"}.get(self.state, "not shown to be faster")
            return f"{words} at {last:,}, the only size measured"
        if self.state == "always":
            return f"faster at every size measured, {min(self.measured):,} to {last:,}{self.cut()}"
        if self.state == "between":
            return f"faster from a size between {self.low:,} and {self.high:,} on{also}{self.end()}"
        if self.state == "never":
            return f"not faster up to {last:,} ({self.why}){only}"
        doubt = "the noise is larger than the difference"
        if not all(ratio.bounded for ratio in self.measured.values()):
            doubt = "there were too few rounds to tell"
        if self.high is None:
            return f"not shown to be faster up to {last:,}: {doubt} ({self.why}){only}"
        return f"faster from {self.high:,} on; below it {doubt}{also}{self.end()}"

    def cut(self) -> str:
        """Why nothing larger was measured, if something kept it from being."""
        return "" if self.why == TO_THE_END else f" ({self.why})"

    def end(self) -> str:
        """What cut the measurement short, if anything did."""
        return "" if self.why == TO_THE_END else f", measured up to {max(self.measured):,} ({self.why})"


def listed(sizes: Sequence[int]) -> str:
    """16, 64 and 256."""
    texts = [f"{size:,}" for size in sizes]
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if texts[1:] else texts)


def coarse_grid(low: int, high: int, step: int = COARSE) -> list[int]:
    """low, 4 low, 16 low … and high. Raises ValueError unless 1 ≤ low ≤ high."""
    if not 1 <= low <= high:
        raise ValueError(f"sizes run from a low to a high one, from 1 on; got {low} to {high}")
    sizes = [low]
    while sizes[-1] * step < high:
        sizes.append(sizes[-1] * step)
    return sizes + [high] * (high > low)


def find_crossover(
    compare: Compare, sizes: Sequence[int], floor: float = 0.0, most_extra: int = MOST_EXTRA
) -> Crossover:
    """The bracket: first the ascending ``sizes``, then geometric bisection inside it.

    It reaches from the last size where the candidate significantly loses to the first one from which it significantly
    wins at every larger measured size. ``floor`` is the noise of an A/A run. Sizes after the first that cannot be
    measured, once one could, are not tried.
    """
    measured: dict[int, Ratio] = {}
    why = TO_THE_END
    for size in sizes:
        ratio = compare(size)
        if isinstance(ratio, Ratio):
            measured[size] = ratio
            why = TO_THE_END
        else:
            why = f"{ratio or 'it could not be measured'} at {size:,}"
            if measured:
                break
    for _ in range(most_extra):
        middle = next_size(words(measured, floor))
        ratio = compare(middle) if middle else None
        if not middle or not isinstance(ratio, Ratio):
            break  # a bracket that could not be narrowed is still one
        measured[middle] = ratio
    return conclude(measured, words(measured, floor), why)


def words(measured: dict[int, Ratio], floor: float) -> dict[int, str]:
    """{size: verdict}, ascending."""
    return {size: verdict(measured[size], floor) for size in sorted(measured)}


def bracket(verdicts: dict[int, str]) -> tuple[int | None, int | None]:
    """The last size that loses before, else the smallest if it is a tie, and the first size from which on all win."""
    wins = list(takewhile(lambda size: verdicts[size] == "wins", reversed(verdicts)))
    below = list(verdicts)[: len(verdicts) - len(wins)]
    losses = [size for size in below if verdicts[size] == "loses"] or [n for n in below[:1] if verdicts[n] == "tie"]
    return (losses[-1] if wins and losses else None), (wins[-1] if wins else None)


def next_size(verdicts: dict[int, str]) -> int | None:
    """The middle, geometrically, of the wider of the gaps at the two ends of the bracket; None if both are narrow.

    Between them there may be sizes that are ties or unclear: measuring near those again would not separate them.
    """
    low, high = bracket(verdicts)
    if high is None or low is None:
        return None
    inside = [size for size in verdicts if low <= size <= high]
    left, right = max((inside[:2], inside[-2:]), key=lambda gap: gap[1] / gap[0])
    middle = round(sqrt(left * right))
    return middle if right / left > NARROW * 1.001 and left < middle < right else None


def conclude(measured: dict[int, Ratio], verdicts: dict[int, str], why: str) -> Crossover:
    """The Crossover that the verdicts amount to."""
    by_size = {size: measured[size] for size in verdicts}
    low, high = bracket(verdicts)
    if not verdicts:
        state = "unclear"
    elif high is None:
        state = "unclear" if verdicts[max(verdicts)] == "unclear" else "never"
    elif high == min(verdicts):
        state = "always"
    else:
        state = "unclear" if low is None else "between"
    return Crossover(state, low, high, why, by_size, verdicts)


def break_even(extra_once_s: float, gain_per_step_s: float) -> int | None:
    """Steps after which what is gained a step has paid for what is spent once; None if a step gains nothing."""
    return max(0, ceil(extra_once_s / gain_per_step_s)) if gain_per_step_s > 0 else None


def fit_overhead(sizes: Sequence[float], times: Sequence[float]) -> float | None:
    """a of T(n) = a + b nᵖ in seconds; None under five sizes, or if points left out are missed by 15 % (RMS).

    It explains what a step takes whatever its size; the crossover is not taken from it.
    """
    n, logs = np.asarray(sizes, float), np.log(np.asarray(times, float))
    if len(n) < 5:
        return None
    misses = []
    for place in range(len(n)):
        a, b, p = least_squares(np.delete(n, place), np.delete(logs, place))
        misses.append(np.log(a + b * n[place] ** p) - logs[place])
    explained = np.expm1(np.sqrt(np.mean(np.square(misses)))) <= FIT_ERROR
    return least_squares(n, logs)[0] if explained else None


def least_squares(n: "np.ndarray[tuple[int], np.dtype[np.float64]]", logs: object) -> tuple[float, float, float]:
    """(a, b, p) of a + b nᵖ whose logarithms are nearest to these.

    By a grid over p and w = b n₀ᵖ / T(n₀), the share of work at the smallest size, refined five times.

    In w, which runs over decades, and p the scale of T is the only other unknown, and has a closed form.
    """
    relative = n / np.min(n)
    p, w = np.linspace(0.05, 4, 40), np.linspace(-9, 0, 37)  # w by its decimal logarithm
    for _ in range(6):
        shape = np.log(1 - 10 ** w[:, None, None] + 10 ** w[:, None, None] * relative ** p[None, :, None])
        gaps = np.asarray(logs) - shape
        scale = gaps.mean(axis=-1, keepdims=True)
        row, column = np.unravel_index(np.argmin(np.square(gaps - scale).sum(axis=-1)), (len(w), len(p)))
        best_w, best_p, best_scale = w[row], p[column], np.exp(scale[row, column, 0])
        w = np.linspace(max(best_w - (w[1] - w[0]), -12), min(best_w + (w[1] - w[0]), 0), 11)
        p = np.linspace(max(best_p - (p[1] - p[0]), 0.01), best_p + (p[1] - p[0]), 11)
    share = 10**best_w
    return float(best_scale * (1 - share)), float(best_scale * share / np.min(n) ** best_p), float(best_p)
