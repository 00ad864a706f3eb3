"""A run measures what it says: the file, what fails, what is skipped, memory, and the commands."""

import json
import math
import os
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from simulation import Clock, Device, made_up_cell

from miniflow_xp.__main__ import main
from miniflow_xp.errors import BuilderError, SettingError, WorkerError
from miniflow_xp.programs.bench import environment, report, workloads
from miniflow_xp.programs.bench.advise import advise, limit, parse_axis, pays, ratio_in_words, times
from miniflow_xp.programs.bench.builder import load_builder
from miniflow_xp.programs.bench.cases import Case, network, nodes, plan, steps, transfers
from miniflow_xp.programs.bench.cli import FAMILIES, chosen_backends, with_one_thread
from miniflow_xp.programs.bench.clock import timed
from miniflow_xp.programs.bench.controls import TIMES
from miniflow_xp.programs.bench.files import read_run
from miniflow_xp.programs.bench.peak import peak_bytes
from miniflow_xp.programs.bench.record import Record
from miniflow_xp.programs.bench.run import grouped, in_turns, run
from miniflow_xp.programs.bench.scheduler import Timings
from miniflow_xp.programs.bench.statistics import Ratio
from miniflow_xp.programs.bench.study import Study
from miniflow_xp.programs.bench.trial import AGREE, Trial, disagreement
from miniflow_xp.programs.bench.worker import SINGLE, Desk, Worker, in_words, sample
from miniflow_xp.programs.bench.workloads import Workload
from miniflow_xp.switch import get_backend, set_backend
from miniflow_xp.system.processes import ONE_THREAD

LONG = "100000"  # seconds that no run needs: the rounds end it, however busy the machine is
SMALL = [*steps((4, 16), (), ()), *transfers((1 << 12,)), *nodes((1 << 10,), (32,), ("Sigmoid", "Linear"))]
RUN_KEYS = {"format", "version", "created", "command", "mode", "budget_s", "seconds", "seed", "complete", "environment"}


def still():
    """A clock of a budget that is never spent."""
    return 0.0


class PlayedClock:
    """The clock of a budget, which moves by so much with each piece of progress, and the words of that progress."""

    def __init__(self, **seconds):
        self.now, self.seconds, self.told = 0.0, seconds, []

    def __call__(self):
        return self.now

    def progress(self, what, fraction):
        self.told.append(what)
        self.now += self.seconds.get(what.partition(" ")[0], self.seconds.get("otherwise", 0.0))


@pytest.fixture(scope="module")
def small_run():
    cases = [*SMALL, Case("memory", "memory", network(64), "batch")]
    return run(cases, ["numpy", "torch:none"], 20, rounds=6, now=still)


def test_a_run_holds_what_was_measured(small_run):
    written = small_run.to_json()
    assert Record.from_json(json.loads(json.dumps(written))) == small_run
    assert set(written) >= RUN_KEYS | {"backends", "ceilings", "control", "planted", "cells"}
    json.dumps(written, allow_nan=False)
    cells = [c for c in small_run.cells if c.family != "memory"]
    assert len(cells) == len(SMALL)
    for cell in cells:
        assert cell.state == "measured", cell.why
        assert cell.rounds == list(range(6))
        assert all(sample > 0 for sample in cell.samples)
        assert cell.error == 0  # of the reference to itself
        assert cell.first_call_s > 0
        assert cell.calls >= 1
    assert small_run.complete
    assert small_run.environment.machine.packages["numpy"] == np.__version__


def test_the_state_of_the_machine_is_written_before_and_after(small_run):
    environment = small_run.environment
    for state in (environment.before, environment.after):
        assert state.busy_cores is None or 0 <= state.busy_cores <= environment.machine.cores


