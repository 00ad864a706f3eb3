"""A x = b of a sparse A: the gradient of b is the solution of Aᴴ b̄ = x̄."""

from typing import Any

import numpy as np

from miniflow_xp.arrays.calls import leaves
from miniflow_xp.scipy.border import at_border
from miniflow_xp.scipy.substitutes import refused, substitute


@substitute("scipy.sparse.linalg.spsolve", arrays="b")
def spsolve(xp: Any, A: Any, b: Any, permc_spec: Any = None, use_umfpack: bool = True) -> Any:
    if leaves([A]):
        raise refused(
            "scipy.sparse.linalg.spsolve",
            "the matrix is an array that is differentiated",
            "the matrix is a sparse array, and a constant",
            "Write xp.linalg.solve(A, b) for it",
        )
    return solution(xp, b, matrix=A, permc_spec=permc_spec, use_umfpack=use_umfpack)


def solved(b: np.ndarray, *, matrix: Any, **settings: Any) -> Any:
    from scipy.sparse.linalg import spsolve

    return spsolve(matrix, b, **settings)


@at_border("spsolve", solved)
def solution(xp: Any, gradient: Any, value: Any, b: Any, *, matrix: Any, **settings: Any) -> Any:
    return (lambda: xp.reshape(solution(xp, gradient, matrix=matrix.T.conj(), **settings), b.shape),)
