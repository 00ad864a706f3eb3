"""Model files that an earlier version has written are read for good: ``tests/earlier`` holds two of version 0.1.0."""

from pathlib import Path

import pytest

pytest_plugins = ["command_line"]  # the fixture cli

EARLIER = Path(__file__).resolve().parent / "earlier"
FLOWERS = "a,b,c\n0.088,-0.092,0.448\n1.073,0.625,1.253\n2.913,2.663,1.507\n"
PRICES = "area,rooms\n106.86,3\n63.58,4\n171.25,4\n"


@pytest.mark.parametrize(
    ("model", "rows", "predicted"),
    [  # what the version that wrote them predicted
        ("flowers.npz", FLOWERS, "prediction,probability\nred,0.767641\nblue,0.44394\n00501,0.891176\n"),
        ("prices.npz", PRICES, "prediction\n362.088282\n338.850747\n367.771213\n"),
    ],
)
def test_an_earlier_model_predicts_what_it_did(model, rows, predicted, cli, tmp_path):
    (tmp_path / "rows.csv").write_text(rows)
    assert cli("predict", str(EARLIER / model), "rows.csv") == (0, predicted, "")
