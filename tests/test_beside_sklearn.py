"""What ``train`` reaches with its defaults, beside scikit-learn's network with its own, on made tables."""

import importlib
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is what we are compared with")
pytest_plugins = ["command_line"]  # the fixture cli

TABLES = {
    "bank": (6_000, 0, 0.5),
    "houses": (3_000, 1, 0.5),  # the largest is 6.7 standard deviations above the mean area
    "clusters": (8_000, 0, 0.5),
    "power": (5_000, 0, 0.2),
    "patients": (6_000, 0, 0.5),
}
"""{name: (rows, seed, share of new ones)}; ``python -m benchmarks.tables`` makes larger ones."""


@pytest.fixture
def tables(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent.parent))
    return importlib.import_module("benchmarks.tables")


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer. Maximum iterations")  # with its defaults, it says
@pytest.mark.parametrize("name", TABLES)
def test_a_made_table_is_learned_as_well_as_by_scikit_learn(tables, cli, tmp_path, name):
    def command(*arguments):
        code, output, messages = cli(*arguments)
        assert (code, messages) == (0, "")
        return output

    make = {make.__name__: make for make in tables.MAKERS}[name]
    count, seed, share = TABLES[name]
    made = make(count, np.random.default_rng(seed))
    rows = tables.parts(made, share)
    reached = tables.ours(made, rows, tmp_path, command)
    network = tables.theirs(made, rows, tables.models(made)[1])
    assert reached.score > network.score - 0.01
