"""A pytest plugin that plants the fault which PLANTED_FAULT names: ``pytest -p gpu_standin.faults``."""

import os
from unittest.mock import patch

import cupy
from cupy_backends.cuda.libs import cublas
from cupyx import lapack

from miniflow_xp.backends.copy_stream import CopyStream
from miniflow_xp.backends.cupy import capture


def streams_do_not_wait_for_each_other():
    """A graph is launched while another stream has not done its part."""
    capture.CupyCapture._follow = lambda self, stream: None


def steps_do_not_wait_for_copies():
    """A batch is handed out while it is on its way."""
    CopyStream.finish = lambda self, started: started[0]


def results_are_not_copied():
    """Callers get the arrays that the next launch writes to."""
    real = capture.CupyCapture.__call__

    def call(self, *arrays):
        with patch.object(capture, "copied", lambda array: array):
            return real(self, *arrays)

    capture.CupyCapture.__call__ = call


def memory_is_shared():
    """What a graph freed while it was captured goes to whoever asks next."""
    cupy.cuda.MemoryPool = cupy.get_default_memory_pool


def systems_are_solved_on_another_stream():
    """A solution is read while it is on its way."""
    real = lapack.gesv

    def gesv(a, b):
        with cupy.cuda.Stream(non_blocking=True):
            real(a, b)

    lapack.gesv = gesv


def the_other_triangle_is_factored():
    """cuSOLVER goes down columns, so that the lower triangle of rows is its upper one."""
    cublas.CUBLAS_FILL_MODE_UPPER = cublas.CUBLAS_FILL_MODE_LOWER


def pytest_configure():
    if fault := os.environ.get("PLANTED_FAULT"):
        globals()[fault]()