def test_busy_cores_are_those_of_others(monkeypatch):
    told = iter([(100, 1000), (150, 1100)])
    monkeypatch.setattr(environment, "core_ticks", lambda: next(told))
    monkeypatch.setattr(environment.os, "cpu_count", lambda: 4)
    assert environment.busy_cores(0.0) == 2.0
    monkeypatch.setattr(environment, "core_ticks", lambda: None)
    assert environment.busy_cores(0.0) is None


def test_a_backend_that_cannot_be_used_is_told(small_run):
    assert small_run.backends["numpy:cpu"].usable
    assert small_run.backends["torch:none"].usable is False
    assert "torch" in small_run.backends["torch:none"].describe


def test_a_larger_batch_is_what_a_step_is_given(monkeypatch):
    fed = []
    monkeypatch.setattr(workloads.Trainer, "step", lambda _, feed: fed.append({a.shape for a in feed.values()}))
    for case in steps((4, 16), (), (), streamed=(64,)):
        workloads.workload(case, get_backend()).step()
    assert fed == [{(n, 128), (n, 1)} for n in (4, 16, 64)]


def test_a_single_step_is_captured_anew_each_time(model, monkeypatch):
    made = []
    trainer = workloads.Trainer
    monkeypatch.setattr(workloads, "Trainer", lambda *graph: made.append(graph) or trainer(*graph))
    for way, count in (("resident", 1), ("streamed", 1), ("once", 3)):
        made.clear()
        load = workloads.workload(Case("user", f"{model}:build", {"batch": 4}, "batch", residence=way), get_backend())
        for _ in range(3):
            load.step()
        assert (way, len(made)) == (way, count)


def test_the_controls_pair_round_by_round(small_run):
    (control,), (planted,) = small_run.control, small_run.planted
    assert len(control.a) == len(control.b) == 6 * TIMES
    assert planted.slowdown == 0.05
    assert len(planted.plain) == len(planted.slowed) == 6 * TIMES


def test_a_run_without_training_steps_has_controls_too():
    found = run(list(transfers((1 << 12,))), ["numpy"], 10, rounds=2, now=still)
    assert len(found.control) == len(found.planted) == 1
    assert len(found.control[0].a) == 2 * TIMES


def test_the_memory_of_a_step_is_at_least_its_parameters(small_run):
    (cell,) = [c for c in small_run.cells if c.family == "memory"]
    if cell.state == "skipped":
        pytest.skip(cell.why)
    assert cell.peak_bytes >= 2 * 128 * 128 * 4


class PlayedCupy:
    """As much of CuPy as tells memory: a pool that keeps what was freed and gives it out again before the device's."""

    def __init__(self):
        self.free = self.kept = 0
        self.cuda = SimpleNamespace(
            runtime=SimpleNamespace(deviceSynchronize=lambda: None, memGetInfo=lambda: (self.free, 0))
        )

    def get_default_memory_pool(self):
        return SimpleNamespace(free_all_blocks=self.free_all_blocks)

    def free_all_blocks(self):
        self.free, self.kept = self.free + self.kept, 0

    def step(self):
        self.free -= max(0, 1000 - self.kept)
        self.kept = max(1000, self.kept)


def test_what_a_pool_kept_of_the_step_before_is_not_missing_in_the_peak_of_the_next(monkeypatch):
    played = PlayedCupy()
    monkeypatch.setitem(sys.modules, "cupy", played)
    backend = SimpleNamespace(name="cupy", device="cuda:0")
    assert [peak_bytes(backend, played.step)["peak_bytes"] for _ in range(2)] == [1000, 1000]


def test_no_usable_backend_is_an_error():
    """NumPy on no device of its own: it is always installed."""
    with pytest.raises(WorkerError, match=r"device 'none' was asked for.*the first backend"):
        run(SMALL[:1], ["numpy:none"], 5)


