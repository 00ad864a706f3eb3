"""Ratios and verdicts: against tables and exact counts, and how often an interval holds the truth."""

import itertools
import random
from math import exp, inf, isclose, sqrt

import pytest

from miniflow_xp.programs.bench.statistics import (
    CONFIDENCE,
    Ratio,
    paired_ratio,
    quartiles,
    rank_sum_quantile,
    shift,
    signed_rank_quantile,
    steady,
    verdict,
)

TRIALS = 2000
CHANCE = 3 * sqrt(CONFIDENCE * (1 - CONFIDENCE) / TRIALS)  # three standard deviations of a share of so many trials


@pytest.mark.parametrize("pairs", range(1, 11))
def test_signed_rank_quantile_counts_all_signs(pairs):
    sums = [sum(chosen) for k in range(pairs + 1) for chosen in itertools.combinations(range(1, pairs + 1), k)]
    expected = max(k for k in range(len(sums)) if sum(t < k for t in sums) <= 0.025 * len(sums))
    assert signed_rank_quantile(pairs, 0.025) == expected


@pytest.mark.parametrize(("few", "many"), [(2, 3), (4, 4), (3, 7), (5, 6)])
def test_rank_sum_quantile_counts_all_orders(few, many):
    places = itertools.combinations(range(few + many), few)
    u = [sum(chosen) - few * (few - 1) // 2 for chosen in places]
    expected = max(k for k in range(len(u)) if sum(t < k for t in u) <= 0.025 * len(u))
    assert rank_sum_quantile(few, many, 0.025) == expected


def test_rank_sum_of_large_samples_is_close_to_the_exact_count():
    exact, approximate = rank_sum_quantile(50, 50, 0.025), rank_sum_quantile(50, 51, 0.025)
    assert exact < approximate < exact + 50  # one more sample adds half of 50 to the mean, less to the quantile


def test_ratio_of_exact_multiples_is_exact():
    ratio = paired_ratio([2.0 * t for t in (1, 5, 3, 2, 7, 4)], [1, 5, 3, 2, 7, 4])
    assert all(isclose(value, 2.0) for value in ratio[:3])
    assert ratio.pairs == 6


def test_few_pairs_have_no_interval():
    assert paired_ratio([1.0] * 5, [1.0] * 5) == Ratio(1.0, 0.0, inf, 5)
    assert shift([1.0] * 3, [1.0] * 3) == Ratio(1.0, 0.0, inf, 3)


def test_ratio_turned_round_is_its_reciprocal():
    rng = random.Random(0)
    a, b = ([exp(rng.gauss(0, 0.1)) for _ in range(9)] for _ in "ab")
    for measure in (paired_ratio, shift):
        there, back = measure(a, b), measure(b, a)
        assert isclose(there.estimate, 1 / back.estimate)
        assert isclose(there.low, 1 / back.high)


@pytest.mark.parametrize(("times", "reference"), [([], []), ([1.0], [0.0]), ([inf], [1.0]), ([-1.0], [1.0])])
def test_no_ratio_of_what_is_no_time(times, reference):
    with pytest.raises((ValueError, ZeroDivisionError)):
        paired_ratio(times, reference)


def test_pairs_must_be_whole():
    with pytest.raises(ValueError, match="shorter"):
        paired_ratio([1.0, 2.0], [1.0])


@pytest.mark.parametrize("measure", [paired_ratio, shift])
def test_interval_holds_the_truth_as_often_as_it_says(measure):
    rng = random.Random(0)

    def noise():
        return rng.expovariate(5)  # one-sided, as other work on a machine is

    held = 0
    for _ in range(TRIALS):
        ratio = measure([1.1 * exp(noise()) for _ in range(10)], [exp(noise()) for _ in range(10)])
        held += ratio.low <= 1.1 <= ratio.high
    assert CONFIDENCE - CHANCE <= held / TRIALS < 0.999


@pytest.mark.parametrize(
    ("ratio", "floor", "word"),
    [
        (Ratio(0.5, 0.4, 0.6, 16), 0.0, "wins"),
        (Ratio(2.0, 1.8, 2.2, 16), 0.0, "loses"),
        (Ratio(1.0, 0.97, 1.03, 16), 0.0, "tie"),
        (Ratio(0.97, 0.96, 0.98, 16), 0.0, "tie"),  # shown to be shorter, but by too little to matter
        (Ratio(0.9, 0.7, 1.1, 16), 0.0, "unclear"),
        (Ratio(0.93, 0.92, 0.94, 16), 0.0, "wins"),
        (Ratio(0.93, 0.92, 0.94, 16), 0.10, "tie"),  # an A/A run differs by as much
        (Ratio(0.93, 0.85, 0.99, 16), 0.10, "unclear"),
        (Ratio(0.5, 0.0, inf, 3), 0.0, "unclear"),
    ],
)
def test_verdicts(ratio, floor, word):
    assert verdict(ratio, floor) == word


def test_quartiles():
    assert quartiles([4, 1, 3, 2, 5]) == (2, 3, 4)
    assert quartiles([1, 2]) == (1.25, 1.5, 1.75)
    assert quartiles([7.0]) == (7.0, 7.0, 7.0)


def test_the_inverse_of_a_ratio():
    assert Ratio(2.0, 1.0, 4.0, 9).inverse == Ratio(0.5, 0.25, 1.0, 9)
    assert Ratio(2.0, 0.0, inf, 3).inverse == Ratio(0.5, 0.0, inf, 3)
    assert [Ratio(2.0, *ends, 3).bounded for ends in ((1.0, 4.0), (0.0, inf))] == [True, False]


@pytest.mark.parametrize(
    ("samples", "expected"), [([], True), ([1.0], True), ([1.0, 100.0], True), ([1.0, 101.0], False)]
)
def test_samples_that_lie_far_apart_are_not_steady(samples, expected):
    assert steady(samples) == expected
