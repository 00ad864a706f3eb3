"""A recorded function, laid out in planned buffers and replayed call by call."""

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np

from miniflow_xp.backend import Array, Backend, Capture
from miniflow_xp.backends.numpy.blas import blas_threads
from miniflow_xp.backends.numpy.emit import Emitter
from miniflow_xp.backends.numpy.primitives import (
    in_c_order,
    kind,
    native_power,
    native_sigmoid,
    root,
    size,
    without_means,
)
from miniflow_xp.backends.numpy.rows import CUT, PARTIAL, ROWS, WHOLE, cut
from miniflow_xp.backends.numpy.select import Call
from miniflow_xp.backends.numpy.storage import PHASE, Storage
from miniflow_xp.backends.numpy.threads import run, run_at_once, run_whole
from miniflow_xp.recording.equations import Value
from miniflow_xp.recording.patterns import joined
from miniflow_xp.recording.tape import record
from miniflow_xp.system.locks import lock

ALIGNMENT = 64  # bytes: a cache line, and the widest vector register
# bytes of products with a row each; below, two threads gain less than a BLAS thread that still spins costs
WORTH_THREADS = 1 << 23
CHUNK_BYTES = 1 << 20  # of the widest product a chunk: half a typical second-level cache
CHUNK_ROWS = 2048


