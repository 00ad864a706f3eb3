"""The backends that tests run on, and a clean switch before and after each test.

``MINIFLOW_TEST_BACKENDS=numpy,torch:cuda`` runs only these. Without it every backend that can be used here runs; the
others are skipped with the reason that the switch gives. ``MINIFLOW_BACKEND=torch:cuda`` adds one to them. A backend
that either variable names and that cannot be used is a failure.
"""

import functools
import gc
import os
import signal
import subprocess
import sys
from tempfile import TemporaryDirectory

import pytest
from matrix import pytest_collection_modifyitems, pytest_terminal_summary  # noqa: F401  hooks: they count the matrix

from miniflow_xp import errors, switch
from miniflow_xp.system.collector import no_garbage_collection

pytest_plugins = ["functions_page", "passed", "thinned"]  # options, and which rows of the table of array functions run

NAMES = ("numpy", "torch", "jax", "strict", "cupy")
ONLY = tuple(filter(None, os.environ.get("MINIFLOW_TEST_BACKENDS", "").split(",")))
CHOSEN = ONLY or tuple(filter(None, [os.environ.get("MINIFLOW_BACKEND")]))
HANGS = 300
"""Seconds after which a process counts as one that hangs: a guard and no bound, as the longest takes a few."""

SETTINGS = (
    "MINIFLOW_BACKEND",
    "MINIFLOW_DATA_LIMIT",
    "MINIFLOW_DOWNCAST",
    "MINIFLOW_DTYPE",
    "MINIFLOW_PRECISION",
)


def pytest_configure(config):
    """What matplotlib keeps for its next start goes with the tests; it would stay in the user's home."""
    if "MPLCONFIGDIR" not in os.environ:  # else the user's own, or that of the process that started this one
        folder = TemporaryDirectory(prefix="matplotlib-")
        os.environ["MPLCONFIGDIR"] = folder.name
        config.add_cleanup(folder.cleanup)


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Tests that were collected stay: Python's collector, which many tests call, no longer looks at their objects."""
    with no_garbage_collection():
        yield
    gc.collect()
    gc.freeze()


def parameters():
    """One parameter a backend; those on a GPU carry the marker ``gpu``."""
    for choice in ONLY or dict.fromkeys(NAMES + CHOSEN):
        needs_gpu = choice.startswith("cupy") or ":cuda" in choice or ":gpu" in choice
        yield pytest.param(choice, marks=[pytest.mark.gpu] if needs_gpu else [], id=choice)


@functools.cache
def why_unusable(choice):
    """The reason why a backend cannot be used here, or an empty text."""
    try:
        if choice.startswith("jax"):
            import jax

            jax.config.update("jax_enable_x64", True)  # oracles and differences need float64
            jax.config.update("jax_default_matmul_precision", "highest")  # a GPU would take TF32 for float32
        switch.load(choice)
    except errors.BackendError as error:
        return f"{error.where}: {error.got}"
    except ImportError as error:
        return str(error)
    return ""


def forget_choice():
    """As in a new process: nothing chosen, the environment not yet read."""
    switch._process = None


@pytest.fixture(autouse=True)
def clean_switch(monkeypatch):
    """No setting from outside, and no process-wide choice that outlives a test."""
    for setting in SETTINGS:
        monkeypatch.delenv(setting, raising=False)
    forget_choice()
    yield
    forget_choice()


USUAL = {
    getattr(signal, name): handler
    for name, handler in (
        ("SIGINT", signal.default_int_handler),
        ("SIGTERM", signal.SIG_DFL),
        ("SIGHUP", signal.SIG_DFL),
    )
    if hasattr(signal, name)
}


@pytest.fixture
def usual_signals():
    """Signals do what they usually do, here and in processes of the test, however the suite itself was started."""
    before = {number: signal.signal(number, handler) for number, handler in USUAL.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.fixture(params=parameters())
def backend(request):
    """Each usable backend in turn, in use for the length of the test."""
    reason = why_unusable(request.param)
    if reason and request.param in CHOSEN:
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)
    with switch.use_backend(request.param) as chosen:
        yield chosen


@pytest.fixture
def run_python():
    """Runs a program in a process of its own, with these settings; returns the finished process."""

    def run(program, *arguments, status=0, **environment):
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", program, *arguments],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stderr
        return done

    return run
