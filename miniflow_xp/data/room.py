"""How much memory a data file may take: more than what people have needs, and less than what a few bytes can claim.

A compressed file of 2 MB can hold 2 GB of zeros, and a header can claim any size. So what a file would take is compared
with a limit before it is taken: 64 MiB, or 64 times the size of the file where that is more, and no more than is free.
A pipe tells no size and may take what is free. MINIFLOW_DATA_LIMIT goes before all this, in bytes or with an end as in
``8G``.
"""

import os
import re
import stat
from pathlib import Path
from typing import IO

from miniflow_xp.errors import DataError, SettingError

SETTING = "MINIFLOW_DATA_LIMIT"
LEAST = 2**26
TIMES = 64  # real data are seldom compressed to a tenth
CHUNK = 2**20
UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
SIZE = re.compile(r"(\d{1,15})([KMGT]?)", re.ASCII | re.IGNORECASE)
FREE = re.compile(rb"^MemAvailable:\s+(\d+) kB$", re.MULTILINE)


def room(path: Path) -> int:
    """The most bytes that a file may take in memory; raises SettingError for a malformed setting."""
    asked = os.environ.get(SETTING)
    if asked is not None:
        return size(asked)
    found, free = path.stat(), free_memory()
    usual = max(LEAST, TIMES * found.st_size)
    if free is None:
        return usual
    return min(usual, free) if stat.S_ISREG(found.st_mode) else free


def size(text: str) -> int:
    """The bytes that a setting asks for."""
    found = SIZE.fullmatch(text.strip())
    if found is None:
        raise SettingError(SETTING, f"it is {text!r}", "it is a number of bytes, such as 500M or 8G", "Leave it out")
    return int(found[1]) * UNITS[found[2].upper()]


def free_memory() -> int | None:
    """Bytes that a program can have without others having to make room; None where the system does not tell."""
    try:
        found = FREE.search(Path("/proc/meminfo").read_bytes())
    except OSError:
        return None
    return None if found is None else 1024 * int(found[1])


def check_room(where: str, path: Path, wanted: int) -> None:
    """Raise DataError where what stands at ``where`` in a file would take more than the file may."""
    most = room(path)
    if wanted > most:
        raise too_large(where, f"it would take {wanted:,} bytes in memory", most)


def too_large(where: str, got: str, most: int) -> DataError:
    """The error for what takes more than its file may, which is ``most``."""
    return DataError(
        where,
        got,
        f"a file of this size may take {most:,}",
        f"If you trust it, set {SETTING} to the bytes that it may take, for instance 8G",
    )


def read_bytes(file: IO[bytes], count: int) -> bytearray:
    """So many bytes, or fewer where the file ends; takes no more memory than there are."""
    found = bytearray()
    while len(found) < count:
        chunk = file.read(min(CHUNK, count - len(found)))
        if not chunk:
            break
        found += chunk
    return found
