"""Files and folders that a command writes: what stands against it is told before the work."""

import os
from collections.abc import Mapping
from pathlib import Path

from miniflow_xp.data.idx_folder import spellings
from miniflow_xp.errors import SettingError
from miniflow_xp.system.files import FILE, FOLDER, kind_of

ANOTHER = "Choose another file"


def check_writable(option: str, path: Path, kept: Mapping[str, Path | None]) -> None:
    """Raise SettingError where ``path``, which ``option`` named, cannot be written, or is one of the files to keep.

    ``kept``: {what it is, in words: a file, or a folder of IDX files}; None where there is none.
    """
    where = f"{option} {path}"
    check_here(where, path)
    kind = kind_at(where, path)
    if kind not in (None, FILE):
        raise SettingError(where, f"it is {kind}", "it is written as one ordinary file", ANOTHER)
    folder = Path(os.path.realpath(path)).parent if os.path.islink(path) else path.parent
    kind_of_folder = kind_at(where, folder)
    if kind_of_folder is None:
        raise SettingError(
            where, f"there is no folder {folder}", "it is written to an existing folder", "Make it first"
        )
    if kind_of_folder != FOLDER:
        raise SettingError(where, f"{folder} is {kind_of_folder}", "it is written to a folder", ANOTHER)
    if not os.access(folder, os.W_OK | os.X_OK) or (kind is not None and not os.access(path, os.W_OK)):
        raise SettingError(where, "you may not write there", "it is written as one file", ANOTHER)
    for what, source in kept.items():
        if source is not None and any(same(path, file) for file in files_of(source)):
            raise SettingError(where, f"this is {what}", "it would be overwritten", ANOTHER)


def check_folder(option: str, folder: Path) -> None:
    """Raise SettingError where ``folder`` is none that can be written to, and none that can be made."""
    where = f"{option} {folder}"
    check_here(where, folder)
    for place in (folder, *folder.parents):
        kind = kind_at(where, place)
        if kind is None:
            continue  # it is made, with those above it that are not there
        if kind != FOLDER:
            got = f"{'it' if place == folder else place} is {kind}"
            raise SettingError(where, got, "it is a folder, or can be made", "Choose another")
        if not os.access(place, os.R_OK | os.W_OK | os.X_OK):
            raise SettingError(where, f"you may not write to {place}", "files are written there", "Choose another")
        return


def check_here(where: str, path: Path) -> None:
    """Raise SettingError where ``path`` starts from the current folder, and somebody has deleted that."""
    try:
        path.absolute()
    except OSError as error:
        raise SettingError(
            where,
            f"the current folder is not there any more ({error.strerror})",
            "names of files start from it",
            "Change to another folder",
        ) from None


def kind_at(where: str, path: Path) -> str | None:
    """What stands there, links followed; None for nothing; raises SettingError if it is secret."""
    try:
        return kind_of(path.stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise SettingError(
            where, f"{path} cannot be looked at", error.strerror or str(error), "Choose another place"
        ) from None


def files_of(source: Path) -> list[Path]:
    """The file itself; of a folder of IDX files each that is read, or would be if it were there."""
    return spellings(source) if os.path.isdir(source) else [source]


def same(path: Path, file: Path) -> bool:
    """Do both lead to one file, be it there or not?"""
    there = os.path.exists(path), os.path.exists(file)
    if all(there):
        return os.path.samefile(path, file)
    return not any(there) and os.path.realpath(path) == os.path.realpath(file)
