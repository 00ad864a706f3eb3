"""A recorded function, laid out in planned buffers and replayed call by call."""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from functools import cache, partial
from math import prod
from typing import Any

import numpy as np

from miniflow_xp.backend import Array, Backend, Capture
from miniflow_xp.backends.numpy.blas import blas_threads
from miniflow_xp.backends.numpy.contractions import with_products
from miniflow_xp.backends.numpy.emit import Emitter
from miniflow_xp.backends.numpy.primitives import (
    in_c_order,
    kind,
    native_factor,
    native_power,
    native_sigmoid,
    native_triangle,
    root,
    size,
    with_small_constants,
    without_means,
)
from miniflow_xp.backends.numpy.reductions import SHORT
from miniflow_xp.backends.numpy.rows import COLUMNS, CUT, PARTIAL, ROWS, States, cut, state_in
from miniflow_xp.backends.numpy.scratch import Call
from miniflow_xp.backends.numpy.storage import PHASE, Storage
from miniflow_xp.backends.numpy.threads import Rows, run, run_at_once, run_rows, run_whole
from miniflow_xp.recording.equations import Value
from miniflow_xp.recording.patterns import joined
from miniflow_xp.recording.tape import record
from miniflow_xp.system.locks import lock

ALIGNMENT = 64  # bytes: a cache line, and the widest vector register
# bytes of products with a row each; below, two threads gain less than a BLAS thread that still spins costs
WORTH_THREADS = 1 << 23
WORTH_A_CALL = 1 << 17  # bytes of such a product, on average: threads wait for each other between shorter calls
CHUNK_BYTES = 1 << 20  # of the widest product a chunk: half a typical second-level cache
CHUNK_ROWS = 2048
# of the widest value a chunk, where there are no products: in shorter calls, too, threads wait for each other
BLOCK_BYTES = 1 << 18


