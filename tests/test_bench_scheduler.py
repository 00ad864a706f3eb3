"""The scheduler on a synthetic clock: order, balance, time, failures, warm-up."""

import random
from math import inf

import pytest
import simulation

from miniflow_xp.programs.bench.scheduler import Group, WarmUp, calls_for, interleave, warm_up


class Scripted:
    """Takes ``seconds``, notes when it was called, and raises ``error`` from its ``after``-th sample on."""

    def __init__(self, name, clock, log, seconds=1.0, error=None, after=0):
        self.name, self.clock, self.log, self.seconds = name, clock, log, seconds
        self.error, self.after, self.calls = error, after, 0

    def sample(self):
        self.log.append(self.name)
        self.calls += 1
        if self.error and self.calls > self.after:
            raise self.error
        return self.clock.work(self.seconds)


@pytest.fixture
def clock():
    return simulation.Clock()


@pytest.fixture
def log():
    return []


def run(groups, clock, rounds=6, until=inf, seed=0, progress=None):
    return interleave(groups, rounds, until, random.Random(seed), clock, progress)


def group(name, members, clock, log, **settings):
    return Group(name, [Scripted(name + member, clock, log, **settings) for member in members])


def test_there_and_back_in_turn(clock, log):
    run([group("", "ABC", clock, log)], clock, rounds=4)
    turns = ["".join(log[k : k + 3]) for k in range(0, 12, 3)]
    assert turns in (["ABC", "CBA"] * 2, ["CBA", "ABC"] * 2)


def test_start_is_drawn(clock):
    first = set()
    for seed in range(20):
        log = []
        run([group("", "AB", clock, log)], clock, rounds=1, seed=seed)
        first.add(log[0])
    assert first == {"A", "B"}


def test_groups_stay_together_and_change_their_order(clock, log):
    groups = [group(name, "AB", clock, log) for name in "wxyz"]
    run(groups, clock, rounds=8)
    pairs = [(a[0], b[0]) for a, b in zip(log[::2], log[1::2], strict=True)]
    assert all(a == b for a, b in pairs)
    orders = {tuple(a for a, _ in pairs[k : k + 4]) for k in range(0, 32, 4)}
    assert len(orders) > 2
    assert all(sorted(order) == list("wxyz") for order in orders)


def test_every_sample_has_its_round(clock, log):
    found = run([group("x", "AB", clock, log, seconds=2.0)], clock)
    assert found["xA"].samples == found["xB"].samples == [2.0] * 6
    assert found["xA"].rounds == found["xB"].rounds == [0, 1, 2, 3, 4, 5]


def test_seed_repeats_the_order(clock):
    logs = [[], []]
    for log in logs:
        run([group(name, "AB", clock, log) for name in "wxyz"], clock, seed=7)
    assert logs[0] == logs[1]


@pytest.mark.parametrize("until", [0.0, 1.0, 3.5, 7.0, 11.0])
def test_pairs_stay_whole_when_the_time_is_spent(clock, log, until):
    found = run([group(name, "AB", clock, log) for name in "xy"], clock, until=until)
    assert found["xA"].rounds == found["xB"].rounds
    assert found["yA"].rounds == found["yB"].rounds
    assert clock() <= until + 2.0  # nothing starts too late, but what has no estimate yet is tried
    assert sum(len(series.samples) for series in found.values()) == len(log)


def test_no_time_means_no_sample_and_no_failure(clock, log):
    found = run([group("x", "A", clock, log)], clock, until=0.0)
    assert found["xA"].samples == []
    assert found["xA"].failed == ""


def test_a_group_that_does_not_fit_gives_way_to_quicker_ones(clock, log):
    slow, quick = group("slow", "A", clock, log, seconds=10.0), group("quick", "A", clock, log, seconds=0.1)
    found = run([slow, quick], clock, rounds=100, until=19.0)
    assert len(found["slowA"].samples) == 1
    assert len(found["quickA"].samples) >= 80
    assert clock() <= 19.0


