"""The report of runs: one offline HTML page, and its figures as files. It needs their records alone."""

from collections.abc import Sequence
from pathlib import Path

from miniflow_xp.programs.bench.findings.run import Run
from miniflow_xp.programs.bench.findings.texts import text
from miniflow_xp.programs.bench.record import Record
from miniflow_xp.programs.bench.report.figures import standalone
from miniflow_xp.programs.bench.report.page import page
from miniflow_xp.system.files import not_written
from miniflow_xp.system.files import write as write_file
from miniflow_xp.system.svg import png

__all__ = ["build", "figures", "write"]


def build(records: Sequence[Record], names: Sequence[str]) -> str:
    """The page as HTML; ``names`` are those of the runs' files. Raises ValueError unless there is one a run."""
    return page([Run(record, text(name)) for record, name in zip(records, names, strict=True)])


def figures(records: Sequence[Record]) -> dict[str, str]:
    """Name → standalone SVG text of every figure; with several runs, names begin with the run's number."""
    drawn = [standalone(Run(record)) for record in records]
    if len(drawn) == 1:
        return drawn[0]
    return {f"{k}-{name}": svg for k, found in enumerate(drawn, 1) for name, svg in found.items()}


def write(
    records: Sequence[Record], names: Sequence[str], path: str | Path, figures_dir: str | Path | None = None
) -> None:
    """Write the page, and into ``figures_dir`` every figure as SVG and PNG.

    Raises SettingError where a file cannot be written, PackageMissingError where PNGs lack their package.
    """
    write_file("--output", Path(path), [build(records, names).encode()])
    if figures_dir is None:
        return
    folder = Path(figures_dir)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise not_written("--figures", folder, error) from None
    for name, svg in figures(records).items():
        write_file("--figures", folder / f"{name}.svg", [svg.encode()])
        write_file("--figures", folder / f"{name}.png", [png(svg)])
