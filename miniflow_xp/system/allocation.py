"""The memory of freed arrays."""

LARGEST = 32_000_000  # bytes, a little less than 32 MiB


def keep_freed_memory() -> None:
    """Have the C library keep some of the memory that is freed, up to 64 MiB, for what is allocated next.

    At first glibc takes each array of 128 KiB and more from the system and gives it back when it is freed. The system
    clears its pages anew each time, which takes longer than most elementwise functions do. What glibc keeps goes up
    with the largest block that has been freed, to 32 MiB and twice as much in all, unless the user has set these
    (mallopt(3), M_MMAP_THRESHOLD). A block that nobody has written to does it, in microseconds. Elsewhere this changes
    nothing.
    """
    bytes(LARGEST)
