"""Processes of their own for what is measured or checked: none finds there what another one left."""

import os
from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any

SETTINGS = {"OPENBLAS_THREAD_TIMEOUT": "18", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
"""Idle BLAS threads of one process sleep after 2^18 clock ticks; they would spin for a tenth of a second and take a
core from the process whose turn it is. Inside a slice the gaps between products are shorter: its times stay the same.
JAX takes the memory of a GPU as it needs it; else it would take three quarters of it from the others."""


def start(target: Callable[..., None], *arguments: Any, daemon: bool) -> tuple[SpawnProcess, Connection]:
    """A fresh process that runs ``target(*arguments, pipe)``, and the other end of the pipe.

    Its environment has the SETTINGS, but for those that the user has set; a daemon has no processes of its own.
    """
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    added = SETTINGS.keys() - os.environ.keys()
    os.environ.update({name: SETTINGS[name] for name in added})
    try:
        process = context.Process(target=target, args=(*arguments, theirs), daemon=daemon)
        process.start()
    finally:
        for name in added:
            del os.environ[name]
    theirs.close()
    return process, ours
