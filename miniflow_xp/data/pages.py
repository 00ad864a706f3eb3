"""Arrays that are mapped from a file: which these are, and giving their pages back to the system."""

import mmap

import numpy as np

from miniflow_xp.backend import Array


def mapped(array: Array) -> np.memmap[tuple[int, ...], np.dtype[np.generic]] | None:
    """The memory map that an array is, or is a view of."""
    while isinstance(array, np.ndarray):
        if isinstance(array, np.memmap):
            return array
        array = array.base
    return None


def release(array: Array) -> None:
    """Take the pages of a mapped array out of this process; reading them again gets them from the file.

    Without it a process grows with every page that it reads. Does nothing to what is not mapped, nor to a map that
    holds changes of its own (mode ``c``), which would be lost, nor where the system has no such call.
    """
    found = mapped(array)
    if found is not None and found.mode in ("r", "r+") and hasattr(mmap, "MADV_DONTNEED"):
        memory = found._mmap  # type: ignore[attr-defined]  # noqa: SLF001  NumPy gives no other way to it
        memory.madvise(mmap.MADV_DONTNEED)