def test_a_run_stops_on_the_clock_and_lists_what_it_did_not_come_to():
    clock = PlayedClock(preparing=0.3, measuring=0.05)
    found = run(plan("full"), ["numpy"], 6, now=clock, progress=clock.progress)
    assert found.seconds == clock() < 6.3  # a case that was begun is finished
    states = [c.state for c in found.cells]
    assert "measured" in states
    assert "skipped" in states
    assert not found.complete
    assert {c.why for c in found.cells if c.state == "skipped"} == {"the budget was spent"}


def test_every_family_is_seen_however_short_the_time_is():
    clock = PlayedClock(preparing=1.0)
    found = run(plan("quick"), ["numpy"], 30, rounds=2, now=clock, progress=clock.progress)
    seen = {c.family for c in found.cells if c.state == "measured"}
    assert seen | {"memory"} == set(FAMILIES)
    assert [c.why for c in found.cells if c.family == "memory"] != ["the budget was spent"]
    assert "the budget was spent" in {c.why for c in found.cells}
    planned = [(c.series, c.case, c.contestant) for c in plan("quick") if c.runs_on("numpy")]
    assert [(c.series, c.case, c.contestant) for c in found.cells] == planned  # as the plan has them


def test_starting_the_backends_takes_no_case_its_turn():
    clock = PlayedClock(starting=20.0, preparing=0.1)
    found = run(SMALL, ["numpy"], 30, rounds=2, now=clock, progress=clock.progress)
    assert {c.state for c in found.cells} == {"measured"}


def test_families_take_turns_and_those_that_start_processes_go_last():
    groups = [[SimpleNamespace(case=case)] for case in plan("quick", ("step", "memory", "transfer"))]
    turns = [(turn, one.case.family) for turn, (one,) in in_turns(groups)]
    assert turns[:5] == [(0, "step"), (0, "transfer"), (0, "memory"), (1, "step"), (1, "transfer")]
    assert sorted(family for _, family in turns) == sorted(one.case.family for (one,) in groups)


def test_disagreement_is_relative_to_the_largest_number():
    assert disagreement([np.array([1.0, 100.0])], [np.array([2.0, 100.0])]) == pytest.approx(0.01)
    assert disagreement([np.zeros(2)], [np.zeros(2)]) == 0
    assert not disagreement([np.array([np.nan])], [np.ones(1)]) <= AGREE
    assert not disagreement([np.ones(2)], [np.ones(1)]) <= AGREE
    assert not disagreement([np.ones(1)], [np.ones(1), np.ones(1)]) <= AGREE


def test_cases_are_told_apart_and_compared_with_their_like():
    for mode in ("quick", "full"):
        cases = plan(mode)
        assert len({(c.series, c.case, c.contestant, c.residence) for c in cases}) == len(cases)
        for group in grouped(cases):
            assert len({(c.series, c.case) for c in group}) == 1
    assert {c.family for c in plan("quick", ("node",))} == {"node"}


def test_the_clock_waits_for_the_device():
    now = iter(range(100))
    device = []

    def wait(result):
        device.append(result)

    def tick():
        return float(next(now))

    assert timed(lambda: "last", 3, wait, now=tick) == (2 / 3, 1 / 3)
    assert device == ["last"]
    timed(lambda: "each", 3, wait, each=True, now=tick)
    assert device == ["last", "each", "each", "each"]


@pytest.mark.parametrize("each", [True, False], ids=["every result", "the last result"])
@pytest.mark.parametrize("ask", [5e-6, 1e-3], ids=["the device works long", "the host asks long"])
def test_a_planted_slowdown_is_of_the_whole_time_also_where_the_host_only_asks(ask, each):
    def device_seconds(part):
        clock = Clock()
        device = Device(clock, ask)

        def wait(_):
            device.synchronize()

        def now():
            clock.work(1e-7)  # looking at it takes time, so that waiting in a loop ends
            return clock()

        load = Workload(lambda: device.launch(5e-4), 0, 0)
        return sample(load, 10, wait, each, part, now)[0]

    assert device_seconds(0.05) / device_seconds(0.0) == pytest.approx(1.05, abs=0.002)


