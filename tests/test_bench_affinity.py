"""A run may be left with some of the cores, its workers with it, and gives the others back."""

import json
import os

import pytest

from miniflow_xp.__main__ import main
from miniflow_xp.errors import SettingError
from miniflow_xp.programs.bench.affinity import bound_to, usable_cores
from miniflow_xp.programs.bench.environment import machine
from miniflow_xp.programs.bench.worker import Worker

binds = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system does not bind to cores")
several = pytest.mark.skipif((usable_cores() or 1) < 2, reason="there is one core")


@binds
@several
def test_the_last_cores_are_left_and_the_others_given_back():
    before = os.sched_getaffinity(0)
    with bound_to(1):
        assert os.sched_getaffinity(0) == {max(before)}
        assert usable_cores() == machine().usable_cores == 1
        assert machine().cores == os.cpu_count()
    assert os.sched_getaffinity(0) == before
    with pytest.raises(ZeroDivisionError), bound_to(1):
        _ = 1 / 0
    assert os.sched_getaffinity(0) == before


@binds
@several
def test_thread_pools_of_a_worker_take_their_size_from_what_is_left():
    with bound_to(1):
        worker = Worker("numpy")
        try:
            blas = worker.ask("describe").blas
        finally:
            worker.close()
    assert {library["threads"] for library in blas} == {1}


@binds
def test_without_a_number_nothing_changes():
    before = os.sched_getaffinity(0)
    with bound_to(None):
        assert os.sched_getaffinity(0) == before


@pytest.mark.parametrize("cores", [0, -1, 1_000_000])
def test_more_than_there_are_is_refused(cores):
    with pytest.raises(SettingError, match="--cores"), bound_to(cores):
        pass


def test_a_system_that_cannot_bind(monkeypatch):
    for name in ("sched_setaffinity", "sched_getaffinity"):
        monkeypatch.delattr(os, name, raising=False)
    assert usable_cores() == os.cpu_count()
    with bound_to(None):
        pass
    with pytest.raises(SettingError, match="only Linux"), bound_to(1):
        pass


@binds
@several
def test_the_run_says_how_many_it_used(tmp_path, capsys):
    path = tmp_path / "run.json"
    settings = ["--budget", "100000", "--quick", "--backends", "numpy", "--family", "transfer", "--cores", "1"]
    with pytest.raises(SystemExit) as end:
        main(["bench", *settings, "-o", str(path)])
    assert not end.value.code
    assert json.loads(path.read_text())["environment"]["machine"]["usable_cores"] == 1
    assert f"The run used 1 of {os.cpu_count()} cores" in capsys.readouterr().out.replace("\n", " ")
