"""The option ``--save-plot``: the costs of a training by epoch, as a figure in a file."""

from collections.abc import Mapping
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path

from miniflow_xp.errors import PackageMissingError, SettingError
from miniflow_xp.programs.outputs import check_writable
from miniflow_xp.system.files import write
from miniflow_xp.training.history import History

OPTION = "--save-plot"
FORMATS = (".png", ".svg")


def check_plot(path: Path, kept: Mapping[str, Path | None]) -> None:
    """Raise where no figure can be written there, before anything is trained; ``kept`` as in check_writable."""
    if path.suffix.lower() not in FORMATS:
        raise SettingError(
            f"{OPTION} {path}", f"its name ends in {path.suffix!r}", "a figure is .png or .svg", "Write FILE.png"
        )
    check_writable(OPTION, path, kept)
    if find_spec("matplotlib") is None:
        raise PackageMissingError(
            OPTION, "matplotlib is not installed", "it draws the figure", "Run: pip install 'miniflow_xp[plot]'"
        )


def save_plot(path: Path, history: History) -> None:
    """Write the figure; raises SettingError where it cannot be written."""
    image = BytesIO()
    history.plot().savefig(image, format=path.suffix.lower().removeprefix("."))
    write(OPTION, path, [image.getvalue()])
