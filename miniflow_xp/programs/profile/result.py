"""Profile: the figures, printed as a table, written as a page or a trace."""

from pathlib import Path

from miniflow_xp.checks import path_ending_in
from miniflow_xp.programs.profile.figures import Figures
from miniflow_xp.programs.profile.notes import notes
from miniflow_xp.programs.profile.table import table
from miniflow_xp.programs.profile.trace import trace_text
from miniflow_xp.system.files import write
from miniflow_xp.system.notebooks import ShownAsText

KINDS = (".html", ".json")


class Profile(ShownAsText, Figures):
    """Where the time of a step goes.

    Printed it is a table, with sentences below, which are its ``notes``; ``save`` writes ``.html``, or ``.json``, which
    chrome://tracing, Perfetto and speedscope open.
    """

    @property
    def notes(self) -> list[str]:
        """What there is to say, a sentence each."""
        return notes(self)

    def save(self, path: str | Path) -> None:
        """Write it as a page (``.html``), or as Chrome's trace events (``.json``); raises SettingError."""
        file = path_ending_in(path, "Profile.save", KINDS)
        if file.suffix.lower() == ".json":
            text = trace_text(self)
        else:
            from miniflow_xp.programs.profile.page import page  # here: nothing else needs what draws

            text = page(self)
        write("Profile.save", file, [text.encode()])

    def __str__(self) -> str:
        return "\n".join([*table(self), "", *self.notes])

    def __repr__(self) -> str:
        return f"<Profile of {self.title}: {len(self.rows)} rows, {len(self.plain)} rounds>"
