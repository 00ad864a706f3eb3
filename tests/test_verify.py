"""``verify-gpu`` without a GPU: each check in a process of its own, told and written at once, whatever goes wrong."""

import importlib.util
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from miniflow_xp import errors
from miniflow_xp.programs.verify import report, run
from miniflow_xp.programs.verify.apart import Check, run_check
from miniflow_xp.switch import load, use_backend

pytest_plugins = ["command_line"]  # the fixture cli

NAMES = ("fine", "raises", "crashes", "fine")


def made_up(number, name):
    return Check(number, name, f"made_up_checks:{name}", needs_gpu=False)


def no_gpu(choice):
    raise errors.NoDeviceError(choice, "no GPU in this test", "one is needed", "Find one")


@pytest.fixture
def made_up_checks(monkeypatch):
    monkeypatch.setattr(run, "CHECKS", [made_up(*one) for one in enumerate(NAMES, 1)])
    monkeypatch.setattr(run, "load", no_gpu)


def verify(*arguments, **settings):
    """What is printed, and whether all passed."""
    console = Console(file=io.StringIO(), width=150)
    passed = run.verify(console, *arguments, **settings)
    return console.file.getvalue(), passed


@pytest.mark.parametrize(
    ("name", "verdict", "figures", "note"),
    [
        ("fine", "passed", {"fine": 1.5}, ""),
        ("raises", "failed", {"told before": [1, "inf"]}, "ZeroDivisionError: slip"),
        ("crashes", "failed", {"told before": 2}, "its process ended (exit code 3)"),
        ("missing", "failed", {}, "AttributeError: module 'made_up_checks' has no attribute 'missing'"),
    ],
)
def test_whatever_goes_wrong_in_a_check_is_a_verdict_that_keeps_its_figures(name, verdict, figures, note):
    found = run_check(made_up(7, name), None)
    assert (found.number, found.name, found.verdict, found.figures, found.note) == (7, name, verdict, figures, note)


def test_a_check_that_hangs_is_ended():
    found = run_check(made_up(7, "hangs"), 0.5)
    assert (found.verdict, found.note) == ("not checked", "stopped after 0 s: no time left")


def test_each_verdict_is_printed_and_written_as_soon_as_it_is_there(made_up_checks, tmp_path, monkeypatch):
    seen = []

    def show(console, verdict):
        report.show(console, verdict)
        written = json.loads(file.read_text()) if file.exists() else {"checks": []}
        seen.append((console.file.getvalue().count(f"{verdict.number} {verdict.name}: "), len(written["checks"])))

    file = tmp_path / "figures.json"
    monkeypatch.setattr(run, "show", show)
    text, passed = verify(file)
    assert seen == [(1, before) for before in range(4)]
    assert passed is False
    assert "2 passed, 2 failed, 0 not checked." in text
    found = json.loads(file.read_text())
    assert found["finished"] is True
    assert [one["verdict"] for one in found["checks"]] == ["passed", "failed", "failed", "passed"]


def test_only_some_checks_in_the_order_asked_for(made_up_checks, tmp_path):
    text, passed = verify(tmp_path / "figures.json", only=run.parse_numbers(["4,1", "4"]))
    assert passed is True
    assert [one["number"] for one in json.loads((tmp_path / "figures.json").read_text())["checks"]] == [4, 1]
    assert "2 passed, 0 failed, 0 not checked." in text


def test_checks_that_the_budget_does_not_reach(made_up_checks):
    text, passed = verify(budget=0.0)
    assert passed is False
    assert text.count("no time left") == len(NAMES)


def test_one_check_gets_half_of_the_time_that_is_left_and_the_last_all(made_up_checks, monkeypatch):
    given = []

    def note(one, seconds):
        given.append(seconds)
        return report.Verdict(one.number, one.name, report.PASSED, 0.0, {}, "")

    monkeypatch.setattr(run, "run_check", note)
    monkeypatch.setattr(run.time, "perf_counter", lambda: 100.0)
    verify(budget=60.0)
    assert given == [30.0, 30.0, 30.0, 60.0]
    given.clear()
    verify()
    assert given == [None] * 4


def test_without_a_gpu_the_command_says_what_it_cannot_check(tmp_path, monkeypatch):
    pytest.importorskip("cupy", reason="the kernels are written by a module that imports CuPy")
    monkeypatch.setattr(run, "load", no_gpu)
    text, passed = verify(tmp_path / "figures.json")
    assert passed is False
    assert "no GPU in this test" in text
    assert text.count("needs a GPU") == 16
    first, second, *others = json.loads((tmp_path / "figures.json").read_text())["checks"]
    assert first["verdict"] == "passed"
    assert second["verdict"] in ("passed", "not checked")  # where CUDA's compiler is installed, and where it is not
    assert [one["verdict"] for one in others] == ["not checked"] * 16


