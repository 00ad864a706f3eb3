"""The user's own line of code, seen from inside this package: where a node was made, or a warning belongs."""

import os.path
import sys

_PACKAGE = os.path.dirname(__file__)


def calling_line() -> str:
    """The line outside of this package that is running: ``nn.py:12``."""
    frame = sys._getframe(stacklevel() - 1)  # noqa: SLF001  inspect.stack() reads every source file
    return f"{os.path.basename(frame.f_code.co_filename)}:{frame.f_lineno}"


def stacklevel() -> int:
    """For ``warnings.warn`` in the calling function: how far up the first frame outside of this package is."""
    level, frame = 1, sys._getframe(1)  # noqa: SLF001  as above
    while frame.f_back and frame.f_code.co_filename.startswith(_PACKAGE):
        level, frame = level + 1, frame.f_back
    return level
