"""Half-way all processes are fresh ones, if there is time for that; what cannot be prepared again is told."""

import random

import pytest
from simulation import Clock

from miniflow_xp.errors import WorkerError
from miniflow_xp.programs.bench.scheduler import Group
from miniflow_xp.programs.bench.sittings import in_sittings


class Process:
    backend = "made up"

    def __init__(self):
        self.number = 0
        self.prepared = set()

    def restart(self):
        self.number += 1
        self.prepared = set()


class Made:
    """Tells which process sampled it: 1 in the first, 2 in the second."""

    def __init__(self, name, worker, setup_s=0.0, place=None, error=""):
        self.name, self.worker, self.setup_s, self.error = name, worker, setup_s, error
        self.place = place or name
        worker.prepared.add(self.place)

    def prepare_again(self):
        if self.error:
            raise WorkerError("made up", self.error, "", "")
        assert self.place not in self.worker.prepared
        self.worker.prepared.add(self.place)

    def sample(self):
        assert self.place in self.worker.prepared
        return 1.0 + self.worker.number


def measured(groups, rounds=6, seconds=30.0, clock=None, **settings):
    return in_sittings(groups, rounds, seconds, random.Random(0), now=clock or Clock(), **settings)


@pytest.fixture
def worker():
    return Process()


def test_each_sitting_has_its_process_and_half_of_the_rounds(worker):
    found, second = measured([Group("g", [Made("a", worker), Made("b", worker)])])
    assert second == 3
    for name in "ab":
        assert found[name].samples == [1.0, 1.0, 1.0, 2.0, 2.0, 2.0]
        assert found[name].rounds == [0, 1, 2, 3, 4, 5]
        assert found[name].failed == ""


def test_an_odd_number_of_rounds_is_kept(worker):
    found, second = measured([Group("g", [Made("a", worker)])], rounds=5)
    assert (second, found["a"].rounds) == (2, [0, 1, 2, 3, 4])


def test_those_who_share_a_place_are_prepared_once(worker):
    twins = [Made("a", worker), Made("b", worker, place="a")]
    found, _ = measured([Group("g", twins)])
    assert found["b"].samples == [1.0, 1.0, 1.0, 2.0, 2.0, 2.0]


@pytest.mark.parametrize(
    "settings", [{"rounds": 1}, {"starting_s": 20.0}, {"seconds": 0.0}], ids=["one round", "slow to start", "no time"]
)
def test_one_sitting_where_a_second_is_not_worth_it(worker, settings):
    found, second = measured([Group("g", [Made("a", worker)])], **settings)
    assert second is None
    assert worker.number == 0
    assert len(found["a"].samples) in (0, 1, 6)


def test_the_time_of_preparing_counts_once_for_a_place(worker):
    cells = [Made("a", worker, 4.0), Made("b", worker, 4.0, place="a")]
    assert measured([Group("g", cells)]).second == 3  # 4 of 30 seconds are worth it, 8 are not
    assert measured([Group("g", [Made("c", worker, 4.0), Made("d", worker, 4.0)])]).second is None


def test_what_cannot_be_prepared_again_is_told_and_the_others_go_on(worker):
    cells = [Made("good", worker), Made("bad", worker, error="out of memory")]
    found, _ = measured([Group("g", cells), Group("h", [Made("twin", worker, place="bad", error="out of memory")])])
    assert len(found["good"].samples) == 6
    for name in ("bad", "twin"):
        assert found[name].failed == "out of memory"
        assert found[name].samples == [1.0, 1.0, 1.0]


def test_what_failed_in_the_first_sitting_is_not_asked_again(worker):
    class Failing(Made):
        def sample(self):
            assert self.worker.number == 0
            raise RuntimeError("first")

    found, _ = measured([Group("g", [Made("good", worker), Failing("bad", worker)])])
    assert found["bad"].failed == "RuntimeError: first"
    assert len(found["good"].samples) == 6


def test_the_time_is_shared_between_the_sittings(worker):
    clock = Clock()

    class Slow(Made):
        def sample(self):
            clock.work(0.02)
            return super().sample()

    found, second = measured([Group("g", [Slow("a", worker)])], rounds=1000, seconds=1.0, clock=clock)
    assert clock() <= 1.0
    early = sum(sample == 1.0 for sample in found["a"].samples)
    assert early == second
    assert early / len(found["a"].samples) == pytest.approx(0.5, abs=0.02)