def test_a_file_that_cannot_be_written_is_told_before_any_check(made_up_checks, tmp_path, monkeypatch):
    monkeypatch.setattr(run, "run_check", None)
    with pytest.raises(errors.SettingError, match="there is no folder"):
        verify(tmp_path / "none" / "figures.json")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only", "1,99"], "there is no check '99'"),
        (["--only", ""], "there is no check ''"),
        (["--budget", "1"], "it is 1 s"),
        (["--budget", "nan"], "it is nan s"),
    ],
)
def test_mistakes_are_one_message(arguments, message, cli):
    code, out, told = cli("verify-gpu", *arguments)
    assert (code, out) == (1, "")
    assert message in told


def test_every_check_is_there():
    assert [one.number for one in run.CHECKS] == [0, 0, *range(1, 17)]


@pytest.mark.parametrize(("setting", "expected"), [(None, "false"), ("true", "true")])
def test_jax_leaves_the_memory_of_a_gpu_to_others_unless_the_user_says_otherwise(setting, expected, monkeypatch):
    monkeypatch.delenv("XLA_PYTHON_CLIENT_PREALLOCATE", raising=False)
    if setting is not None:
        monkeypatch.setenv("XLA_PYTHON_CLIENT_PREALLOCATE", setting)
    assert run_check(made_up(1, "environment"), None).figures == {"XLA_PYTHON_CLIENT_PREALLOCATE": expected}
    assert os.environ.get("XLA_PYTHON_CLIENT_PREALLOCATE") == setting


@pytest.fixture
def played_peers(monkeypatch):
    """Check 15 with made-up peers at one size: how each is made, by name; each step takes a second."""
    pytest.importorskip("cupy", reason="the checks import CuPy")
    from miniflow_xp.programs.verify import peers

    size = (4, 3, 2)
    for name, value in (("SMALL", size), ("LARGE", size), ("SIZES", (size,)), ("PRECISIONS", ("float32",))):
        monkeypatch.setattr(peers, name, value)
    monkeypatch.setattr(peers, "free_memory", lambda: None)
    monkeypatch.setattr(peers, "step_of", lambda make, problem, backend: make(problem, backend))
    monkeypatch.setattr(peers, "seconds", lambda step, rounds, finish: 1.0)

    def check(**makers):
        """Those that make a step, by name; None: its backend is not there."""
        found = {name: ("numpy" if make else "not there", make) for name, make in makers.items()}
        monkeypatch.setattr(peers, "peers", lambda *_: found)
        return report.check(15, "peers", lambda figures: peers.check_peers(None, figures))

    return check


def there(problem, backend):
    return print


def broken(problem, backend):
    raise RuntimeError("an illegal address")


def test_a_peer_that_fails_is_told_and_the_others_are_measured(played_peers):
    found = played_peers(captured=there, one=broken, two=None, three=there)
    assert found.note == "float32 (4, 3, 2): one failed: RuntimeError: an illegal address"
    assert list(found.figures) == [f"float32 (4, 3, 2), {name}, µs" for name in ("captured", "three")]
    assert played_peers(captured=broken, three=there).note.endswith("captured failed: RuntimeError: an illegal address")
    assert played_peers(captured=there, two=None).verdict == "passed"


def test_every_step_of_check_15_is_there(monkeypatch):
    pytest.importorskip("cupy", reason="the checks import CuPy")
    from miniflow_xp.programs.bench.peers import step_of
    from miniflow_xp.programs.bench.peers.problem import Problem
    from miniflow_xp.programs.verify import peers

    monkeypatch.setattr(peers, "Eager", lambda device: "numpy")
    if importlib.util.find_spec("torch"):  # which compiles for a minute
        monkeypatch.setattr("torch.compile", lambda function, mode: function)
        monkeypatch.setattr("torch.compiler.cudagraph_mark_step_begin", lambda: None)
    for name, (choice, place) in peers.peers(load("numpy"), "float32", 64).items():
        library = choice.partition(":")[0] if isinstance(choice, str) else "numpy"
        if importlib.util.find_spec(library):
            with use_backend(library) as backend:
                assert float(step_of(place, Problem.of(4, 3, 2), backend)()) > 0, name


SCRIPT = Path(__file__).parent.parent / "benchmarks" / "on_gpu.sh"


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_the_script_for_a_gpu_says_what_it_has_no_time_for(tmp_path):
    settings = {**os.environ, "OUT": str(tmp_path / "out"), "PY": sys.executable}
    done = subprocess.run(["bash", SCRIPT, "0"], env=settings, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    summary = (tmp_path / "out" / "summary.txt").read_text().splitlines()
    assert summary == [f"{part}: no time left" for part in ("smoke", "verify", "functions", "bench", *["tests"] * 3)]
    assert sorted(os.listdir(tmp_path / "out")) == ["smoke.log", "summary.txt"]