class NumpyCapture(Capture):
    """``function(xp, *arrays)`` for arrays of these shapes and dtypes.

    The first ``state`` arguments are kept here and replaced by the first ``state`` results at every call, which takes
    the other arguments and returns the other results, as arrays that nothing overwrites. Where it pays, the batch (the
    first axis of the largest array, and of those that share it) is run in chunks of rows, on several threads.

    The state is renewed as a whole or not at all, whatever interrupts the call: Ctrl-C, or a fork in another thread.
    Where NumPy is set to raise errors, one in the update is raised after the update.
    """

    def __init__(
        self, backend: Backend, function: Callable[..., Sequence[Array]], arrays: Sequence[np.ndarray], state: int
    ) -> None:
        self._lock = lock(fork_waits=True)
        self.inputs = [aligned_copy(a) for a in arrays]
        values, results = record(function, backend.xp, self.inputs, in_c_order)
        values, results = with_small_constants(values, results)
        values = joined(values, results, native_sigmoid, native_power, native_triangle, native_factor)
        values = with_products(without_means(values))
        arguments = [v for v in values if v.op == "argument"]
        self.state = self.inputs[:state]
        run = [v for v in values if kind(v) not in ("argument", "constant")]
        self.equations = Counter(v.op for v in run)
        self._choose_rows(values, arguments[state:], results[:state], results[state:], run)
        run.sort(key=lambda v: PHASE[state_in(self.states, v)])
        donated = list(zip(results[:state], arguments[:state], strict=True))
        self.storage = Storage(run, results, self.states, dict(reversed(donated)), (self.rows, max(1, self.batch)))
        whole = [(v, a) for v, a in zip(arguments, self.inputs, strict=True) if state_in(self.states, v) != ROWS]
        given = zip(arguments[state:], self.inputs[state:], strict=True)
        self.given = [(n, b) for n, (v, b) in enumerate(given) if state_in(self.states, v) != ROWS]
        self.inputs = [b for _, b in whole]
        self._emit(run, results, arguments[state:], dict(whole), donated, backend.xp)
        self.how = self._made()
        del self.states, self.storage  # the calls need nothing of what was recorded

    def __call__(self, *arrays: np.ndarray) -> list[np.ndarray]:
        """Copy ``arrays`` in, run, and return copies of the results that are not state."""
        with self._lock:
            for number, buffer in self.given:
                buffer[...] = arrays[number]
            run(self.before)  # all of it, where the step is not cut
            found: list[Any] = [None if out is not None else np.empty(*form) for out, form in self.outputs]
            if self.batch:
                run_at_once([partial(run_rows, part, arrays, found) for part in self.parts])
                run(self.after)
            if self.renewal:
                run_whole(self.renewal)
            return [new if out is None else out.copy() for new, (out, _) in zip(found, self.outputs, strict=True)]

    def _made(self) -> str:
        threads = f"{self.threads} threads" if self.threads > 1 else "one thread"
        chunks = f", {self.rows} rows at a time on {threads}" if self.batch else ""
        in_chunks = sum(len(rows.calls) for part in self.parts for rows in part)
        calls = len(self.before) + in_chunks + len(self.after) + len(self.renewal)
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
        self,
        values: Sequence[Value],
        candidates: Sequence[Value],
        renewed: Sequence[Value],
        results: Sequence[Value],
        run: Sequence[Value],
    ) -> None:
        """Choose the threads and the rows of a chunk: ``batch`` rows in all, 0 where the step runs whole."""
        self.batch, self.threads, self.rows = 0, 1, 1
        self.states: States = {}
        length = max(((nbytes(v), v.shape[0]) for v in candidates if v.shape), default=(0, 0))[1]
        forms = {(v.shape, v.dtype): v for v in run}  # of each, one: equal layers have few
        if length < 2 or max(map(nbytes, forms.values()), default=0) < min(WORTH_A_CALL, BLOCK_BYTES):
            return
        states = cut(values, [v for v in candidates if v.shape[:1] == (length,)], length)
        if states is None or any(states.get(r) in CUT for r in renewed):
            return
        if any(states.get(r) == COLUMNS for r in results):
            return
        inner = [v for v in run if states[v] in CUT]
        products = [v for v in run if kind(v) == "product" and any(states[p] in CUT for p in v.parents)]
        wide = [v for v in products if states[v] == ROWS] if products else inner
        enough = max(WORTH_THREADS, WORTH_A_CALL * len(wide))
        worth_threads = blas_threads() > 1 and sum(map(nbytes, wide)) >= enough
        if products:
            at_most = max(CHUNK_ROWS, CHUNK_BYTES * length // nbytes(wide[0])) if wide else length
        else:
            at_most = max(1, BLOCK_BYTES * length // max(map(nbytes, inner), default=1))
        if not worth_threads and (products or at_most >= length):
            return
        self.states, self.batch = states, length
        self.threads = min(blas_threads(), length) if worth_threads else 1
        per_thread = -(-length // self.threads)
        chunks = -(-per_thread // at_most)
        self.rows = -(-per_thread // chunks)

    def _emit(
        self,
        values: Sequence[Value],
        results: Sequence[Value],
        given: Sequence[Value],
        whole_arguments: dict[Value, np.ndarray],
        donated: Sequence[tuple[Value, Value]],
        xp: Any,
    ) -> None:
        first = next((n for n, v in enumerate(values) if self.storage.renews(v)), len(values))
        by_phase: tuple[list[Value], ...] = [], [], []
        for value in values[:first]:
            by_phase[PHASE[state_in(self.states, value)]].append(value)
        common: dict[Hashable, np.ndarray] = {
            n: aligned(b.size, b.dtype) for n, b in enumerate(self.storage.buffers) if PHASE[b.state] != 1
        }
        lengths = [
            self.rows,
            SHORT["sum"],
            *(v.inputs[0].shape[0] for v in values if v.op == "sum" and v.inputs[0].shape),
        ]
        floats = (v.dtype for v in values if v.dtype is not None and np.issubdtype(v.dtype, np.floating))
        ones = aligned(max(lengths), next(floats, np.dtype("float32")))
        ones[...] = 1

        def emitter(buffers: dict[Hashable, np.ndarray], rows: int) -> Emitter:
            return Emitter(self.storage, whole_arguments, buffers, ones, rows, xp)

        shown = results[len(self.state) :]
        arguments = [(n, v) for n, v in enumerate(given) if state_in(self.states, v) == ROWS]
        by_rows = [(n, r) for n, r in enumerate(shown) if state_in(self.states, r) == ROWS]
        whole = emitter(common, self.batch)
        self.before = whole.calls(by_phase[0])
        own = [self._own_buffers(common, arguments) for _ in range(self.threads)]
        self.parts = [
            self._thread(emitter, buffers, n, by_phase[1], arguments, by_rows)
            for n, buffers in enumerate(own if self.batch else [])
        ]
        last = emitter(own[0], self.batch) if self.batch else whole
        sums = [n for n, b in enumerate(self.storage.buffers) if b.state == PARTIAL]
        self.after = [add_into(own[0][n], other[n]) for other in own[1:] for n in sums]
        self.after += last.calls(by_phase[2])
        renewal = last.calls(values[first:])
        outputs: list[np.ndarray | None] = [None] * len(shown)
        renewed = {old for new, old in donated if new is not old}
        for n, result in enumerate(shown):
            if (n, result) in by_rows:
                continue
            out = np.asarray(last.array(result))
            if root(result) in renewed:  # an old state: keep it before the new one is written over it
                kept = np.empty_like(out)
                renewal.append(copy_into(kept, out))
                out = kept
            outputs[n] = out
        renewal += write_back(last, donated)
        self.renewal = [(function, *args) for function, args in renewal]
        self.outputs = [(out, (r.shape, r.dtype)) for out, r in zip(outputs, shown, strict=True)]

    def _own_buffers(
        self, common: dict[Hashable, np.ndarray], arguments: Sequence[tuple[int, Value]]
    ) -> dict[Hashable, np.ndarray]:
        """The buffers of one thread: for some rows at a time of values, and of the arguments that are cut."""
        own = {n: aligned(b.size, b.dtype) for n, b in enumerate(self.storage.buffers) if n not in common}
        rows = {v: (self.rows, *v.shape[1:]) for _, v in arguments}
        return common | own | {v: aligned(prod(shape), v.dtype).reshape(shape) for v, shape in rows.items()}

    def _thread(
        self,
        emitter: Callable[..., Emitter],
        own: dict[Hashable, np.ndarray],
        number: int,
        body: Sequence[Value],
        arguments: Sequence[tuple[int, Value]],
        results: Sequence[tuple[int, Value]],
    ) -> list[Rows]:
        """The chunks of one thread; the sums of later ones are added to those of the first.

        Chunks of the same length share their calls.
        """
        per_thread = -(-self.batch // self.threads)
        start, stop = number * per_thread, min(self.batch, (number + 1) * per_thread)
        sums = [n for n, b in enumerate(self.storage.buffers) if b.state == PARTIAL]
        apart = own | {n: aligned(self.storage.buffers[n].size, self.storage.buffers[n].dtype) for n in sums}

        @cache
        def chunk(is_first: bool, rows: int) -> tuple[Any, ...]:
            here = emitter(own if is_first else apart, rows)
            calls = here.calls(body) + [add_into(own[n], apart[n]) for n in sums if not is_first]
            return [(n, here.array(v)) for n, v in arguments], calls, [(n, here.array(r)) for n, r in results]

        return [
            Rows(first, last, *chunk(first == start, last - first))
            for first in range(start, stop, self.rows)
            for last in [min(first + self.rows, stop)]
        ]


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
