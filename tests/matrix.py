"""Tables at the end of a run: how many tests of each node, and of each array function, passed on each backend.

For nodes, in each dtype: the tests that have parameters named ``row``, ``dtype`` and ``backend``; a pseudo-backend has
its own column. For array functions, of each kind: the tests of ``test_array_functions`` that are named in CHECKS.
"""

from collections import Counter
from collections.abc import Iterable

import pytest

CHECKS = {
    "test_the_value_is_that_of_the_library": "value",
    "test_first_derivative": "first",
    "test_second_derivative": "second",
    "test_captured_it_is_the_same": "captured",
}
MATRICES = {  # what is noted on a test: the title, and the order of the figures in a cell
    "nodes": ("node × backend × dtype", ("float64", "float32")),
    "functions": ("array function × backend × check", tuple(CHECKS.values())),
}
Place = tuple[str, str, str]
"""Row, column, and which of the figures in a cell."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Note on each test where it belongs; reports carry this, also from other processes."""
    for item in items:
        parameters = getattr(getattr(item, "callspec", None), "params", {})
        check = CHECKS.get(getattr(item, "originalname", ""))
        if {"row", "dtype", "backend"} <= parameters.keys():
            target = parameters["backend"] + getattr(parameters.get("target"), "suffix", "")
            item.user_properties.append(("nodes", (str(parameters["row"]), target, parameters["dtype"])))
        elif check and {"row", "backend"} <= parameters.keys():
            item.user_properties.append(("functions", (parameters["row"].op, parameters["backend"], check)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for key, (title, order) in MATRICES.items():
        stats = terminalreporter.stats
        counts = {outcome: Counter(places(stats.get(outcome, ()), key)) for outcome in ("passed", "skipped")}
        bad = [report for outcome in ("failed", "error", "xfailed") for report in stats.get(outcome, ())]
        counts["failed"] = Counter(places(bad, key))
        found = sorted({place for outcome in counts.values() for place in outcome})
        if found:
            terminalreporter.section(f"{title}: tests passed (! failed or known to fail, s all skipped)")
            for line in table(found, counts, order):
                terminalreporter.write_line(line)
        if found and key == "functions" and (page := terminalreporter.config.getoption("--functions-page")):
            import functions_page  # when pytest has it as a plugin

            functions_page.write(page, found, counts)


def places(reports: Iterable[pytest.TestReport], wanted: str) -> list[Place]:
    """The place of each report that has one in a matrix."""
    properties = [p for report in reports for p in getattr(report, "user_properties", ())]
    return [tuple(value) for key, value in properties if key == wanted]  # type: ignore[misc]  # three each


def table(found: list[Place], counts: dict[str, Counter[Place]], order: tuple[str, ...]) -> list[str]:
    """One line a row, one column a target; in a cell the figures in their order, as ``39/39``."""
    rows, targets, figures = (list(dict.fromkeys(column)) for column in zip(*found, strict=True))
    shown = [name for name in order if name in figures]

    def cell(row: str, target: str) -> str:
        return "/".join(figure((row, target, name)) for name in shown)

    def figure(place: Place) -> str:
        passed, skipped, failed = (counts[outcome][place] for outcome in ("passed", "skipped", "failed"))
        return f"{passed}!{failed}" if failed else "s" if skipped and not passed else str(passed)

    lines = [["/".join(shown), *targets], *([row, *(cell(row, target) for target in targets)] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in lines]
