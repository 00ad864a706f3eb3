"""Cores that this process may use: their number, and a context that leaves it only some of them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from miniflow_xp.errors import SettingError


def usable_cores() -> int | None:
    """How many cores the calling thread may run on; all of the machine's where the system does not say."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


@contextmanager
def bound_to(cores: int | None) -> Iterator[None]:
    """Leave the calling thread, and processes started by it, ``cores`` of its cores: the last ones. None: all of them.

    The first cores handle most interrupts, so they are given up first. Thread pools of a process started in here take
    their size from what is left. Raises SettingError where there are not so many, or the system cannot bind.
    """
    if cores is None:
        yield
        return
    if not hasattr(os, "sched_setaffinity"):
        raise SettingError("--cores", f"it is {cores}", "only Linux binds a process to cores", "Leave it out")
    all_of_them = os.sched_getaffinity(0)
    if not 1 <= cores <= len(all_of_them):
        raise SettingError(
            "--cores", f"it is {cores}", f"{len(all_of_them)} can be used here", f"Name 1 to {len(all_of_them)}"
        )
    os.sched_setaffinity(0, sorted(all_of_them)[-cores:])
    try:
        yield
    finally:
        os.sched_setaffinity(0, all_of_them)