def test_a_worker_tells_its_errors_and_lives_on():
    worker = Worker("numpy")
    try:
        with pytest.raises(WorkerError, match="KeyError"):
            worker.ask("sample", 99, 1)
        assert worker.ask("describe").name == "numpy:cpu"
    finally:
        worker.close()


def test_after_its_process_ended_a_worker_goes_on_with_a_fresh_one():
    worker = Worker("numpy")
    try:
        trial = Trial(SMALL[0], worker, "numpy:cpu")
        trial.prepare()
        assert trial.sample() > 0
        worker._process.kill()
        with pytest.raises(WorkerError, match=r"process ended \(exit code -9\)"):
            worker.ask("describe")
        assert worker.prepared == set()
        assert trial.sample() > 0  # prepared again
    finally:
        worker.close()


class Untrained:
    """A worker whose steps return what is told, without training."""

    backend = "made up"

    def __init__(self, costs):
        self.costs, self.prepared = costs, set()

    def ask(self, *question):
        return {"seconds": 1.0, "results": [[np.array([cost])] for cost in self.costs] if self.costs else None}


@pytest.mark.parametrize(
    ("costs", "why"),
    [
        ((1.0, 0.999), ""),
        ((1.0, 0.99902), ""),  # rounding
        ((1.0, 1.0), "what its steps change differs"),  # no update, though the costs agree to a part in a thousand
        ((1.0, 1.001), "what its steps change differs"),  # uphill
        ((1.0, 0.9), "its results differ"),
        ((1.0, math.nan), "its results differ"),
        ((), ""),  # it has no results
    ],
)
def test_a_step_that_trains_nothing_is_a_failure_and_no_figure(costs, why):
    trial, reference = (Trial(SMALL[0], Untrained(c), "made up") for c in (costs, (1.0, 0.999)))
    for one in (trial, reference):
        one.prepare()
    trial.agree_with(reference)
    assert (trial.state == "failed") == bool(why)
    assert trial.why.startswith(why or "the budget")


@pytest.mark.parametrize(
    ("warm", "samples", "stable"),
    [(True, [1.0, 2.0], True), (True, [1.0, 101.0], False), (False, [1.0, 2.0], False), (True, [], True)],
)
def test_samples_that_lie_a_hundredfold_apart_are_not_stable(warm, samples, stable):
    trial = Trial(SMALL[0], Untrained(()), "made up")
    trial.facts = {"stable": warm}
    assert trial.cell(Timings(samples, list(range(len(samples)))), synchronous=True).stable is stable


def test_the_results_of_a_slow_step_are_compared_too(monkeypatch):
    monkeypatch.setattr("miniflow_xp.programs.bench.worker.WARM_AT_MOST", 0.0)
    before = get_backend()
    try:
        first, last = Desk("numpy").prepare(0, SMALL[0])["results"]
    finally:
        set_backend(before)
    assert first[0] > last[0]


def test_a_worker_that_does_not_answer_is_ended():
    worker = Worker("numpy", patience=0.01)
    try:
        with pytest.raises(WorkerError, match="no answer"):
            worker.ask("ceilings", "float32", 60.0)
    finally:
        worker.close()


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("x"),
        RuntimeError("CUDA out of memory. Tried"),
        RuntimeError("Out of memory"),
        RuntimeError("can't allocate memory: you"),
    ],
)
def test_running_out_of_memory_is_told_by_that_name(error):
    assert in_words(error) == "out of memory"


# Files


def test_files_are_refused_with_the_reason(tmp_path):
    cases = {"no.json": None, "text.json": "{", "list.json": "[]", "other.json": '{"format": "x"}'}
    cases["new.json"] = '{"format": "miniflow_xp bench", "version": 2}'
    for name, text in cases.items():
        if text is not None:
            (tmp_path / name).write_text(text)
        with pytest.raises(SettingError, match=name):
            read_run(tmp_path / name)


