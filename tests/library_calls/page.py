"""The page that the verdicts are shown on."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

from .rows import LIBRARIES

PAGE = Path(__file__).parents[2] / "docs" / "other-libraries.md"
BEGIN = "<!-- from here on: python -m tests.library_calls -->\n"
ORDER = ("right", "right with rules", "no gradient", "NaN", "refused", "wrong")
CALLED = {"numpy": "NumPy", "torch": "PyTorch", "jax": "JAX"}


def written(found: dict[str, Any]) -> str:
    """The page, with what was found in place of what it showed before."""
    head = PAGE.read_text(encoding="utf-8").partition(BEGIN)[0]
    return head + BEGIN + "\n" + "\n".join(generated(found)) + "\n"


def generated(found: dict[str, Any]) -> list[str]:
    """The lines of what is generated: versions, counts, and a table for each library."""
    lines = ["Versions: " + ", ".join(f"{name} {version}" for name, version in found["versions"].items()) + ".", ""]
    lines += table(["library", "backend", "calls", *ORDER], counts(found))
    for library in LIBRARIES:
        names = [row[0] for row in found["rows"] if row[1] == library]
        lines += ["", f"### {library}", "", *table(["call", *backends(found), "why not"], calls(found, names))]
    return lines


def backends(found: dict[str, Any]) -> list[str]:
    return [CALLED.get(name, name) for name in found["verdicts"]]


def counts(found: dict[str, Any]) -> list[list[str]]:
    """How often each verdict was given, by library and backend."""
    lines = []
    for library in LIBRARIES:
        names = {row[0] for row in found["rows"] if row[1] == library}
        for backend, verdicts in found["verdicts"].items():
            tally = Counter(verdict for name, verdict, _ in verdicts if name in names)
            lines.append([library, CALLED.get(backend, backend), str(len(names)), *[str(tally[k]) for k in ORDER]])
    return lines


def calls(found: dict[str, Any], names: list[str]) -> list[list[str]]:
    """A line for each call: its verdict on each backend, and the first reason that there is."""
    told = {backend: {v[0]: v[1:] for v in verdicts} for backend, verdicts in found["verdicts"].items()}
    lines = []
    for name in names:
        given = [told[backend][name] for backend in told]
        reasons = list(dict.fromkeys(reason for _, reason in given if reason))
        lines.append([name.partition(": ")[2], *[verdict for verdict, _ in given], "; ".join(reasons)])
    return lines


def table(head: list[str], lines: list[list[str]]) -> list[str]:
    """A table in Markdown."""
    rule = ["---"] * len(head)
    return [f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in [head, rule, *lines]]


def shown() -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """What the page says: {package: version}, {library: {call: verdict on NumPy}}."""
    text = PAGE.read_text(encoding="utf-8").partition(BEGIN)[2]
    versions = dict(re.findall(r"([\w-]+) ([\w.]+)[,.]", text.partition("Versions: ")[2].partition("\n")[0] + ","))
    found = {}
    for section in text.split("\n### ")[1:]:
        library, _, body = section.partition("\n")
        cells = [line.strip("| ").split(" | ") for line in body.splitlines() if line.startswith("| ")]
        found[library] = {line[0]: line[1] for line in cells[2:]}
    return versions, found
