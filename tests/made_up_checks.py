"""Checks in the form of ``verify-gpu``'s, for tests: each goes wrong in a way of its own."""

import os
import threading


def fine(figures):
    figures["fine"] = 1.5


def raises(figures):
    figures["told before"] = [1, float("inf")]
    raise ZeroDivisionError("slip")


def crashes(figures):
    figures["told before"] = 2
    os._exit(3)


def hangs(figures):
    threading.Event().wait()


def environment(figures):
    figures["XLA_PYTHON_CLIENT_PREALLOCATE"] = os.environ.get("XLA_PYTHON_CLIENT_PREALLOCATE")
