"""Processes of their own for what is measured or checked: none finds there what another one left."""

import os
from collections.abc import Callable, Mapping
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any

SETTINGS = {"OPENBLAS_THREAD_TIMEOUT": "18", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
"""Idle BLAS threads of one process sleep after 2^18 clock ticks; they would spin for a tenth of a second and take a
core from the process whose turn it is. Inside a slice the gaps between products are shorter: its times stay the same.
JAX takes the memory of a GPU as it needs it; else it would take three quarters of it from the others."""


ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""Settings for a process whose BLAS works with one thread."""


def start(
    target: Callable[..., None], *arguments: Any, daemon: bool, settings: Mapping[str, str] | None = None
) -> tuple[SpawnProcess, Connection]:
    """A fresh process that runs ``target(*arguments, pipe)``, and the other end of the pipe.

    Its environment has the SETTINGS, but for those that the user has set, and ``settings``; a daemon has no processes
    of its own.
    """
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    added = {name: value for name, value in SETTINGS.items() if name not in os.environ} | dict(settings or {})
    before = {name: os.environ.get(name) for name in added}
    os.environ.update(added)
    try:
        process = context.Process(target=target, args=(*arguments, theirs), daemon=daemon)
        process.start()
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
    theirs.close()
    return process, ours