# Advice

MODEL = """
import numpy as np
import miniflow_xp as mf

def build(batch):
    X, y = mf.Input("X"), mf.Input("y")
    W = mf.Parameter(np.ones((8, 1), "float32"))
    return mf.MSE(y, mf.MatMul(X, W)), {X: np.ones((batch, 8), "float32"), y: np.zeros((batch, 1), "float32")}

def wrong(batch):
    return 3

number = 3
"""


@pytest.fixture
def model(tmp_path):
    path = tmp_path / "model.py"
    path.write_text(MODEL)
    return path


def test_advice_on_a_graph_of_ones_own(model):
    pytest.importorskip("torch")
    advice, study, found = advise(f"{model}:build", "batch", [1, 4, 16], ["numpy", "torch"], 100, 60, now=still)
    assert [(a.candidate, a.way) for a in advice] == [("torch", way) for way in ("resident", "streamed", "once")]
    for one in advice:
        assert one.sentence.startswith("torch against numpy")
        assert set(one.crossover.measured) >= {1, 4, 16}
        assert "is limited by" not in one.sentence or one.way != "once"
    measured = [c for c in found.cells if c.state == "measured"]
    assert {c.axes["batch"] for c in measured} >= {1, 4, 16}
    assert all(math.isfinite(s) for c in measured for s in c.samples)
    for pairs in (found.control, found.planted):
        assert {pair.backend for pair in pairs} == {"numpy:cpu", "torch:cpu"}
    assert list(times(study, 100)[0]) == sorted({n for way, n in study.cells if way == "resident"})
    read = Record.from_json(json.loads(json.dumps(found.to_json(), allow_nan=False)))
    page = report.build([read], ["advice.json"])
    assert "torch:cpu against numpy:cpu" in page
    assert "Not measured" not in page[: page.index("<h2>")]


def test_what_is_paid_once_is_start_upload_and_what_the_first_call_takes_more():
    assert paid_once(made_up_cell([1.0, 3.0, 2.0], first_call_s=10.0)) == 8.0
    assert paid_once(made_up_cell([1.0], first_call_s=0.5)) == 0.0
    assert paid_once(made_up_cell([1.0], first_call_s=2.0, upload_s=0.5), start_s=3.0) == 4.5


def paid_once(cell, start_s=0.0):
    """On a backend that takes so long to start."""
    session = SimpleNamespace(participants={cell.backend: SimpleNamespace(start_s=start_s)})
    return Study("model.py:build", "batch", session, 0.0, 0, still, still).once_s(cell)


def test_when_it_pays():
    later = 10.0  # seconds; a step saves one
    assert "caught up after 10 steps: for 20, it pays" in pays(later, 1.0, 20)
    assert "after 10 steps: for 9, it does not pay" in pays(later, 1.0, 9)
    assert pays(-later, 0.5, 1) == "It pays from the first step on."


@pytest.mark.parametrize(
    ("ratio", "said"),
    [
        (Ratio(13.24, 0.0, math.inf, 3), "13.24× slower (too few pairs for an interval), 3 pairs"),
        (Ratio(0.5, 0.0, math.inf, 1), "2.00× faster (too few pairs for an interval), 1 pair"),
        (Ratio(0.5, 0.25, 1.0, 9), "2.00× faster (1.00–4.00), 9 pairs"),
        (Ratio(2.0, 1.0, 4.0, 9), "2.00× slower (1.00–4.00), 9 pairs"),
    ],
)
def test_a_ratio_without_an_interval_says_so(ratio, said):
    assert ratio_in_words(ratio) == said


