"""A run's file comes in through one door: what is wrong in it is told by its key, and what is let in breaks nothing."""

import json
import os
import random
from pathlib import Path

import bench_runs
import pytest

from miniflow_xp.errors import MiniflowError, SettingError
from miniflow_xp.programs.bench import report
from miniflow_xp.programs.bench.compare import compare
from miniflow_xp.programs.bench.files import read_run
from miniflow_xp.programs.bench.findings.sentences import sentences
from miniflow_xp.programs.bench.schema import DEEPEST

pytest_plugins = ["command_line"]  # the fixture cli
RESULTS = sorted((Path(__file__).parent.parent / "benchmarks" / "results").glob("*.json"))
SCRIPT = "<script>alert(1)</script>"


def small_run():
    """A made-up run with two cells of each family, where two backends have one."""
    run = bench_runs.run(backends=("numpy:cpu", "cupy:0"), rounds=6, sizes=(16,), nodes=("Linear",))
    cells = {(cell["family"], cell["backend"]): cell for cell in run["cells"]}
    return run | {"cells": list(cells.values())}


@pytest.fixture
def read(tmp_path):
    """Reads a run from a file; each text NESTED becomes so many lists, one in the other."""

    def read(run, nested=0):
        path = tmp_path / "run.json"
        path.write_text(json.dumps(run).replace('"NESTED"', "[" * nested + "]" * nested))
        return read_run(path)

    return read


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_runs_that_were_written_before_are_read_reported_and_compared(path):
    run = read_run(path)
    assert sentences(run)[0].startswith("Trust: ")
    assert len(report.build([run], [path.name])) > 10_000
    rows = compare(run, run, fail=0.05)
    assert not rows.failed
    assert {row.state for row in rows.rows} <= {"SAME", "UNCLEAR"}


