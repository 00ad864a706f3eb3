"""A table at the end of a run: how many tests of each node passed on each backend in each dtype.

It counts the tests that have parameters named ``row``, ``dtype`` and ``backend``; a pseudo-backend has its own column.
"""

from collections import Counter
from collections.abc import Iterable

import pytest

KEY = "matrix"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Note on each test where it belongs; reports carry this, also from other processes."""
    for item in items:
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        if {"row", "dtype", "backend"} <= parameters.keys():
            target = parameters["backend"] + getattr(parameters.get("target"), "suffix", "")
            item.user_properties.append((KEY, (str(parameters["row"]), target, parameters["dtype"])))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    counts = {outcome: Counter(places(terminalreporter.stats.get(outcome, ()))) for outcome in ("passed", "skipped")}
    bad = [report for outcome in ("failed", "error", "xfailed") for report in terminalreporter.stats.get(outcome, ())]
    counts["failed"] = Counter(places(bad))
    found = list(dict.fromkeys(place for outcome in counts.values() for place in outcome))
    if not found:
        return
    terminalreporter.section("node × backend × dtype: tests passed (! failed or known to fail, s all skipped)")
    for line in table(found, counts):
        terminalreporter.write_line(line)


def places(reports: Iterable[pytest.TestReport]) -> list[tuple[str, str, str]]:
    """(row, target, dtype) of each report that has one."""
    return [tuple(value) for report in reports for key, value in getattr(report, "user_properties", ()) if key == KEY]


def table(found: list[tuple[str, str, str]], counts: dict[str, Counter[tuple[str, str, str]]]) -> list[str]:
    """One line a node, one column a target: float64 and float32, as ``39/39``."""
    rows, targets, dtypes = (list(dict.fromkeys(column)) for column in zip(*found, strict=True))
    dtypes.sort(reverse=True)  # processes may report in any order

    def cell(row: str, target: str) -> str:
        return "/".join(figure((row, target, dtype)) for dtype in dtypes)

    def figure(place: tuple[str, str, str]) -> str:
        passed, skipped, failed = (counts[outcome][place] for outcome in ("passed", "skipped", "failed"))
        return f"{passed}!{failed}" if failed else "s" if skipped and not passed else str(passed)

    lines = [[" / ".join(dtypes), *targets], *([row, *(cell(row, target) for target in targets)] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in lines]
