"""A step as a CUDA graph on fixed buffers.

Not seen on a GPU yet, only with CuPy's own wheel on a CUDA that is played, where a missing wait is a wrong number.
"""

import warnings
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import cupy

from miniflow_xp.backend import Array, Backend, Capture
from miniflow_xp.backends.cupy.gpu import Gpu, copied, overwrite
from miniflow_xp.backends.cupy.plan import Plan
from miniflow_xp.backends.cupy.turns import undisturbed, when_undisturbed
from miniflow_xp.backends.precision import tf32_wanted
from miniflow_xp.recording.tape import record
from miniflow_xp.system.collector import no_garbage_collection
from miniflow_xp.system.locks import lock

WARM_UPS = 2  # kernels are compiled, libraries loaded and memory taken: none of it may happen while capturing


class CupyCapture(Capture):
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
        self._count = state
        with backend.activate():
            self._stream = self._last = cupy.cuda.Stream(non_blocking=True)
            self._pool = cupy.cuda.MemoryPool()  # memory of a shared one could be reused while the graph reads it
            weakref.finalize(self, give_back, backend, vars(self)).atexit = False  # at exit CUDA may be gone already
            values, results = record(function, backend.xp, arrays)
            with undisturbed():
                with self._own_memory():
                    device = Gpu(backend.xp, tf32_wanted())
                    self._plan = Plan(values, results, state, device)
                    self._buffers = [copied(array) for array in arrays]
                    self._stream.synchronize()  # what was copied is memory of another stream
                del values, results
                cupy.get_default_memory_pool().free_all_blocks()  # what recording took is free for the graph
                why = self.why_plain = self._prepare()
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
        with self._own_memory():
            saved = [copied(buffer) for buffer in self._buffers[: self._count]]
            try:
                for _ in range(WARM_UPS):
                    self._plan.run(self._buffers)
                why = self._capture() and self._capture()  # once more: something outside may have spoiled the first
            finally:
                for buffer, array in zip(self._buffers, saved, strict=False):
                    overwrite(buffer, array)
        return why

    @contextmanager
    def _own_memory(self) -> Iterator[None]:
        """Inside, work goes to our own stream, after what was asked before, and memory comes from our own pool."""
        self._stream.wait_event(cupy.cuda.get_current_stream().record())
        with self._stream, cupy.cuda.using_allocator(self._pool.malloc):
            yield

    def _capture(self) -> str:
        """Capture the graph; returns why it failed, or an empty text. Capture mode is left whatever happens."""
        self._stream.synchronize()
        try:
            with no_garbage_collection():  # freeing an old graph or event would end the capture
                graph, outputs = self._record_graph()
            graph.upload(self._stream)
        except MemoryError:
            raise
        except Exception as error:
            return f"{type(error).__name__}: {error}"
        self._graph, self._outputs = graph, outputs
        return ""

    def _record_graph(self) -> tuple[Any, list[Array]]:
        self._stream.begin_capture()
        try:
            outputs = self._plan.run(self._buffers)
        except BaseException:
            with suppress(Exception):  # it may say that the capture is invalid, which is known
                self._stream.end_capture()
            raise
        return self._stream.end_capture(), outputs


def give_back(backend: Backend, held: dict[str, Any]) -> None:
    """Free the memory of a capture that was dropped, whose attributes are ``held``, once the device is through with it.

    CuPy from 14.1 on loses the memory of a pool that is dropped: its arenas and its free memory hold each other where
    the garbage collector does not look.
    """

    def free() -> None:
        with backend.activate():
            pool = held["_pool"]
            held["_last"].synchronize()
            held.clear()
            pool.free_all_blocks()

    when_undisturbed(free)
