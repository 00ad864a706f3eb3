"""The page of the documentation that says which array function passed which tests on which backend.

``python -m pytest tests/test_array_functions.py --functions-page docs/reference/coverage.md`` writes it, of that run.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path

import pytest

PACKAGES = {"numpy": "numpy", "torch": "torch", "jax": "jax", "strict": "array_api_strict", "cupy": "cupy"}
ORDERS = {"second": "2", "first": "1", "value": "0"}
Place = tuple[str, str, str]

TEXT = """# Functions and backends

Each of the {count} array functions that have a gradient, and what of it passed on which backend, in a run of
`tests/test_array_functions.py` on the CPU. The versions were
{versions}.
The tests wrote this page:

```sh
MINIFLOW_TEST_TABLE=whole .venv/bin/python -m pytest tests/test_array_functions.py \\
    --functions-page docs/reference/coverage.md
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
check first derivatives by their own automatic differentiation. On a GPU nothing of this has been run yet; on CuPy it
ran on a stand-in for one, which lacks what most of `linalg` needs there (cuSOLVER, batches of cuBLAS):

```sh
MINIFLOW_TEST_TABLE=whole FAKEGPU=lazy .venv/bin/python tests/gpu_standin/run.py -m pytest tests/test_array_functions.py
```

{table}
"""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--functions-page", metavar="FILE.md", help="write the table of array functions as a page there")


def write(page: str, places: Iterable[Place], counts: Mapping[str, Counter[Place]]) -> None:
    """Write the page of a run."""
    functions, backends, _ = (list(dict.fromkeys(column)) for column in zip(*places, strict=True))
    backends.sort(key=lambda backend: list(PACKAGES).index(backend.partition(":")[0]))

    def cell(function: str, backend: str) -> str:
        done = {check for (f, b, check), n in counts["passed"].items() if n and (f, b) == (function, backend)}
        if any(n for (f, b, _), n in counts["failed"].items() if (f, b) == (function, backend)):
            return "!"
        order = next((mark for check, mark in ORDERS.items() if check in done), "–")
        return f"{order} c" if "captured" in done else order

    rows = [["function", *backends], ["---"] * (len(backends) + 1)]
    rows += [[f"`{name}`", *(cell(name, backend) for backend in backends)] for name in functions]
    versions = [
        f"{PACKAGES[b]} {import_module(PACKAGES[b]).__version__}"
        for b in dict.fromkeys(b.partition(":")[0] for b in backends)
    ]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    text = TEXT.format(count=len(functions), versions=", ".join(versions), table=table)
    Path(page).write_text(text, encoding="utf-8")
