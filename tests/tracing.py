"""Python's trace function for the length of a call."""

import sys


def traced(trace, action):
    """What ``action()`` returns, its events handed to ``trace``; a coverage tool's own function is away meanwhile."""
    tool = sys.gettrace()
    sys.settrace(trace)
    try:
        return action()
    finally:
        sys.settrace(tool)
