"""The report of runs: one offline HTML page, its sentences, and its figures as files. It needs the JSON alone."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from miniflow_xp.programs import outputs
from miniflow_xp.programs.bench.report.cells import text
from miniflow_xp.programs.bench.report.choices import choices
from miniflow_xp.programs.bench.report.figures import standalone
from miniflow_xp.programs.bench.report.page import page
from miniflow_xp.programs.bench.report.png import png
from miniflow_xp.programs.bench.report.run import Run, named
from miniflow_xp.programs.bench.report.trust import hedged, spoken
from miniflow_xp.programs.bench.report.verdicts import networks, not_used, verdicts

__all__ = ["build", "figures", "lead", "relied_on", "sentences", "unusable", "write"]


def build(runs: Sequence[Mapping[str, Any]], names: Sequence[str]) -> str:
    """The page as HTML; ``names`` are those of the runs' files. Raises ValueError unless there is one a run."""
    return page([Run(raw, text(name)) for raw, name in zip(runs, names, strict=True)])


def figures(runs: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Name → standalone SVG text of every figure; with several runs, names begin with the run's number."""
    drawn = [standalone(Run(raw, "")) for raw in runs]
    if len(drawn) == 1:
        return drawn[0]
    return {f"{k}-{name}": svg for k, found in enumerate(drawn, 1) for name, svg in found.items()}


def sentences(run: Mapping[str, Any]) -> list[str]:
    """How far to trust the run, what to use, the other sentences with which the page begins, and what was left out."""
    found = Run(run, "")
    return [
        *lead(run),
        *(hedged(found, str(one)) if one.subject else one.text for one in verdicts(found)),
        *(f"{state.capitalize()}, {why}: {named(cells)}." for state, why, cells in found.left_out),
    ]


def lead(run: Mapping[str, Any]) -> list[str]:
    """How far to trust the run and what would mend that, then what to use for which size, and what the network is."""
    found = Run(run, "")
    return [*spoken(found), *(hedged(found, one) for one in choices(found)), *filter(None, [networks(found)])]


def relied_on(run: Mapping[str, Any], verdict: str) -> str:
    """A verdict on the run, and that it is not to be relied on where it is not."""
    return hedged(Run(run, ""), verdict)


def unusable(run: Mapping[str, Any]) -> list[str]:
    """A sentence for each backend that was asked for and could not be used."""
    return [str(sentence) for sentence in not_used(Run(run, ""))]


def write(
    runs: Sequence[Mapping[str, Any]], names: Sequence[str], path: str | Path, figures_dir: str | Path | None = None
) -> None:
    """Write the page, and into ``figures_dir`` every figure as SVG and PNG.

    Raises SettingError where a file cannot be written, PackageMissingError where PNGs lack their package.
    """
    outputs.write("--output", Path(path), build(runs, names).encode())
    if figures_dir is None:
        return
    folder = Path(figures_dir)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise outputs.not_written("--figures", folder, error) from None
    for name, svg in figures(runs).items():
        outputs.write("--figures", folder / f"{name}.svg", svg.encode())
        outputs.write("--figures", folder / f"{name}.png", png(svg))