def test_numpy_is_tried_on_one_blas_thread_too(monkeypatch):
    for variable in ONE_THREAD:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("miniflow_xp.programs.bench.cli.usable_cores", lambda: 2)
    assert with_one_thread(["numpy", "jax"]) == ["numpy", "numpy on one thread", "jax"]
    assert with_one_thread(["torch", "numpy:cpu"]) == ["torch", "numpy:cpu", "numpy:cpu on one thread"]
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    assert with_one_thread(["numpy"]) == ["numpy"]
    monkeypatch.delenv("OPENBLAS_NUM_THREADS")
    monkeypatch.setattr("miniflow_xp.programs.bench.cli.usable_cores", lambda: 1)
    assert with_one_thread(["numpy"]) == ["numpy"]


def test_a_worker_on_one_thread_leaves_the_others_as_they_are(monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "2")
    told = []
    for name in ("numpy" + SINGLE, "numpy"):
        worker = Worker(name)
        try:
            told.append(worker.ask("describe"))
        finally:
            worker.close()
    assert [one.name for one in told] == ["numpy:cpu on one thread", "numpy:cpu"]
    assert [{library["threads"] for library in one.blas} for one in told] in ([{1}, {2}], [set(), set()])
    assert os.environ["OPENBLAS_NUM_THREADS"] == "2"


def played(found):
    """A Study of a made-up backend, whose time is spent: {(way, size): what was measured}."""
    study = Study("model.py:build", "batch", None, -1.0, 0, still, still)
    study.cells = {key: {"it": one} for key, one in found.items()}
    return study


@pytest.mark.parametrize(
    ("seconds", "device_s", "what"),
    [
        ({1: 1e-3, 64: 1.2e-3}, None, "launches"),
        ({1: 1e-3, 64: 30e-3}, None, "products"),
        ({1: 1e-3, 64: 1.2e-3}, 1.1e-3, "products"),  # by its own clock the device works all the time
        ({1: 1e-3, 64: 30e-3}, 1e-3, "launches"),
        ({48: 1e-3, 64: 1.2e-3}, None, ""),  # that near to each other, both may be
        ({64: 1e-3}, None, ""),
    ],
)
def test_what_limits_a_step(seconds, device_s, what):
    found = {("resident", n): made_up_cell([s], first_call_s=s, device_s=device_s) for n, s in seconds.items()}
    said = limit(played(found), "resident", "it", 64)
    assert f"limited by {what}" in said if what else said == ""
    found["streamed", 64] = made_up_cell([3 * seconds[64]], first_call_s=1.0)
    assert "limited by transfers" in limit(played(found), "streamed", "it", 64)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model.py", "not of the form"),
        ("none.py:build", "no file"),
        ("{model}:missing", "no function 'missing'"),
        ("{model}:number", "no function 'number'"),
    ],
)
def test_builders_that_do_not_exist(model, text, message):
    with pytest.raises(BuilderError, match=message):
        load_builder(text.format(model=model))


BESIDE = """
from __future__ import annotations
from dataclasses import dataclass
from beside_the_builder import rate

@dataclass
class Settings:
    rate: float = rate

def build(batch):
    return Settings().rate * batch
"""


def test_a_builders_file_is_run_as_a_script_is(tmp_path):
    (tmp_path / "beside_the_builder.py").write_text("rate = 2\n", encoding="utf-8")
    (tmp_path / "of_the_user.py").write_text(BESIDE, encoding="utf-8")
    assert load_builder(f"{tmp_path / 'of_the_user.py'}:build")(batch=3) == 6


def test_a_builders_file_that_ends_the_process_is_told(tmp_path):
    (tmp_path / "ends.py").write_text("raise SystemExit(3)", encoding="utf-8")
    with pytest.raises(BuilderError, match="raises SystemExit: 3"):
        load_builder(f"{tmp_path / 'ends.py'}:build")


def test_builders_that_cannot_be_called(model):
    with pytest.raises(BuilderError, match="width"):
        advise(f"{model}:build", "width", [1, 4], ["numpy"], 1, 5, now=still)
    for backends in (["numpy"], ["numpy", "strict"]):
        with pytest.raises(WorkerError, match="returned a int"):
            advise(f"{model}:wrong", "batch", [1, 4], backends, 1, 20, now=still)


