"""The commands ``predict`` and ``evaluate``: what a trained network is for."""

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from miniflow_xp.data import Dialect
from miniflow_xp.programs.outputs import check_writable
from miniflow_xp.programs.train.display import show_judgement
from miniflow_xp.programs.train.judging import judged, labelled_rows
from miniflow_xp.programs.train.loading import load_model
from miniflow_xp.programs.train.options import Chosen, Decimal, Separator, path_named
from miniflow_xp.programs.train.predicting import prediction_lines
from miniflow_xp.switch import use_backend
from miniflow_xp.system.files import write
from miniflow_xp.system.outlet import loss
from miniflow_xp.system.terminal import shown, stdout

ModelFile = Annotated[
    Path, typer.Argument(metavar="MODEL", parser=path_named, help="What 'miniflow-xp train' has written.")
]


def predict_command(
    model: ModelFile,
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA",
            parser=path_named,
            help="A table (.csv, .csv.gz, .parquet) with the columns of the features in any order, images (an IDX "
            "file, or the folder of some), an archive (.npz) with X, or one array (.npy).",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE.csv", parser=path_named, help="Usual: standard output."),
    ] = None,
    keep: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="Copy a column of the table; may come several times.")
    ] = None,
    separator: Separator = None,
    decimal: Decimal = None,
    backend: Chosen = None,
) -> None:
    """Write what a trained network predicts, as CSV: a class and its probability, or a number in the target's units.

    A class that a spreadsheet would calculate, such as =A1, gets an apostrophe before it.

    Example: miniflow-xp predict digits-parameters.safetensors scans.csv

    Example: miniflow-xp predict fashion-mnist-parameters.safetensors t10k-images-idx3-ubyte.gz -o clothes.csv
    """
    with use_backend(backend) if backend is not None else nullcontext():
        trained = load_model(model)
        texts = prediction_lines(trained, data, keep or (), Dialect(separator, decimal))
        if output is None:
            for text in texts:
                sys.stdout.write(shown(text) if sys.stdout.isatty() else text)
                if loss():
                    break
            return
        check_writable("--output", output, {"the data itself": data, "the model itself": model})
        write("--output", output, (text.encode() for text in texts))


def evaluate_command(
    model: ModelFile,
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA",
            parser=path_named,
            help="A table (.csv, .csv.gz, .parquet), a folder of IDX files, or an archive (.npz); of the last two "
            "their test rows where there are some.",
        ),
    ],
    target: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The column of a table. Usual: the one that was trained on.")
    ] = None,
    separator: Separator = None,
    decimal: Decimal = None,
    backend: Chosen = None,
) -> None:
    """Show how good a trained network is on rows whose targets are known: rows, cost, accuracy or R².

    Example: miniflow-xp evaluate houses-parameters.safetensors sold-in-may.csv

    Example: miniflow-xp evaluate fashion-mnist-parameters.safetensors fashion-mnist/
    """
    with use_backend(backend) if backend is not None else nullcontext():
        trained = load_model(model)
        rows = labelled_rows(trained, data, target, Dialect(separator, decimal))
        show_judgement(stdout(), trained, rows, judged(trained, rows))
