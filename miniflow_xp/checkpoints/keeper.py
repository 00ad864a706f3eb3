"""A folder of checkpoints: the last few, and the best."""

import re
import warnings
from contextlib import nullcontext
from math import isfinite
from pathlib import Path
from typing import Any, Self

from miniflow_xp.checkpoints.file import State, load, load_meta, save
from miniflow_xp.checkpoints.lock import Lock
from miniflow_xp.checks import as_number, of_kind, one_of, real, usable_path, whole
from miniflow_xp.errors import DataError
from miniflow_xp.system.callers import stacklevel
from miniflow_xp.system.files import leftovers

FILES = "step-*.safetensors"
NAME = re.compile(r"step-([0-9]{12})\.safetensors", re.ASCII)


class Keeper:
    """Keeps the ``keep`` last checkpoints in ``folder``, and the one with the best score; names sort by step.

    ``best`` says which score is best, ``lowest`` or ``highest``. The folder, which is made at the first save, belongs
    to one run at a time: ``with keeper:`` keeps others out for as long as the block takes, and ``fit`` does so; alone
    ``save`` does it for its own time. Raises SettingError for a ``keep`` below 1, another ``best`` or no name.
    """

    def __init__(self, folder: str | Path, keep: int = 3, best: str = "lowest") -> None:
        self.folder = usable_path(folder, "Keeper, folder")
        self.keep = whole(keep, "Keeper, keep", 1, remedy="Keep at least 1")
        self.sign = 1 if one_of(best, ("lowest", "highest"), "Keeper, best") == "lowest" else -1
        self._scores: dict[Path, Any] = {}  # as read or written by this object
        self._lock: Lock | None = None

    def __enter__(self) -> Self:
        """Make the folder, and keep others out; raises DataError where one is in, or where nothing can be written."""
        self._make_folder()
        try:
            self._lock = Lock(self.folder)
        except OSError as error:
            raise DataError(
                str(self.folder), "nothing can be written there", error.strerror or str(error), "Choose another folder"
            ) from None
        if self._lock.left:
            got = f"{self._lock.left} was killed while it held {self.folder}; it is taken over"
            try:
                warnings.warn(got, stacklevel=stacklevel())
            except UserWarning:  # where warnings are errors, there will be no __exit__
                self.__exit__()
                raise
        return self

    def __exit__(self, *error: object) -> None:
        if self._lock is not None:
            self._lock.release()
        self._lock = None

    def save(self, step: int, state: State, score: float | None = None) -> Path:
        """Save after ``step`` steps; then delete what is neither among the last few nor the best. Returns the file.

        ``score`` (a NaN counts as none) says how good it is. Raises DataError where it cannot be written, or where the
        folder holds checkpoints of later steps: they belong to another run, or to one that went on from there.
        """
        path, step = self.path(step), int(step)
        of_kind(state, State, "Keeper, state", "it is a State", "Write trainer_state(trainer), or State(arrays, meta)")
        if score is not None:
            score = real(score, "Keeper, score", lambda _: True, "it is a number")
            score = score if isfinite(score) else None
        with nullcontext() if self._lock else self:
            self._save(path, step, state, score)
        return path

    def _save(self, path: Path, step: int, state: State, score: float | None) -> None:
        """Save in a folder that this Keeper holds."""
        later = [p for p in self.paths() if p.name > path.name and self.score(p) is not UNREADABLE]
        if later:
            raise DataError(
                str(self.folder),
                f"it holds {later[-1].name}, and this is step {step}",
                "the checkpoints of one run come one after the other",
                "Resume from the last one, choose another folder, or delete the later ones",
            )
        save(path, State(state.arrays, {**state.meta, "step": step, "score": score}))
        self._scores[path] = score
        self.prune()

    def path(self, step: int) -> Path:
        """The file of a step."""
        number = whole(step, "Keeper, step", 0, 10**12 - 1, remedy="Count the steps")
        return self.folder / f"step-{number:012}.safetensors"

    def paths(self) -> list[Path]:
        """The checkpoints in the folder, by step."""
        return sorted(p for p in self.folder.glob(FILES) if NAME.fullmatch(p.name))

    def latest(self) -> State | None:
        """The last checkpoint that can be read, None where there is none; a warning names each that cannot be read."""
        return self.first_readable(self.paths()[::-1])

    def best(self) -> State | None:
        """The checkpoint with the best score, None where none has a score; warns as ``latest`` does."""
        return self.first_readable(self.by_score())

    def by_score(self) -> list[Path]:
        """The checkpoints with a score, best first; of equal ones the later first."""
        scored = [(path, self.score(path)) for path in self.paths()[::-1]]
        return [p for p, s in sorted(((p, s) for p, s in scored if is_score(s)), key=lambda item: self.sign * item[1])]

    def score(self, path: Path) -> Any:
        """The score in a file; None where it has none, UNREADABLE where it cannot be read."""
        if path not in self._scores:
            try:
                found = load_meta(path).get("score")
                self._scores[path] = found if is_score(found) else None
            except DataError:
                self._scores[path] = UNREADABLE
        return self._scores[path]

    def first_readable(self, paths: list[Path]) -> State | None:
        """The first of these that can be read."""
        for path in paths:
            try:
                return load(path)
            except DataError as error:
                self._scores[path] = UNREADABLE
                warnings.warn(f"This checkpoint is left out. {error}", stacklevel=stacklevel())
        return None

    def prune(self) -> None:
        """Delete all but the last few and the best, and what killed processes left; unreadable files stay."""
        readable = [path for path in self.paths() if self.score(path) is not UNREADABLE]
        kept = {*readable[-self.keep :], *self.by_score()[:1]}
        try:
            for path in [*(p for p in readable if p not in kept), *leftovers(self.folder, FILES)]:
                path.unlink(missing_ok=True)
                self._scores.pop(path, None)
        except OSError as error:
            warnings.warn(f"{self.folder}: an old checkpoint could not be deleted: {error}", stacklevel=stacklevel())

    def _make_folder(self) -> None:
        """Make the folder, where it is not there yet; raises DataError."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DataError(
                str(self.folder),
                "it cannot be made",
                error.strerror or str(error),
                "Choose another folder for checkpoints",
            ) from None


UNREADABLE = object()


def is_score(score: Any) -> bool:
    """Is this a finite number?"""
    number = as_number(score)
    return number is not None and isfinite(number)