@pytest.mark.parametrize(
    ("keys", "value", "told"),
    [
        (("cells", 3, "samples", 0), "x", "cells[3].samples[0]: it is 'x': it is a number from 1e-15 to 1e+15"),
        (("cells", 3, "samples", 0), float("nan"), "cells[3].samples[0]: it is nan"),
        (("cells", 3, "samples", 1), 0, "cells[3].samples[1]: it is 0"),
        (("cells", 3, "samples", 1), True, "cells[3].samples[1]: it is True"),
        (("cells", 3, "samples", 1), 10**400, "cells[3].samples[1]: it is 1000"),
        (("cells", 3, "rounds"), [0, 1], "cells[3].rounds: it holds 2: there is one for each of 6 samples"),
        (("cells", 3, "rounds", 2), 0.5, "cells[3].rounds[2]: it is 0.5: it is a whole number"),
        (("cells", 0, "axes", "batch"), None, "cells[0].axes.batch: it is None"),
        (("cells", 0), [], "cells[0]: it is []: it is an object"),
        (("cells",), {}, "cells: it is {}: it is a list"),
        (("cells", 0, "backend"), "\ud800", "cells[0].backend: it is '\\ud800': it has whole characters only"),
        (("cells", 0, "stable"), 1, "cells[0].stable: it is 1: it is true or false"),
        (("environment", "machine", "blas"), {}, "environment.machine.blas: it is {}"),
        (("environment", "machine", "another"), 10**400, "environment.machine.another: it is 1000"),
        (("backends", "numpy:cpu", "describe"), 7, "backends.numpy:cpu.describe: it is 7: it is a text"),
        (("control", 0, "a"), None, "control[0].a: it is None: it is a list"),
        (("second_sitting",), "x", "second_sitting: it is 'x'"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isascii() else "",
)
def test_what_is_wrong_is_told_by_its_key(keys, value, told, read):
    run = small_run()
    *first, last = keys
    at = run
    for key in first:
        at = at[key]
    at[last] = value
    with pytest.raises(SettingError) as caught:
        read(run)
    assert f"run.json: {told}" in str(caught.value)


@pytest.mark.parametrize("key", ["family", "backend", "samples", "rounds", "axes", "state"])
def test_what_is_not_there_is_told_by_its_key(key, read):
    run = small_run()
    del run["cells"][2][key]
    with pytest.raises(SettingError, match=rf"cells\[2\].{key}: it is not there"):
        read(run)


@pytest.mark.parametrize("nested", [DEEPEST + 2, 100_000])
def test_nesting_without_end_is_refused(nested, read):
    with pytest.raises(SettingError, match="nested"):
        read(small_run() | {"another": "NESTED"}, nested)


def test_keys_of_another_version_are_let_in(read):
    run = small_run()
    run["another"] = {"x": [1, None, {"y": "z"}]}
    run["cells"][0]["another"] = [2.5, True]
    assert read(run).to_json() == run


def test_many_cells_of_nothing_are_refused_before_anything_is_made_of_them(read):
    with pytest.raises(SettingError, match=r"cells\[0\].family: it is not there"):
        read(small_run() | {"cells": [{}] * 10_000})


def test_compare_fails_where_a_time_is_no_number_and_where_a_row_is_missing(cli):
    run = small_run()
    Path("base.json").write_text(json.dumps(run))
    assert cli("compare", "base.json", "base.json", "--fail", "5%")[0] == 0
    *rows, last = run["cells"]
    Path("missing.json").write_text(json.dumps(run | {"cells": rows}))
    code, out, _ = cli("compare", "base.json", "missing.json", "--fail", "5%")
    assert code == 1
    assert "MISSING ✗" in out
    rows.append(last | {"samples": [float("nan"), *[5 * s for s in last["samples"][1:]]]})
    Path("nan.json").write_text(json.dumps(run | {"cells": rows}))
    code, _, told = cli("compare", "base.json", "nan.json", "--fail", "5%")
    assert code == 1
    assert f"nan.json: cells[{len(rows) - 1}].samples[0]: it is nan" in told


VALUES = (
    *(None, [], {}, "", "x", "x" * 5000, SCRIPT, "\ud800", [None], [[]], [1, 2], ["1"], {"a": 1}, {SCRIPT: [SCRIPT]}),
    *(10**400, -(10**400), -1, 0, 1, 0.5, 1e-14, 1e14, 1e29, 10**12, float("nan"), float("inf"), True, False, "NESTED"),
)

SPOILED = int(os.environ.get("MINIFLOW_TEST_SPOILED", "500"))
"""So many runs are spoiled at random; more take longer and find more."""


def places(value, path=()):
    """The keys that lead to each value inside of this one."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inside:
        yield (*path, key)
        yield from places(one, (*path, key))


def spoil(run, path, rng):
    """Replace, remove or add a value."""
    *first, last = path
    at = run
    for key in first:
        at = at[key]
    way = rng.random()
    if way < 0.15:
        del at[last]
    elif way < 0.3 and isinstance(at, dict):
        at[rng.choice(["another", SCRIPT])] = rng.choice(VALUES)
    else:
        at[last] = rng.choice(VALUES)


def test_a_spoiled_run_is_refused_by_our_error_or_reported_and_compared(read):
    rng, whole = random.Random(0), small_run()
    plain, unspoiled = json.dumps(whole), read(whole)
    paths = list(places(whole))
    outside = [path for path in paths if path[0] != "cells" or path[1:2] == (0,)]
    refused = told = 0
    for _ in range(SPOILED):
        run = json.loads(plain)
        spoil(run, rng.choice(outside if rng.random() < 0.8 else paths), rng)
        try:
            record = read(run, rng.choice([3, 100, 100_000]))
        except MiniflowError:
            refused += 1
            continue
        told += 1
        page = report.build([record], [SCRIPT])
        assert SCRIPT not in page
        page.encode()
        str(compare(*rng.sample([record, unspoiled], 2), fail=0.05, force=True))
    assert min(refused, told) > SPOILED / 8
