"""Work that is counted, where a clock would measure the machine."""

import sys


def operations(action):
    """How many functions, Python's and C's, are called by ``action()``."""
    calls = 0

    def count(frame, event, arg):
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        action()
    finally:
        sys.setprofile(None)
    return calls


def is_linear(action, size):
    """Does ``action(2 * size)`` take at most 2.2 times as many operations as ``action(size)``?"""
    action(size)  # imports, and what else is done once
    return operations(lambda: action(2 * size)) < 2.2 * operations(lambda: action(size))
