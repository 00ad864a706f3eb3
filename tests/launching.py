"""Launch a program in several processes: by mpiexec of the package mpich, or by torchrun; never for longer than a test.

Each launch is a process group of its own, which is killed as a whole when the time is up.
"""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import pytest

import miniflow_xp

LONGEST = 120
"""Seconds after which a launch counts as one that hangs: a guard and no bound."""

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class Done(NamedTuple):
    """What a launch came to."""

    code: int
    output: str
    errors: str


def mpi_file(name):
    """A file of the package mpich."""
    pytest.importorskip("mpi4py", reason="mpi4py is not installed")
    try:
        files = metadata.files("mpich") or []
    except metadata.PackageNotFoundError:
        pytest.skip("no MPI is installed: pip install mpich")
    return next(Path(file.locate()).resolve() for file in files if file.name == name)


def launcher(engine, count):
    """The start of a command that launches ``count`` processes of Python."""
    if engine == "mpi":
        return [str(mpi_file("mpiexec")), "-n", str(count), sys.executable]
    pytest.importorskip("torch", reason="PyTorch is not installed")
    return [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(count)]


def start(engine, count, *arguments, **environment):
    """Start it; the process that is returned is the launcher."""
    library = {"MPI4PY_LIBMPI": str(mpi_file("libmpi.so.12"))} if engine == "mpi" else {}
    return run([*launcher(engine, count), *map(str, arguments)], **library, **environment)


def run(command, **environment):
    """Start a command in a process group of its own, where it finds the package and the tests."""
    paths = os.pathsep.join([str(Path(miniflow_xp.__file__).parents[1]), str(Path(__file__).parent)])
    return subprocess.Popen(
        command,
        env={**os.environ, **ONE_THREAD, "PYTHONPATH": paths, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish(process, seconds=LONGEST):
    """Wait for its end; whatever is left of it then is killed."""
    try:
        output, errors = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, errors = process.communicate()
        pytest.fail(f"it hangs; so far:\n{output}\n{errors}")
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    return Done(process.returncode, output, errors)


def launch(engine, count, *arguments, **environment):
    """Run it to its end."""
    return finish(start(engine, count, *arguments, **environment))