def test_a_stated_estimate_holds_before_the_first_round(clock, log):
    slow = group("slow", "A", clock, log, seconds=10.0)._replace(seconds=10.0)
    found = run([slow], clock, until=9.0)
    assert found["slowA"].samples == []
    assert clock() == 0.0


def test_who_raises_is_dropped_and_the_others_go_on(clock, log):
    failing = Scripted("bad", clock, log, error=MemoryError("no room for 8 GB"), after=2)
    found = run([Group("x", [failing, Scripted("good", clock, log)])], clock)
    assert found["bad"].failed == "MemoryError: no room for 8 GB"
    assert found["bad"].rounds == [0, 1]
    assert found["good"].rounds == [0, 1, 2, 3, 4, 5]
    assert log.count("bad") == 3


def test_control_c_ends_it(clock, log):
    with pytest.raises(KeyboardInterrupt):
        run([Group("x", [Scripted("a", clock, log, error=KeyboardInterrupt())])], clock)


def test_a_sample_without_length_is_a_failure(clock, log):
    assert "too few calls" in run([group("x", "A", clock, log, seconds=0.0)], clock)["xA"].failed


def test_names_are_unique(clock, log):
    with pytest.raises(ValueError, match="name"):
        run([group("", "A", clock, log), group("", "A", clock, log)], clock)


def test_progress_counts_to_the_end(clock, log):
    seen = []
    run([group(name, "A", clock, log) for name in "xy"], clock, 3, progress=lambda *what: seen.append(what))
    assert [(done, total) for done, total, _ in seen] == [(k, 6) for k in range(1, 7)]
    assert {name for _, _, name in seen} == {"x", "y"}


def test_a_drift_falls_on_both_alike():
    assert simulation.false_verdicts(500) <= 0.05 + 3 * (0.05 * 0.95 / 500) ** 0.5
    assert simulation.false_verdicts_one_after_the_other(500) > 0.5  # so the drift is one that would mislead


def step_of(clock, times):
    """A step that takes the next of these times, and the last of them for ever."""
    left = list(times)
    return lambda: clock.work(left.pop(0) if len(left) > 1 else left[0])


def test_first_call_stands_apart(clock):
    warm = warm_up(step_of(clock, [3.0, 0.01]), clock)
    assert warm.first_call_s == 3.0
    assert (warm.calls, warm.stable) == (3, True)
    assert warm.seconds_per_call == pytest.approx(0.01)


def test_warm_up_goes_on_while_times_fall(clock):
    falling = [1.0] + [0.01 * 0.8**k for k in range(20)]
    warm = warm_up(step_of(clock, falling), clock)
    assert warm.stable
    assert 12 < warm.calls < 60
    assert warm.seconds_per_call == pytest.approx(falling[-1], rel=0.3)


def test_warm_up_is_bounded(clock):
    noisy = random.Random(0)
    warm = warm_up(lambda: clock.work(noisy.choice([0.001, 0.01, 0.1])), clock, at_most_s=0.0)
    assert warm == WarmUp(warm.first_call_s, 0, False, warm.first_call_s)
    growing = iter(range(1, 10_000))
    before = clock()
    warm = warm_up(lambda: clock.work(1e-3 * 1.5 ** next(growing)), clock, at_most_s=1.0)
    assert not warm.stable
    assert clock() - before < 3.0  # one call may start just before the end; the last one takes half of all


def test_least_is_kept(clock):
    assert warm_up(lambda: clock.work(0.01), clock, least=9).calls == 9


@pytest.mark.parametrize(("seconds", "calls"), [(1.0, 1), (0.01, 2), (0.02, 1), (0.003, 7), (0.0, 1_000_000)])
def test_calls_fill_the_slice(seconds, calls):
    assert calls_for(seconds, 0.02) == calls
