"""Reductions into given memory; short rows go another way: NumPy begins its loop anew for each of them."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from miniflow_xp.backends.numpy.primitives import REDUCTIONS, axes
from miniflow_xp.backends.numpy.scratch import Call, Scratch, taken
from miniflow_xp.recording.equations import Value

SHORT = {"sum": 128, "max": 32, "min": 32}  # elements of a row; of a sum: so many NumPy adds up without halving them
PIECE = (
    1 << 13
)  # elements; up to here OpenBLAS takes one thread for a product with a vector, and all stays in the cache
FLAGGED = ("f", 5)  # rows of which OpenBLAS's AVX-512 kernel computes with what lies beside: right, but with warnings


def reduce(value: Value, x: np.ndarray, out: np.ndarray, ones: np.ndarray, scratch: Scratch) -> list[Call]:
    """The calls of a reduction; sums down the columns of a matrix, or of short rows, are products with ones."""
    over, keepdims, function = axes(value), bool(value.keywords.get("keepdims")), REDUCTIONS[value.op].reduce
    by_product = value.op == "sum" and x.dtype == out.dtype == ones.dtype and x.dtype.char in "fd"
    if by_product and over == (0,) and x.ndim == 2 and not keepdims:
        return [(ones[: len(x)].dot, (x, out))]
    if has_short_rows(value.op, x, out, over) and (by_product or value.op != "sum"):
        rows = x.reshape(out.size, -1)
        pairs = pieces(rows, out.reshape(-1))
        if by_product and (x.dtype.char, rows.shape[1]) != FLAGGED:
            return [(some.dot, (ones[: rows.shape[1]], found)) for some, found in pairs]
        return [call for some, found in pairs for call in turned(function, some, found, scratch)]
    if len(over) == x.ndim and x.flags.c_contiguous and not keepdims:
        return [(function, (x.reshape(-1), 0, None, out))]
    return [(function, (x, over, None, out, keepdims))]


def has_short_rows(op: str, x: np.ndarray, out: np.ndarray, over: tuple[int, ...]) -> bool:
    """Are the axes the last ones, of a few elements which lie one after another?"""
    last = sorted(over) == [*range(x.ndim - len(over), x.ndim)]
    return last and 0 < x.size <= out.size * SHORT.get(op, 0) and x.flags.c_contiguous and out.flags.c_contiguous


def pieces(rows: np.ndarray, out: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Some rows at a time, and the place of their results."""
    step = max(1, PIECE // rows.shape[1])
    return ((rows[n : n + step], out[n : n + step]) for n in range(0, len(rows), step))


def turned(function: Callable[..., Any], rows: np.ndarray, out: np.ndarray, scratch: Scratch) -> list[Call]:
    """Rows copied into columns, which are reduced all at once."""
    columns = taken(scratch, rows.dtype, rows.shape[::-1])
    return [(np.copyto, (columns, rows.T)), (function, (columns, 0, None, out))]