def test_advice_keeps_to_its_time(model):
    clock = PlayedClock(otherwise=1.0)
    sizes, backends = [1, 4, 16, 64], ["numpy", "strict"]
    _, study, _ = advise(f"{model}:build", "batch", sizes, backends, 10, 5, progress=clock.progress, now=clock)
    assert clock() <= 5 + 1  # the size that was begun is finished
    measured = {key for key, found in study.cells.items() if found}
    assert ("resident", 1) in measured
    assert measured < study.cells.keys()


def test_one_size_that_ends_the_process_does_not_take_the_others_with_it(tmp_path):
    path = tmp_path / "deadly.py"
    deadly = "def build(batch):\n    import os, signal\n    if batch > 4:\n        os.kill(os.getpid(), signal.SIGKILL)"
    path.write_text(MODEL.replace("def build(batch):", deadly))
    advice, study, _ = advise(f"{path}:build", "batch", [1, 4, 16], ["numpy", "strict"], 10, 30, now=still)
    for one in advice:
        assert set(one.crossover.measured) >= {1, 4}
        assert "its process ended (exit code -9): out of memory, maybe at 16" in one.crossover.why
    failed = {key[1] for key, found in study.cells.items() for cell in found.values() if not cell.measured}
    assert failed == {16}


def test_a_single_backend_is_measured_too(model):
    advice, study, found = advise(f"{model}:build", "batch", [1, 4], ["numpy"], 10, 20, now=still)
    assert advice == []
    assert list(times(study, 10)[0]) == [1, 4]
    assert {c.state for c in found.cells} == {"measured"}


def test_the_reference_must_be_usable_and_each_is_measured_once(model):
    with pytest.raises(WorkerError, match="the first backend"):
        advise(f"{model}:build", "batch", [1, 4], ["torch:none", "numpy"], 10, 20)
    with pytest.raises(SettingError, match="numpy:cpu twice"):
        run(SMALL[:1], ["numpy", "numpy:cpu"], 10)


def test_axes():
    assert parse_axis("batch=1:100") == ("batch", [1, 4, 16, 64, 100])
    for bad in ("batch", "batch=5", "batch=9:3", "batch=4:4", "batch=0:5", "1=2:3", "batch=a:b"):
        with pytest.raises(SettingError, match="--axis"):
            parse_axis(bad)


# The commands

THIRD = """
import miniflow_xp.backends.numpy.adapter as ours

class AnotherBackend(ours.NumpyBackend):
    name = "another"
"""


