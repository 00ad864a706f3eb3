"""Why a function cannot be recorded: the errors."""

from collections.abc import Sequence
from typing import Any

from miniflow_xp.errors import MiniflowError


class TraceError(MiniflowError):
    """The function cannot be recorded: it looks at contents, or leaves the namespace it was handed."""


NOT_RECORDED = (TraceError, TypeError, AttributeError, NotImplementedError)
"""What a function may raise while it is recorded, because it does something that only real arrays can."""


def contents_wanted(what: str) -> TraceError:
    """The error for a function that cannot be recorded because it needs to know contents."""
    return TraceError(
        "a recorded rule",
        f"it looks at contents {what}",
        "a rule is a pure function of arrays",
        "Choose by xp.where instead of if, and by xp.take instead of a mask",
    )


def not_recorded(what: str) -> TraceError:
    """The error for a call of a function that is not recorded, though it may be correct."""
    return TraceError(
        "a recorded rule",
        what,
        "recorded are the functions of xp itself that give one array, not those of its extensions",
        "The plain loop runs it; to have it recorded, write it in other functions of xp, or by matmul and the like",
    )


def wrong_index(keys: Sequence[Any]) -> TraceError:
    """The error for an index that is not recorded: a mask, or an array among other indices."""
    if any("bool" in str(getattr(key, "dtype", "")) for key in keys):
        return contents_wanted("of a mask, which says how many elements there are")
    return TraceError(
        "a recorded rule",
        "an array of indices stands among other indices",
        "such an array is recorded where it is the only index",
        "Use xp.take along one axis, or xp.take_along_axis",
    )
