"""Triangular systems of equations: solve_triangular, by each library's own solver."""

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

from miniflow_xp.arrays.libraries import name_of_library
from miniflow_xp.arrays.tables import native, rule
from miniflow_xp.arrays.updates import call
from miniflow_xp.rules.linalg.inverses import in_one_stack, solve, solved
from miniflow_xp.rules.linalg.matrices import adjoint

WORTH_THREADS = 200
"""Rows from which on the threads of SciPy's BLAS are worth it: they take turns with those of NumPy's own."""
WITHOUT_THREADS = 1000
"""Numbers of a right side that OpenBLAS solves for on the thread that calls it: fewer than 1024."""

Solver = Callable[[Any, Any, bool], Any]


@rule("linalg.solve_triangular")
def _solve_triangular(xp: Any, g: Any, y: Any, a: Any, b: Any, lower: bool = False) -> Any:
    """As ``solve``; the elements that are not looked at have the gradient 0."""
    left, right = solved(
        xp, g, y, b, lambda rhs: call(xp, "linalg.solve_triangular", adjoint(xp, a), rhs, lower=not lower)
    )
    return lambda: (xp.tril if lower else xp.triu)(left()), right


@native("linalg.solve_triangular")
def solve_triangular(xp: Any, x1: Any, x2: Any, /, *, lower: bool = False) -> Any:
    """The solution of x1 y = x2 with the upper triangle of x1 (or the lower one); the rest of x1 is not looked at.

    x1: (…, n, n), x2: (n,) or (…, n, k).
    """
    name = name_of_library(xp)
    if len(x2.shape) == 1:
        return solve_triangular(xp, x1, x2[:, None], lower=lower)[..., 0]
    if name == "torch":
        return xp.linalg.solve_triangular(x1, x2, upper=not lower)
    if name == "jax":
        from jax.scipy.linalg import solve_triangular as of_jax

        return of_jax(*in_one_stack(xp, x1, x2), lower=lower)
    of_scipy = solver(x1, x2) if name == "numpy" else None
    return of_scipy(x1, x2, lower) if of_scipy else solve(xp, (xp.tril if lower else xp.triu)(x1), x2)


def solver(x1: Any, x2: Any) -> Solver | None:
    """SciPy's for one system of NumPy's arrays: n² operations for each column, where NumPy, which has none, takes n³.

    None where SciPy is not installed.
    """
    one = x2.ndim == 2 and x1.shape == (len(x2), len(x2)) and x2.size > 0
    if not one or x1.dtype != x2.dtype or x1.dtype.char not in "fdFD":
        return None
    return with_threads() if len(x2) >= WORTH_THREADS else without_threads()


@cache
def with_threads() -> Solver | None:
    """SciPy's solver."""
    with suppress(ImportError):
        from scipy.linalg import solve_triangular as of_scipy

        return lambda a, b, lower: of_scipy(a, b, lower=lower, check_finite=False)
    return None


@cache
def without_threads() -> Solver | None:
    """BLAS's, by SciPy, on the thread that calls it; in double precision, as all that NumPy solves."""
    try:
        from numpy import count_nonzero
        from numpy.linalg import LinAlgError
        from scipy.linalg.blas import dtrsm, ztrsm
    except ImportError:
        return None

    def solve(a: Any, b: Any, lower: bool) -> Any:
        if count_nonzero(a.diagonal()) < len(a):
            raise LinAlgError("Singular matrix")
        double, trsm = ("complex128", ztrsm) if a.dtype.kind == "c" else ("float64", dtrsm)
        transposed = not a.flags.f_contiguous  # BLAS goes down columns: it solves with the transpose of what it sees
        matrix, lower = (a.T, not lower) if transposed else (a, lower)
        found = b.astype(double, order="F")
        columns = max(1, WITHOUT_THREADS // len(b))
        for n in range(0, b.shape[1], columns):
            part = found[:, n : n + columns]
            part[...] = trsm(1.0, matrix, part, lower=lower, trans_a=transposed, overwrite_b=True)
        return found.astype(b.dtype, copy=False)

    return solve
