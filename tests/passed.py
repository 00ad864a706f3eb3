"""A second run takes what a first one could not: ``--record-passed FILE`` in the first, ``--not-yet-passed FILE`` then.

The file holds the ids of the tests that passed, one a line.
"""

from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("miniflow_xp")
    group.addoption("--record-passed", metavar="FILE", type=Path, help="write the ids of the tests that pass")
    group.addoption("--not-yet-passed", metavar="FILE", type=Path, help="leave out the tests whose ids are in the file")


def pytest_configure(config: pytest.Config) -> None:
    file = config.getoption("record_passed")
    if file and not hasattr(config, "workerinput"):  # a worker of xdist sends its reports to the process that records
        config.pluginmanager.register(Recorder(file))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if file := config.getoption("not_yet_passed"):
        passed = set(file.read_text("utf-8").splitlines())
        config.hook.pytest_deselected(items=[item for item in items if item.nodeid in passed])
        items[:] = [item for item in items if item.nodeid not in passed]


class Recorder:
    """Writes what passed when the run is over."""

    def __init__(self, file: Path) -> None:
        self.file, self.passed = file, []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.passed:
            self.passed.append(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        self.file.write_text("".join(f"{node}\n" for node in self.passed), "utf-8")
