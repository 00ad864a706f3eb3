"""The user's own line of code, seen from inside this package: where a node was made, or a warning belongs."""

import os.path
import re
import sys
from types import FrameType, TracebackType

_PACKAGE = os.path.dirname(os.path.dirname(__file__))


def calling_line() -> str:
    """The line of the user's that is running: ``nn.py:12``, or in a notebook ``In [3], line 2``.

    Where all lines are those of installed packages, the innermost one outside of this package.
    """
    first = sys._getframe(stacklevel() - 1)  # noqa: SLF001  inspect.stack() reads every source file
    frame: FrameType | None = first
    while frame is not None and not is_users(frame.f_code.co_filename):
        frame = frame.f_back
    found = first if frame is None else frame
    return in_words(found, found.f_lineno)


def calling_file() -> str:
    """The file outside of this package that is running."""
    return sys._getframe(stacklevel() - 1).f_code.co_filename  # noqa: SLF001  as above


def raising_line(traceback: TracebackType | None) -> str:
    """The innermost line of a traceback that is the user's: outside of this package and of installed ones."""
    found = "an unknown line"
    while traceback is not None:
        filename = traceback.tb_frame.f_code.co_filename
        if is_users(filename):
            found = in_words(traceback.tb_frame, traceback.tb_lineno)
        traceback = traceback.tb_next
    return found


def is_users(filename: str) -> bool:
    """Is this a file, or a cell, of Python outside of this package and of installed ones?"""
    ours = filename.startswith(_PACKAGE) or "site-packages" in filename
    return not ours and filename.endswith((".py", ">"))


def in_words(frame: FrameType, line: int) -> str:
    """A line of code for people: its file, or cell, and number."""
    cell = cell_of(frame)
    return f"In [{cell}], line {line}" if cell else f"{frame.f_code.co_filename.rpartition(os.sep)[2]}:{line}"


def cell_of(frame: FrameType) -> str | None:
    """The number of the notebook's cell that a frame runs; None outside of notebooks.

    IPython in a terminal calls the file of a cell ``<ipython-input-3-…>``. A kernel names it ``ipykernel_…/….py`` after
    the text of the cell, and knows the number.
    """
    filename = frame.f_code.co_filename
    if filename.startswith("<ipython-input-"):
        return filename.split("-")[2]
    shell = frame.f_globals.get("get_ipython")
    if "ipykernel_" not in filename or shell is None:
        return None
    kind_and_name = shell().compile.format_code_name(filename)  # ("Cell", "In[3]")
    return re.sub(r"\D", "", kind_and_name[1]) if kind_and_name else None


def stacklevel() -> int:
    """For ``warnings.warn`` in the calling function: how far up the first frame outside of this package is."""
    level, frame = 1, sys._getframe(1)  # noqa: SLF001  as above
    while frame.f_back and frame.f_code.co_filename.startswith(_PACKAGE):
        level, frame = level + 1, frame.f_back
    return level
