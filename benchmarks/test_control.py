"""Can this suite be believed? A step beside itself is a tie, and one that is slowed by 5 % on purpose is found."""

import pytest

from miniflow_xp.programs.bench.statistics import paired_ratio

ENOUGH = 16  # pairs for a difference of 5 %
SLACK = 0.05  # an A/A pair further apart than what is to be found makes the run worthless


@pytest.fixture
def run_of(smoke, measured):
    if smoke:
        pytest.skip("nothing is timed in an ordinary test run: use --benchmark-only")
    return measured.run


def test_a_step_is_as_quick_as_itself(benchmark, run_of):
    benchmark.pedantic(lambda: None)
    for pair in run_of.control:
        ratio = paired_ratio(pair.a, pair.b)
        assert ratio.low < 1 + SLACK, pair.backend
        assert ratio.high > 1 / (1 + SLACK), pair.backend


def test_a_planted_slowdown_is_found(benchmark, run_of):
    benchmark.pedantic(lambda: None)
    for pair in run_of.planted:
        if len(pair.plain) < ENOUGH:
            pytest.skip(f"{len(pair['plain'])} pairs are too few: give it more time by --budget")
        ratio = paired_ratio(pair.slowed, pair.plain)
        assert ratio.low > 1, pair.backend