def test_a_third_partys_backend_takes_part_without_being_named(tmp_path, monkeypatch):
    (tmp_path / "another_library.py").write_text(THIRD)
    information = tmp_path / "another_library-0.1.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: another-library\nVersion: 0.1\n")
    (information / "entry_points.txt").write_text(
        "[miniflow_xp.backends]\nanother = another_library:AnotherBackend\nabsent = not_installed:Backend\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    names = chosen_backends(None)
    assert "another" in names
    assert not {"absent", "strict"} & set(names)
    found = run(SMALL[:1], ["numpy", "another"], 20, rounds=2, now=still)
    assert [(c.backend, c.state) for c in found.cells] == [
        ("numpy:cpu", "measured"),
        ("another:cpu", "measured"),
    ]


@pytest.fixture
def command(capsys):
    """``miniflow-xp`` with these arguments: exit code, what it printed, and what it complained of."""

    def run_main(*arguments):
        try:
            code = main(arguments)
        except SystemExit as end:
            code = end.code or 0
        return code, *capsys.readouterr()

    return run_main


def test_bench_report_compare_as_commands(tmp_path, command, monkeypatch):
    monkeypatch.setitem(run.__kwdefaults__, "rounds", 8)
    first, second, page = (tmp_path / name for name in ("a.json", "b.json", "report.html"))
    settings = ("--budget", LONG, "--quick", "--backends", "numpy", "--family", "transfer")
    code, out, err = command("bench", *settings, "-o", str(first))
    assert (code, err) == (0, "")
    assert "Written to" in out
    second.write_text(first.read_text())  # a run on the same machine, whatever else that does meanwhile
    code, _, err = command("report", str(first), str(second), "-o", str(page))
    assert (code, err) == (0, "")
    assert page.stat().st_size < 500_000
    code, out, err = command("compare", str(first), str(second))
    assert (code, err) == (0, "")
    assert "SAME" in out or "UNCLEAR" in out
    assert "SLOWER" not in out
    slow = json.loads(second.read_text())
    for cell in slow["cells"]:
        cell["samples"] = [9 * s for s in cell["samples"]]
    second.write_text(json.dumps(slow))
    code, out, _ = command("compare", str(first), str(second), "--fail", "5%")
    assert code == 1
    assert "SLOWER" in out


def test_advise_as_a_command(tmp_path, model, command):
    found = tmp_path / "advice.json"
    code, out, _ = command(
        "advise",
        f"{model}:build",
        "--axis",
        "batch=1:4",
        "--backends",
        "numpy,strict",
        "--budget",
        LONG,
        "-o",
        str(found),
    )
    assert code == 0
    trust, *others = out.splitlines()
    assert trust.startswith("Trust: ")
    good = trust == "Trust: good."
    verdicts = [line for line in others if " against " in line or " use " in line]
    assert any("strict against numpy, data on the device" in line for line in verdicts)
    assert [line.startswith("Not to be relied on: ") for line in verdicts] == [not good] * len(verdicts)
    in_a_row = " ".join(out.split())  # the title of a narrow table takes two lines
    assert in_a_row.index("A training step is one of your own graph") < in_a_row.index("a step, data on the device")
    assert out.count("* the shortest") == 2
    assert "…" not in out  # no name of a column is cut
    single = bool(with_one_thread(["numpy"])[1:])
    assert ("numpy on one thread against numpy, data on the device" in out) == single
    assert ("numpy:cpu on one thread" in read_run(found).backends) == single
    assert {c.family for c in read_run(found).cells} == {"user"}
    code, _, err = command("report", str(found), "-o", str(tmp_path / "advice.html"))
    assert (code, err) == (0, "")


def test_what_a_worker_can_be_asked():
    before = get_backend()
    try:
        desk = Desk("numpy")
        assert desk.describe().synchronous
        for key, case in enumerate(SMALL):
            facts = desk.prepare(key, case)
            assert all(np.isfinite(r).all() for results in facts["results"] for r in results)
            seconds, host = desk.sample(key, 3)
            assert 0 < host <= seconds
            desk.drop(key)
        assert "peak_bytes" in desk.peak(Case("memory", "memory", network(4), "batch"))
    finally:
        set_backend(before)


@pytest.mark.parametrize(
    "arguments",
    [
        ["bench", "--quick", "--full"],
        ["bench", "--budget", "1"],
        ["bench", "--budget", "inf"],
        ["advise", "model.py:build", "--budget", "-5"],
        ["advise", "model.py:build", "--cores", "1000000"],
        ["bench", "--backends", "numpy,troch"],
        ["bench", "--family", "nodes"],
        ["bench", "--backends", ","],
        ["bench", "--cores", "0"],
        ["bench", "--cores", "1000000"],
        ["bench", "-o", "/nowhere/run.json"],
        ["report", "/nowhere/run.json"],
        ["compare", "/nowhere/a.json", "/nowhere/b.json"],
        ["advise", "/nowhere/model.py:build"],
        ["advise", "model.py:build", "--axis", "batch"],
    ],
)
def test_mistakes_are_one_message(arguments, command):
    code, _, err = command(*arguments)
    assert code == 1
    assert err.startswith("Error: ")
