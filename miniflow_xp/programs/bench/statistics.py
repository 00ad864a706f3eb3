"""Ratios of paired times, with intervals that hold whatever the distribution of the noise, and verdicts on them."""

from bisect import bisect_right
from collections.abc import Sequence
from functools import cache
from itertools import accumulate
from math import comb, exp, inf, isfinite, log, sqrt
from statistics import NormalDist, median, quantiles
from typing import NamedTuple

CONFIDENCE = 0.95
TAIL = (1 - CONFIDENCE) / 2
MOST_EXACT = 2500  # products of sample counts above this take the normal approximation
TIE = 0.05  # a ratio within 5 % of 1 is a tie, if its interval is
UNSTEADY = 100  # samples of one step that lie farther apart were taken on a machine that did something else


class Ratio(NamedTuple):
    """time / reference: the estimate, its interval, and the number of pairs.

    ``low`` is 0 and ``high`` infinite where there are too few pairs for an interval.
    """

    estimate: float
    low: float
    high: float
    pairs: int

    @property
    def bounded(self) -> bool:
        """True if there were enough pairs for an interval."""
        return self.low > 0 and isfinite(self.high)

    @property
    def inverse(self) -> "Ratio":
        """reference / time."""
        low, high = (1 / self.high, 1 / self.low) if self.bounded else (0.0, inf)
        return Ratio(1 / self.estimate, low, high, self.pairs)


def paired_ratio(times: Sequence[float], reference: Sequence[float]) -> Ratio:
    """exp of the Hodges–Lehmann estimate of log(time / reference), with Wilcoxon's interval; pairs are of one round.

    Hodges and Lehmann, Annals of Mathematical Statistics 34 (1963) 598; Hollander and Wolfe, Nonparametric Statistical
    Methods, section 3.3. Raises ValueError unless there are as many times as references, at least one, all positive.
    """
    logs = [log(a / b) for a, b in zip(times, reference, strict=True)]
    if not logs or not all(map(isfinite, logs)):
        raise ValueError("a ratio needs pairs of positive times")
    averages = sorted((logs[i] + logs[j]) / 2 for i in range(len(logs)) for j in range(i, len(logs)))
    return ratio_from(averages, signed_rank_quantile(len(logs), TAIL), len(logs))


def ratio_from(logs: Sequence[float], outside: int, pairs: int) -> Ratio:
    """The median of ascending logarithms, and an interval outside of which so many lie on either side; 0 for none."""
    low, high = (exp(logs[outside - 1]), exp(logs[-outside])) if outside else (0.0, inf)
    return Ratio(exp(median(logs)), low, high, pairs)


@cache
def signed_rank_quantile(pairs: int, tail: float) -> int:
    """The largest k with P(T < k) ≤ tail, for Wilcoxon's signed-rank statistic T of so many pairs; 0 where none is."""
    counts = [1]  # counts[t]: subsets of the ranks 1 … n whose sum is t
    for rank in range(1, pairs + 1):
        counts = [
            (counts[t] if t < len(counts) else 0) + (counts[t - rank] if t >= rank else 0)
            for t in range(len(counts) + rank)
        ]
    return quantile(counts, tail * 2**pairs)


def quantile(counts: Sequence[int], most: float) -> int:
    """The largest k of which the first k counts add up to no more than that."""
    return bisect_right(list(accumulate(counts)), most)


def shift(times: Sequence[float], reference: Sequence[float]) -> Ratio:
    """exp of the Hodges–Lehmann shift of log times, with the Mann–Whitney interval; the samples are not pairs.

    Hollander and Wolfe, Nonparametric Statistical Methods, section 4.3. 0 and infinity where no interval exists.
    """
    differences = sorted(log(a / b) for a in times for b in reference)
    few, many = sorted((len(times), len(reference)))
    return ratio_from(differences, rank_sum_quantile(few, many, TAIL), few)


@cache
def rank_sum_quantile(few: int, many: int, tail: float) -> int:
    """The largest k with P(U < k) ≤ tail, for the Mann–Whitney statistic U of two such samples; 0 where none is."""
    if few * many > MOST_EXACT:
        deviation = sqrt(few * many * (few + many + 1) / 12)
        return max(0, int(few * many / 2 - NormalDist().inv_cdf(1 - tail) * deviation))
    counts = [1] + [0] * (few * many)  # counts[u]: of the orders of both samples, those with U = u; Gauss's binomial
    for i in range(1, few + 1):
        for u in range(few * many, many + i - 1, -1):
            counts[u] -= counts[u - many - i]
        for u in range(i, few * many + 1):
            counts[u] += counts[u - i]
    return quantile(counts, tail * comb(few + many, few))


def verdict(ratio: Ratio, floor: float = 0.0) -> str:
    """One of wins (the time is shorter than the reference), loses, tie, unclear; ``floor`` is the noise of an A/A run.

    A win must clear the floor; a tie lies within TIE, or within the floor where that is wider.
    """
    width = max(floor, TIE)
    if ratio.high < 1 / (1 + floor) and ratio.estimate < 1 / (1 + TIE):
        return "wins"
    if ratio.low > 1 + floor and ratio.estimate > 1 + TIE:
        return "loses"
    if 1 / (1 + width) <= ratio.low and ratio.high <= 1 + width:
        return "tie"
    return "unclear"


def steady(samples: Sequence[float]) -> bool:
    """True if the longest sample is within UNSTEADY times the shortest."""
    return max(samples, default=0.0) <= UNSTEADY * min(samples, default=0.0)


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """First quartile, median and third quartile, by linear interpolation."""
    first, middle, third = quantiles(values, n=4, method="inclusive") if len(values) > 1 else [*values] * 3
    return first, middle, third
