"""The suite's own scheduler measures all chosen cells, interleaved; pytest-benchmark stores and tabulates its samples.

With ``--benchmark-only`` the cells are measured, once, before the first of them is reported. Without it, each case runs
once at its smallest size: a smoke test.
"""

import os
from collections.abc import Iterator
from dataclasses import replace

import pytest

from miniflow_xp.programs.bench.cases import Case, plan
from miniflow_xp.programs.bench.environment import machine
from miniflow_xp.programs.bench.record import Cell, Record
from miniflow_xp.programs.bench.run import run
from miniflow_xp.switch import available_backends, get_backend, set_backend


def pytest_addoption(parser):
    group = parser.getgroup("miniflow_xp")
    group.addoption("--backends", default=None, help="such as numpy,torch,jax,cupy; usual: MINIFLOW_BACKEND, or numpy")
    group.addoption("--budget", type=float, default=60.0, help="seconds for measuring; usual: 60")
    group.addoption("--cases", choices=["quick", "full"], default="quick", help="how many sizes; usual: quick")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    if not config.getoption("benchmark_only"):
        config.option.benchmark_disable = True  # a smoke test has no times to tabulate


def backends_of(config) -> list[str]:
    chosen = config.getoption("backends") or os.environ.get("MINIFLOW_BACKEND", "numpy")
    return [name.strip() for name in chosen.split(",")]


def cases_of(config) -> list[Case]:
    return [case for case in plan(config.getoption("cases")) if case.family != "memory"]


def id_of(case: Case | Cell) -> str:
    """In ASCII, without spaces, so that it can be typed after ``-k``."""
    streamed = "-streamed" if case.residence == "streamed" else ""
    return (
        f"{case.series}-{case.contestant}-{case.case}{streamed}".replace(", ", "_")
        .replace(" ", "_")
        .replace("→", "_to_")
    )


def pytest_generate_tests(metafunc):
    if {"cell", "backend_name"} <= set(metafunc.fixturenames):
        cases = cases_of(metafunc.config)
        if not metafunc.config.getoption("benchmark_only"):
            cases = smallest(cases)
        pairs = [(name, id_of(case)) for name in backends_of(metafunc.config) for case in cases if case.runs_on(name)]
        metafunc.parametrize(("backend_name", "cell"), list(dict.fromkeys(pairs)))


def smallest(cases: list[Case]) -> list[Case]:
    """The first case of each series, contestant and residence; without compilers, which take a minute."""
    found: dict[tuple[str, str, str | None], Case] = {}
    for case in cases:
        if not case.contestant.endswith(("torch.compile", ", compiled")):
            found.setdefault((case.series, case.contestant, case.residence), case)
    return list(found.values())


class Measured:
    """The run behind a session's benchmarks, made when the first of them asks."""

    def __init__(self, config, items) -> None:
        self.config, self.items = config, items
        self._run: Record | None = None

    @property
    def run(self) -> Record:
        if self._run is None:
            wanted = {item.callspec.params.get("cell") for item in self.items if hasattr(item, "callspec")}
            cases = [case for case in cases_of(self.config) if id_of(case) in wanted]
            families = {case.family for case in cases}
            cases += [case for case in plan(self.config.getoption("cases"), ("memory",)) if "step" in families]
            self._run = run(
                cases, backends_of(self.config), self.config.getoption("budget"), command="pytest benchmarks"
            )
        return self._run

    def cell(self, wanted: str, backend: str) -> Cell:
        """The cell of a case on a backend; its peak memory with it, where that was measured."""
        known = self.run.backends
        names = [name for name in known if name == backend or name.startswith(f"{backend}:")]
        if not names or not known[names[0]].usable:
            pytest.skip(known[names[0]].describe if names else f"backend {backend} was not measured")
        cells = [c for c in self.run.cells if c.backend == names[0]]
        found = next(c for c in cells if wanted == id_of(c))
        peaks = [c.peak_bytes for c in cells if c.family == "memory" and c.case == found.case]
        return replace(found, peak_bytes=peaks[0] if peaks and found.family == "step" else None)


@pytest.fixture(autouse=True)
def same_backend_afterwards():
    """Contestants choose a backend for their process; in a test run that process goes on."""
    before = get_backend()
    yield
    set_backend(before)


@pytest.fixture(scope="session")
def measured(request) -> Measured:
    return Measured(request.config, request.session.items)


@pytest.fixture
def smoke(request) -> bool:
    """Is this an ordinary test run, in which nothing is timed?"""
    return not request.config.getoption("benchmark_only")


@pytest.fixture
def case(request, cell) -> Case:
    return next(case for case in cases_of(request.config) if id_of(case) == cell)


@pytest.fixture
def usable(backend_name) -> Iterator[str]:
    """The backend, in use; skips where it cannot be."""
    from miniflow_xp import use_backend

    known = {a.name: a for a in available_backends()}
    name = backend_name.partition(":")[0]
    if name in known and not known[name].usable:
        pytest.skip(known[name].detail)
    with use_backend(backend_name):
        yield backend_name


def pytest_benchmark_update_machine_info(machine_info):
    machine_info["miniflow_xp"] = machine().to_json()
