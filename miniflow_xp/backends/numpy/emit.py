"""From equations and buffers to NumPy calls: a list of (function, arguments) on fixed arrays."""

import math
from collections.abc import Hashable, Mapping, MutableMapping, Sequence
from functools import cache, partial
from typing import Any

import numpy as np

from miniflow_xp.arrays.operators import function_of
from miniflow_xp.backends.numpy.primitives import COPIED, kind, ufunc
from miniflow_xp.backends.numpy.reductions import reduce
from miniflow_xp.backends.numpy.rows import COLUMNS, ROWS, state_in
from miniflow_xp.backends.numpy.scratch import Call
from miniflow_xp.backends.numpy.select import where
from miniflow_xp.backends.numpy.storage import Storage
from miniflow_xp.recording.equations import Value

AXES = {ROWS: 0, COLUMNS: 1}  # along which a value is cut
SMALL_PRODUCT = 1 << 14  # elements; up to here `dot`, which has less overhead a call but clears its result first


class Emitter:
    """Writes the calls for ``rows`` rows of the batch; the arguments that are cut lie in ``buffers``, too."""

    def __init__(
        self,
        storage: Storage,
        arguments: Mapping[Value, np.ndarray],
        buffers: MutableMapping[Hashable, np.ndarray],
        ones: np.ndarray,
        rows: int,
        xp: Any,
    ) -> None:
        self.storage = storage
        self.arguments = arguments
        self.buffers = buffers
        self.ones = ones
        self.rows = rows
        self.xp = xp
        self._arrays: dict[Any, Any] = {}
        self._several: dict[Value, list[Any]] = {}  # the results of each call that gives several, until they are taken

    def calls(self, run: Sequence[Value]) -> list[Call]:
        """The calls that compute ``run``, in order."""
        return [call for value in run for call in self.call(value)]

    def array(self, value: Value) -> Any:
        """The array in which a value lies; for a value of the same place and shape, the same object.

        NumPy checks two views for overlap at every call, but not an object against itself.
        """
        found = self._arrays.get(value)
        if found is None:
            found = self._arrays[value] = self._find(value)
        return found

    def _find(self, value: Value) -> Any:
        if value.op == "argument":
            is_cut = state_in(self.storage.states, value) == ROWS
            return self.buffers[value][: self.rows] if is_cut else self.arguments[value]
        if value.is_constant:
            return np.asarray(value.content)
        shape = self.shape(value)
        if kind(value) == "view":
            return view(value, self.array(value.inputs[0]), shape)
        holder, offset = self.storage.inside.get(value, (value, 0))
        slot = self.storage.slot[holder]
        if isinstance(slot, Value):
            return self.array(slot)
        place = (slot, offset, shape, value.dtype)
        if place not in self._arrays:
            self._arrays[place] = self.buffers[slot][offset : offset + math.prod(shape)].reshape(shape)
        return self._arrays[place]

    def shape(self, value: Value) -> tuple[int, ...]:
        """Shape of a value on these rows."""
        axis = AXES.get(state_in(self.storage.states, value))
        if axis is None:
            return value.shape
        return tuple(self.rows if n == axis else length for n, length in enumerate(value.shape))

    def call(self, value: Value) -> list[Call]:
        """The calls that compute one value."""
        what = kind(value)
        if what == "view" or (what == "concat" and self.storage.is_free(value)):
            return []
        if what == "several":
            return [self.several_results(value)]
        out = self.array(value)
        if what == "concat":
            return [(np.concatenate, ([self.array(p) for p in value.parents], 0, out))]
        if what == "reduction":
            return reduce(value, self.array(value.inputs[0]), out, self.ones, self.buffers)
        if what == "product":
            return [product(self.array(value.inputs[0]), self.array(value.inputs[1]), out)]
        if what == "sigmoid":
            return sigmoid(self.array(value.inputs[0]), out)
        if what in ("ufunc", "where"):
            operands = [self.number(v, value) if v.is_number else self.array(v) for v in value.inputs]
            if what == "where":
                condition, x, y = operands
                zero, fixed = is_zero(value.inputs[1]), value.inputs[0].is_constant
                return where(out, condition, x, y, zero, None if fixed else self.buffers)
            return [elementwise(value, operands, out)]
        if what == "item":
            return [take_out(self._several[value.inputs[0]], value.inputs[1], out)]
        if what == "update":
            return self.update(value, out)
        return [self.copy_of_call(value, out)]

    def number(self, item: Value, reader: Value) -> np.ndarray:
        """A Python number of an elementwise call as a 0-d array of the dtype it takes, which is quicker; made once."""
        others = [p.dtype for p in reader.parents if not p.is_number and p.dtype != bool]
        key = (item, *others)
        if key not in self._arrays:
            dtype = np.result_type(item.content, *others) if others else None
            self._arrays[key] = np.asarray(item.content, dtype)
        found: np.ndarray = self._arrays[key]
        return found

    def copy_of_call(self, value: Value, out: np.ndarray) -> Call:
        """Call a function that has no ``out``, and copy its result."""
        function, inputs, keywords = self.native_call(value)
        if value.op in COPIED:  # of the same memory in every call
            return np.copyto, (out, function(*inputs, **keywords))

        def run() -> None:
            out[...] = function(*inputs, **keywords)

        return run, ()

    def native_call(self, value: Value) -> tuple[Any, list[Any], dict[str, Any]]:
        """The library's function for an equation, its arguments and keywords."""
        inputs = value.inputs_with(lambda v: v.content if v.is_constant else self.array(v))
        return function_of(value.op, self.xp), inputs, value.keywords

    def several_results(self, value: Value) -> Call:
        """Call a function of several results, which are held until each is copied out."""
        function, inputs, keywords = self.native_call(value)
        held = self._several[value] = []

        def run() -> None:
            held[:] = function(*inputs, **keywords)

        return run, ()

    def update(self, value: Value, out: np.ndarray) -> list[Call]:
        """Write, or add, to some elements of a copy: of the array itself, where nobody reads that any more."""
        x, key, new = value.inputs_with(lambda v: v.content if v.is_constant else self.array(v))
        copies: list[Call] = [] if x is out else [(np.copyto, (out, x))]
        return [*copies, (np.add.at, (out, key, new)) if value.op == "add_at" else (out.__setitem__, (key, new))]


