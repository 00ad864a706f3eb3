"""Triangular systems of equations: solve_triangular, by each library's own solver."""

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

from miniflow_xp.arrays.libraries import name_of_library
from miniflow_xp.arrays.tables import native, rule
from miniflow_xp.arrays.updates import call
from miniflow_xp.rules.linalg.inverses import solved
from miniflow_xp.rules.linalg.matrices import adjoint
from miniflow_xp.system.blas import loaded

WORTH_THREADS = 200
"""Rows from which on the threads of SciPy's BLAS are worth it: they take turns with those of NumPy's own."""


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

        stack = xp.broadcast_shapes(x1.shape[:-2], x2.shape[:-2])
        spread = [xp.broadcast_to(x, (*stack, *x.shape[-2:])) for x in (x1, x2)]
        return of_jax(*spread, lower=lower)
    of_scipy = solver(x1, x2) if name == "numpy" else None
    return of_scipy(x1, x2, lower) if of_scipy else xp.linalg.solve((xp.tril if lower else xp.triu)(x1), x2)


def solver(x1: Any, x2: Any) -> Callable[[Any, Any, bool], Any] | None:
    """SciPy's for one system of NumPy's arrays: n² operations for each column, where NumPy, which has none, takes n³.

    None where SciPy is not installed, or where threadpoolctl is not, without which its threads are not held back.
    """
    one = x2.ndim == 2 and x1.shape == (len(x2), len(x2)) and x2.size > 0
    if not one or x1.dtype != x2.dtype or x1.dtype.char not in "fdFD":
        return None
    return with_threads() if len(x2) >= WORTH_THREADS else without_threads()


@cache
def with_threads() -> Callable[[Any, Any, bool], Any] | None:
    """SciPy's solver."""
    with suppress(ImportError):
        from scipy.linalg import solve_triangular as of_scipy

        return lambda a, b, lower: of_scipy(a, b, lower=lower, check_finite=False)
    return None


@cache
def without_threads() -> Callable[[Any, Any, bool], Any] | None:
    """LAPACK's, by SciPy, on the thread that calls it; in double precision, as all that NumPy solves."""
    try:
        from numpy.linalg import LinAlgError
        from scipy.linalg.lapack import dtrtrs, ztrtrs
    except ImportError:
        return None
    libraries = [(c.set_num_threads, c.num_threads) for c in loaded() if "scipy" in c.filepath]
    if not libraries:
        return None

    def solve(a: Any, b: Any, lower: bool) -> Any:
        routine = ztrtrs if a.dtype.kind == "c" else dtrtrs
        for set_threads, _ in libraries:
            set_threads(1)
        try:
            if a.flags.f_contiguous:
                found, failed_at = routine(a, b, lower=lower)
            else:  # LAPACK goes down columns: it is given the transpose, and solves with the transpose of that
                found, failed_at = routine(a.T, b, lower=not lower, trans=1)
        finally:
            for set_threads, threads in libraries:
                set_threads(threads)
        if failed_at:
            raise LinAlgError("Singular matrix")
        return found if found.dtype == b.dtype else found.astype(b.dtype)

    return solve
