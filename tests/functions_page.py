"""The page of the documentation that says which array function passed which tests on which backend.

``python -m pytest tests/test_array_functions.py --functions-page docs/reference/coverage.md`` writes it, of that run.
The columns of other backends stay as the page has them.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path

import pytest

PACKAGES = {"numpy": "numpy", "torch": "torch", "jax": "jax", "strict": "array_api_strict", "cupy": "cupy"}
ORDERS = {"second": "2", "first": "1", "value": "0"}
Place = tuple[str, str, str]

TEXT = """# Functions and backends

Each of the {count} array functions that have a gradient, and what of it passed on which backend, in runs of
`tests/test_array_functions.py` on the CPU; that of CuPy had a [stand-in for a GPU](../../tests/gpu_standin/README.md).
The versions were
{versions}.
The tests wrote this page, CuPy's column by the last line:

```sh
export MINIFLOW_TEST_TABLE=whole PAGE=docs/reference/coverage.md
.venv/bin/python -m pytest tests/test_array_functions.py --functions-page $PAGE
.venv/bin/python tests/gpu_standin/run.py -m pytest tests/test_array_functions.py --functions-page $PAGE
```

| mark | what passed |
| --- | --- |
| 0 | the value is that of the library, bit for bit |
| 1 | the first derivative is that of central differences, too |
| 2 | the second derivative is, too |
| c | the gradient, captured and replayed, is the plain one |
| – | nothing: the library has no such function, or takes it in another form |
| ! | a test failed, or is known to |

A function whose second derivative is 0, or jumps, shows 1. Without `MINIFLOW_TEST_TABLE=whole` JAX is not asked for
values and second derivatives, which it would have to compile one by one, and shows 1 at most. PyTorch and JAX also
check first derivatives by their own automatic differentiation. On a GPU nothing of this has been run yet. What is not
put into a CUDA graph, as linear algebra and FFTs, is replayed on CuPy call by call, and `explain()` names it.

{table}
"""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--functions-page", metavar="FILE.md", help="write the table of array functions as a page there")


def write(page: str, places: Iterable[Place], counts: Mapping[str, Counter[Place]]) -> None:
    """Write the page of a run, with the columns that it has of other backends."""
    file = Path(page)
    columns, versions = what_it_says(file.read_text(encoding="utf-8")) if file.exists() else ({}, {})
    functions = list(dict.fromkeys(function for function, _, _ in places))
    for backend in dict.fromkeys(backend for outcome in ("passed", "failed") for _, backend, _ in counts[outcome]):
        package = PACKAGES[backend.partition(":")[0]]
        columns[backend] = {function: cell(function, backend, counts) for function in functions}
        versions[package] = import_module(package).__version__
    backends = sorted(columns, key=lambda backend: list(PACKAGES).index(backend.partition(":")[0]))
    rows = [["function", *backends], ["---"] * (len(backends) + 1)]
    rows += [[f"`{name}`", *(columns[backend].get(name, "–") for backend in backends)] for name in functions]
    ran = dict.fromkeys(PACKAGES[backend.partition(":")[0]] for backend in backends)
    told = ", ".join(f"{package} {versions[package]}" for package in ran)
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    file.write_text(TEXT.format(count=len(functions), versions=told, table=table), encoding="utf-8")


def cell(function: str, backend: str, counts: Mapping[str, Counter[Place]]) -> str:
    """What passed of a function on a backend."""
    done = {check for (f, b, check), n in counts["passed"].items() if n and (f, b) == (function, backend)}
    if any(n for (f, b, _), n in counts["failed"].items() if (f, b) == (function, backend)):
        return "!"
    order = next((mark for check, mark in ORDERS.items() if check in done), "–")
    return f"{order} c" if "captured" in done else order


def what_it_says(text: str) -> tuple[dict[str, dict[str, str]], dict[str, str]]:
    """{backend: {function: what passed}} and {package: version} of a page."""
    table = [[item.strip(" `") for item in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    head = next(n for n, row in enumerate(table) if row[0] == "function")
    _, *backends = table[head]
    columns = {b: {row[0]: row[n] for row in table[head + 2 :]} for n, b in enumerate(backends, 1)}
    versions = re.findall(r"(\w+) ([\w.+]+)", text.partition("The versions were\n")[2].partition(".\n")[0])
    return columns, dict(versions)