class NumpyCapture(Capture):
    """``function(xp, *arrays)`` for arrays of these shapes and dtypes.

    The first ``state`` arguments are kept here and replaced by the first ``state`` results at every call, which takes
    the other arguments and returns the other results, as arrays that nothing overwrites. Where it pays, the batch (the
    first axis of ``arrays`` of more than one axis) is run in chunks of rows on several threads.

    The state is renewed as a whole or not at all, whatever interrupts the call: Ctrl-C, or a fork in another thread.
    Where NumPy is set to raise errors, one in the update is raised after the update.
    """

    def __init__(
        self, backend: Backend, function: Callable[..., Sequence[Array]], arrays: Sequence[np.ndarray], state: int
    ) -> None:
        self._lock = lock(fork_waits=True)
        self.inputs = [aligned_copy(a) for a in arrays]
        values, results = record(function, backend.xp, self.inputs, in_c_order)
        values = without_means(joined(values, results, native_sigmoid, native_power))
        arguments = [v for v in values if v.op == "argument"]
        self.state, self.given = self.inputs[:state], self.inputs[state:]
        run = [v for v in values if kind(v) not in ("argument", "constant")]
        self._choose_rows(values, arguments[state:], results, run)
        run.sort(key=lambda v: PHASE[self.states[v]])
        donated = list(zip(results[:state], arguments[:state], strict=True))
        self.storage = Storage(run, results, self.states, dict(reversed(donated)), (self.rows, max(1, self.batch)))
        self._emit(run, results, dict(zip(arguments, self.inputs, strict=True)), donated, backend.xp)
        self.how = self._made()

    def __call__(self, *arrays: np.ndarray) -> list[np.ndarray]:
        """Copy ``arrays`` in, run, and return copies of the results that are not state."""
        with self._lock:
            for buffer, array in zip(self.given, arrays, strict=True):
                buffer[...] = array
            if self.threads == 1:
                run(self.parts[0])
            else:
                run(self.before)
                run_at_once(self.parts)
                run(self.after)
            if self.renewal:
                run_whole(self.renewal)
            return [out.copy() for out in self.outputs]

    def _made(self) -> str:
        chunks = f", {self.rows} rows at a time on {self.threads} threads" if self.batch else ""
        around = len(self.before) + len(self.after) if self.batch else 0
        calls = around + sum(map(len, self.parts)) + len(self.renewal)
        memory = sum(b.size * b.dtype.itemsize for b in self.storage.buffers)
        return f"recorded and replayed, {calls} NumPy calls into {memory:,} bytes of buffers{chunks}"

    def read(self, number: int) -> np.ndarray:
        """A copy of a state."""
        with self._lock:
            return self.state[number].copy()

    def write(self, number: int, array: Any) -> None:
        """Set a state."""
        with self._lock:
            self.state[number][...] = array

    def _choose_rows(
        self, values: Sequence[Value], candidates: Sequence[Value], results: Sequence[Value], run: Sequence[Value]
    ) -> None:
        """Choose the threads and the rows of a chunk: ``batch`` rows in all, 0 where the step runs whole."""
        self.batch, self.threads, self.rows = 0, 1, 1
        self.states = {v: WHOLE for value in values for v in (value, *value.parents)}
        batched = [v for v in candidates if len(v.shape) > 0]
        lengths = {v.shape[0] for v in batched}
        if len(lengths) != 1 or blas_threads() < 2:
            return
        (length,) = lengths
        states = cut(values, batched, length)
        if states is None or any(states.get(r) in CUT for r in results):
            return
        wide = [v for v in run if states[v] == ROWS and kind(v) == "product"]
        if sum(nbytes(v) for v in wide) < WORTH_THREADS or length < 2:
            return
        self.states, self.batch, self.threads = states, length, min(blas_threads(), length)
        per_thread = -(-length // self.threads)
        at_most = max(CHUNK_ROWS, CHUNK_BYTES * length // nbytes(wide[0]))
        chunks = -(-per_thread // at_most)
        self.rows = -(-per_thread // chunks)

    def _emit(
        self,
        values: Sequence[Value],
        results: Sequence[Value],
        arguments: dict[Value, np.ndarray],
        donated: Sequence[tuple[Value, Value]],
        xp: Any,
    ) -> None:
        first = next((n for n, v in enumerate(values) if self.storage.renews(v)), len(values))
        by_phase: tuple[list[Value], ...] = [], [], []
        for value in values[:first]:
            by_phase[PHASE[self.states[value]]].append(value)
        common: dict[Hashable, np.ndarray] = {
            n: aligned(b.size, b.dtype) for n, b in enumerate(self.storage.buffers) if PHASE[b.state] != 1
        }
        lengths = [self.rows, *(v.inputs[0].shape[0] for v in values if v.op == "sum" and v.inputs[0].shape)]
        floats = (v.dtype for v in values if v.dtype is not None and np.issubdtype(v.dtype, np.floating))
        ones = aligned(max(lengths), next(floats, np.dtype("float32")))
        ones[...] = 1

        def emitter(buffers: dict[Hashable, np.ndarray], start: int, stop: int) -> Emitter:
            return Emitter(self.storage, arguments, buffers, ones, (start, stop), xp)

        whole = emitter(common, 0, self.batch)
        self.before = whole.calls(by_phase[0])
        own = [self._own_buffers(common) for _ in range(self.threads)]
        if self.batch:
            self.parts = [self._thread(emitter, buffers, n, by_phase[1]) for n, buffers in enumerate(own)]
        else:
            self.parts = [[]]
        last = emitter(own[0], 0, self.batch) if self.batch else whole
        partial = [n for n, b in enumerate(self.storage.buffers) if b.state == PARTIAL]
        self.after = [add_into(own[0][n], other[n]) for other in own[1:] for n in partial]
        self.after += last.calls(by_phase[2])
        renewal = last.calls(values[first:])
        outputs = [np.asarray(last.array(r)) for r in results[len(self.state) :]]
        renewed = {old for new, old in donated if new is not old}
        for n, result in enumerate(results[len(self.state) :]):
            if root(result) in renewed:  # an old state: keep it before the new one is written over it
                kept = np.empty_like(outputs[n])
                renewal.append(copy_into(kept, outputs[n]))
                outputs[n] = kept
        renewal += write_back(last, donated)
        self.renewal = [(function, *args) for function, args in renewal]
        if self.threads == 1:
            self.parts = [self.before + self.parts[0] + self.after]
        self.outputs = outputs

    def _own_buffers(self, common: dict[Hashable, np.ndarray]) -> dict[Hashable, np.ndarray]:
        own = {n: aligned(b.size, b.dtype) for n, b in enumerate(self.storage.buffers) if n not in common}
        return common | own

    def _thread(
        self, emitter: Callable[..., Emitter], own: dict[Hashable, np.ndarray], number: int, body: Sequence[Value]
    ) -> list[Call]:
        """The calls of one thread, its rows in chunks; the sums of later chunks are added to those of the first."""
        per_thread = -(-self.batch // self.threads)
        start, stop = number * per_thread, min(self.batch, (number + 1) * per_thread)
        partial = [n for n, b in enumerate(self.storage.buffers) if b.state == PARTIAL]
        apart = own | {n: aligned(self.storage.buffers[n].size, self.storage.buffers[n].dtype) for n in partial}
        calls: list[Call] = []
        for first in range(start, stop, self.rows):
            buffers = own if first == start else apart
            calls += emitter(buffers, first, min(first + self.rows, stop)).calls(body)
            calls += [add_into(own[n], apart[n]) for n in partial if first != start]
        return calls


def write_back(emitter: Emitter, donated: Sequence[tuple[Value, Value]]) -> list[Call]:
    """Copy new states that could not be written in place over the old ones; all are read before any is written."""
    moves = [(emitter.array(old), emitter.array(new)) for new, old in donated if new is not old]
    moves = [(old, new) for old, new in moves if new is not old]
    if not moves:
        return []
    held = [(np.empty_like(old), old, new) for old, new in moves]
    return [*(copy_into(kept, new) for kept, _, new in held), *(copy_into(old, kept) for kept, old, _ in held)]


def copy_into(out: np.ndarray, source: np.ndarray) -> Call:
    """The call ``out[...] = source``."""
    return out.__setitem__, (..., source)


def nbytes(value: Value) -> int:
    """Bytes that a value takes."""
    return size(value) * int(np.dtype(value.dtype).itemsize)


def aligned(elements: int, dtype: np.dtype) -> np.ndarray:
    """A flat array of zeros that begins at a multiple of ALIGNMENT."""
    raw = np.zeros(elements * dtype.itemsize + ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % ALIGNMENT
    result: np.ndarray = raw[start : start + elements * dtype.itemsize].view(dtype)
    return result


def aligned_copy(array: Any) -> np.ndarray:
    """An aligned copy in C order."""
    array = np.asarray(array)
    copy = aligned(array.size, array.dtype).reshape(array.shape)
    copy[...] = array
    return copy


def add_into(total: np.ndarray, term: np.ndarray) -> Call:
    """The call ``total += term``."""
    return np.add, (total, term, total)