def take_out(held: list[Any], number: int, out: np.ndarray) -> Call:
    """Copy one of several results, which is not kept."""

    def run() -> None:
        out[...] = held[number]
        held[number] = None

    return run, ()


def view(value: Value, base: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A view of ``base``, as the equation says."""
    if value.op == "matrix_transpose":
        return base.swapaxes(-1, -2)
    result: np.ndarray = base[value.inputs[1]] if value.op == "getitem" else base.reshape(shape)
    return result


def product(a: np.ndarray, b: np.ndarray, out: np.ndarray) -> Call:
    """A matrix product into ``out``; that of a stack with one matrix as one product."""
    if a.ndim > 2 == b.ndim and a.size and out.size and a.flags.c_contiguous and out.flags.c_contiguous:
        a, out = a.reshape(-1, a.shape[-1]), out.reshape(-1, out.shape[-1])
    quick = a.ndim == b.ndim == 2 and (a.shape[1] == 1 or out.size <= SMALL_PRODUCT) and out.flags.c_contiguous
    return (a.dot, (b, out)) if quick else (np.matmul, (a, b, out))


def elementwise(value: Value, operands: Sequence[Any], out: np.ndarray) -> Call:
    """An elementwise function into ``out``."""
    function = ufunc(value.op)
    assert function is not None
    if value.op in ("maximum", "minimum"):  # NumPy wants their result by keyword
        return partial(function, out=out), tuple(operands)
    return function, (*operands, out)


def sigmoid(x: np.ndarray, out: np.ndarray) -> list[Call]:
    """``out = 1 / (1 + e⁻ˣ)``, which is right in both tails: where e⁻ˣ overflows, its limit is 0."""
    one = one_of(x.dtype)
    return [(np.negative, (x, out)), (exp_to_infinity, (out,)), (np.add, (out, one, out)), (np.divide, (one, out, out))]


@cache
def one_of(dtype: np.dtype) -> np.ndarray:
    """The number 1."""
    return np.asarray(1, dtype)


def exp_to_infinity(x: np.ndarray) -> None:
    """``x = eˣ`` in place, infinite where it overflows."""
    with np.errstate(over="ignore"):
        np.exp(x, x)


def is_zero(value: Value) -> bool:
    """Is this the constant +0, whose bits are all 0?"""
    return value.is_constant and value.shape == () and not any(np.asarray(value.content).tobytes())
