"""A step as a CUDA graph on fixed buffers.

Not seen on a GPU yet: the order of the calls is tested with a stand-in for CUDA, the calls themselves are not.
"""

import gc
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import cupy

from miniflow_xp.backend import Array, Backend
from miniflow_xp.backends.cupy_graph.gpu import Gpu, overwrite
from miniflow_xp.backends.cupy_graph.plan import Plan
from miniflow_xp.backends.precision import tf32_wanted
from miniflow_xp.locks import lock
from miniflow_xp.trace import record

WARM_UPS = 2  # kernels are compiled, libraries loaded and memory taken: none of it may happen while capturing


class CupyCapture:
    """``function(xp, *arrays)`` for arrays of these shapes and dtypes; its first ``state`` arguments are kept here.

    A call copies the other arguments into fixed buffers, launches the graph, which renews the state in place, and
    copies the other results out: all of it on the caller's current stream, and without waiting for the device. Where
    the step cannot be captured, the same calls are made one by one; ``how`` and a RuntimeWarning say why.
    """

    def __init__(
        self, backend: Backend, function: Callable[..., Sequence[Array]], arrays: Sequence[Array], state: int
    ) -> None:
        self._backend = backend
        self._lock = lock()
        self._graph: Any = None
        self._outputs: list[Array] = []
        with backend.activate():
            self._stream = self._last = cupy.cuda.Stream(non_blocking=True)
            self._pool = (
                cupy.cuda.MemoryPool()
            )  # freed memory of a shared pool could be reused while the graph reads it
            values, results = record(function, backend.xp, arrays)
            device = Gpu(backend.xp, tf32_wanted())
            self._plan = Plan(values, results, state, device)
            del values, results
            self._buffers = [copied(array) for array in arrays]
            self._count = state
            why = self._prepare()
        self.how = f"{self._plan.describe()}, {device.describe()}" + (f", not captured: {why}" if why else "")
        if why:
            warnings.warn(f"the step is not captured as a CUDA graph: {why}", RuntimeWarning, stacklevel=2)

    def __call__(self, *arrays: Array) -> list[Array]:
        """Run once, on the arrays that are not state; returns the results that are not, in new arrays."""
        with self._lock, self._backend.activate():
            self._follow(cupy.cuda.get_current_stream())
            for buffer, array in zip(self._buffers[self._count :], arrays, strict=True):
                overwrite(buffer, array)
            if self._graph is None:
                return self._plan.run(self._buffers)
            self._graph.launch()
            return [copied(array) for array in self._outputs]

    def read(self, number: int) -> Array:
        """A copy of a state."""
        with self._lock, self._backend.activate():
            self._follow(cupy.cuda.get_current_stream())
            return copied(self._buffers[number])

    def write(self, number: int, array: Array) -> None:
        """Set a state."""
        with self._lock, self._backend.activate():
            self._follow(cupy.cuda.get_current_stream())
            overwrite(self._buffers[number], array)

    def _follow(self, stream: Any) -> None:
        """Let ``stream`` wait for what was asked of these buffers on another one."""
        if stream.ptr != self._last.ptr:
            stream.wait_event(self._last.record())
            self._last = stream

    def _prepare(self) -> str:
        """Warm up and capture on our own stream, the state as before; returns why not, or an empty text."""
        if self._plan.unsafe:
            return "; ".join(self._plan.unsafe)
        saved = [copied(buffer) for buffer in self._buffers[: self._count]]
        self._stream.wait_event(cupy.cuda.get_current_stream().record())
        with self._stream, cupy.cuda.using_allocator(self._pool.malloc):
            try:
                for _ in range(WARM_UPS):
                    self._plan.run(self._buffers)
                self._graph, self._outputs, why = self._capture()
            finally:
                for buffer, array in zip(self._buffers, saved, strict=False):
                    overwrite(buffer, array)
                self._stream.synchronize()  # ``saved`` is memory of another stream: it must not be freed before
        return why

    def _capture(self) -> tuple[Any, list[Array], str]:
        """(graph, the arrays it leaves its results in, why it failed): capture mode is left whatever happens."""
        self._stream.synchronize()
        try:
            with no_garbage_collection():
                graph, outputs = self._record_graph()
            graph.upload(self._stream)
        except MemoryError:
            raise
        except Exception as error:
            return None, [], f"{type(error).__name__}: {error}"
        return graph, outputs, ""

    def _record_graph(self) -> tuple[Any, list[Array]]:
        self._stream.begin_capture()
        try:
            outputs = self._plan.run(self._buffers)
        except BaseException:
            with suppress(Exception):  # it may say that the capture is invalid, which is known
                self._stream.end_capture()
            raise
        return self._stream.end_capture(), outputs


def copied(array: Array) -> Array:
    """The same contents in new memory, rows end to end."""
    new = cupy.empty(array.shape, array.dtype)
    overwrite(new, array)
    return new


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    """Inside, nothing is collected: freeing an old graph or event while capturing would end the capture."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
