"""Factors of a matrix, and systems of equations by them: Cholesky, LU, QR."""

from typing import Any

import numpy as np

from miniflow_xp.scipy.border import on_host
from miniflow_xp.scipy.linalg.systems import filled, solve_triangular
from miniflow_xp.scipy.substitutes import as_array, picked, refused, substitute


@substitute("scipy.linalg.cholesky", arrays="a")
def cholesky(xp: Any, a: Any, lower: bool = False) -> Any:
    return xp.linalg.cholesky(filled(xp, a, "hermitian", lower), upper=not lower)


@substitute("scipy.linalg.cho_factor", arrays="a")
def cho_factor(xp: Any, a: Any, lower: bool = False) -> tuple[Any, bool]:
    """With zeros in the triangle that SciPy leaves as it was."""
    return cholesky(xp, a, lower), lower


@substitute("scipy.linalg.cho_solve", arrays="b")
def cho_solve(xp: Any, c_and_lower: tuple[Any, bool], b: Any) -> Any:
    factor, lower = c_and_lower
    factor = as_array(xp, factor, b)
    first = solve_triangular(xp, factor, b, 0 if lower else 2, lower)
    return solve_triangular(xp, factor, first, 2 if lower else 0, lower)


@substitute("scipy.linalg.lu_factor", arrays="a")
def lu_factor(xp: Any, a: Any) -> tuple[Any, Any]:
    """By elimination, column by column, in the order of rows that SciPy chooses for the contents."""
    import scipy.linalg

    if len(a.shape) != 2 or a.shape[0] != a.shape[1]:
        raise refused("scipy.linalg.lu_factor", f"a matrix of shape {a.shape}", "it is square", "Take qr or solve")
    pivots = scipy.linalg.lu_factor(on_host(a))[1]
    rest = picked(xp, a, order_of(pivots))
    rows, columns = [], []
    for _ in range(a.shape[0]):
        row, column = rest[0, :], rest[1:, 0] / rest[0, 0]
        rows.append(row)
        columns.append(column)
        rest = rest[1:, 1:] - column[:, None] * row[None, 1:]
    whole = [
        xp.concat([xp.stack([c[n - m - 1] for m, c in enumerate(columns[:n])]), row]) if n else row
        for n, row in enumerate(rows)
    ]
    return xp.stack(whole), np.asarray(pivots)


def order_of(pivots: Any) -> list[int]:
    """The order of rows that exchanges, one after the other, come to."""
    order = list(range(len(pivots)))
    for n, other in enumerate(pivots):
        order[n], order[int(other)] = order[int(other)], order[n]
    return order


@substitute("scipy.linalg.lu_solve", arrays="b")
def lu_solve(xp: Any, lu_and_piv: tuple[Any, Any], b: Any, trans: int = 0) -> Any:
    lu, pivots = lu_and_piv
    lu, order = as_array(xp, lu, b), order_of(on_host(pivots))
    if trans == 0:
        moved = picked(xp, b, order)
        return solve_triangular(xp, lu, solve_triangular(xp, lu, moved, lower=True, unit_diagonal=True))
    first = solve_triangular(xp, lu, b, trans)
    second = solve_triangular(xp, lu, first, trans, lower=True, unit_diagonal=True)
    back = sorted(range(len(order)), key=order.__getitem__)
    return picked(xp, second, back)


@substitute("scipy.linalg.qr", arrays="a")
def qr(xp: Any, a: Any, mode: str = "full") -> Any:
    if mode not in ("full", "economic", "r"):
        raise refused("scipy.linalg.qr", f"mode={mode!r}", "it knows full, economic and r", "Take one of these")
    q, r = xp.linalg.qr(a, mode="reduced" if mode == "economic" else "complete")
    return (r,) if mode == "r" else (q, r)
