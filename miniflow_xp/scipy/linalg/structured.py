"""Matrices that are given by some of their elements: banded, Toeplitz, in blocks."""

from typing import Any

import numpy as np

from miniflow_xp.rules.algebra import conj
from miniflow_xp.scipy.linalg.banded import dense_of, solve_banded
from miniflow_xp.scipy.linalg.systems import filled
from miniflow_xp.scipy.substitutes import as_array, as_arrays, picked, substitute


@substitute("scipy.linalg.solve_banded", arrays="ab b")
def of_bands(xp: Any, l_and_u: tuple[int, int], ab: Any, b: Any) -> Any:
    lower, upper = (int(n) for n in l_and_u)
    return solve_banded(xp, ab, b, lower=lower, upper=upper)


@substitute("scipy.linalg.solveh_banded", arrays="ab b")
def solveh_banded(xp: Any, ab: Any, b: Any, lower: bool = False) -> Any:
    count = ab.shape[0] - 1
    half = dense_of(xp, ab, count if lower else 0, 0 if lower else count)
    return xp.linalg.solve(filled(xp, half, "hermitian", lower), b)


@substitute("scipy.linalg.toeplitz", arrays="c r")
def toeplitz(xp: Any, c: Any, r: Any = None) -> Any:
    column = xp.reshape(c, (-1,))
    row = conj(xp, column) if r is None else xp.reshape(r, (-1,))
    n, m = column.shape[0], row.shape[0]
    places = np.arange(n)[:, None] - np.arange(m)[None, :] + m - 1
    whole = xp.concat([xp.flip(row[1:], axis=0), column])
    return xp.reshape(picked(xp, whole, places.reshape(-1)), (n, m))


@substitute("scipy.linalg.solve_toeplitz", arrays="b")
def solve_toeplitz(xp: Any, c_or_cr: Any, b: Any) -> Any:
    c, r = c_or_cr if isinstance(c_or_cr, tuple) else (c_or_cr, None)
    return xp.linalg.solve(toeplitz(xp, as_array(xp, c, b), None if r is None else as_array(xp, r, b)), b)


@substitute("scipy.linalg.block_diag")
def block_diag(xp: Any, *arrs: Any) -> Any:
    blocks = [xp.atleast_2d(a) for a in as_arrays(xp, *arrs)]
    width = sum(block.shape[1] for block in blocks)
    rows, before = [], 0
    for block in blocks:
        after = width - before - block.shape[1]
        rows.append(xp.pad(block, ((0, 0), (before, after))))
        before += block.shape[1]
    return xp.concat(rows, axis=0)
