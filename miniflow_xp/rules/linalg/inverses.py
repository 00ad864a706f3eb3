"""Inverses and systems of equations: inv, solve, pinv, lstsq."""

from typing import Any, NamedTuple

from miniflow_xp.arrays.libraries import name_of_library
from miniflow_xp.arrays.tables import composed, native, rule
from miniflow_xp.arrays.updates import call
from miniflow_xp.rules.linalg.matrices import adjoint, matrix_rule, nan_where, product, scale


@matrix_rule("linalg.inv")
def _inv(xp: Any, g: Any, y: Any, x: Any) -> Any:
    """Y = X⁻¹: dY = -Y dX Y."""
    return -product(xp, adjoint(xp, y), g, adjoint(xp, y))


@rule("linalg.solve")
def _solve(xp: Any, g: Any, y: Any, a: Any, b: Any) -> Any:
    """A Y = B: the gradient of B is A⁻ᴴ ḡ, and that of A is -A⁻ᴴ ḡ Yᴴ."""
    return solved(xp, g, y, b, lambda rhs: call(xp, "linalg.solve", adjoint(xp, a), rhs))


def solved(xp: Any, g: Any, y: Any, b: Any, solve_adjoint: Any) -> Any:
    """The gradients of A and B in A Y = B, where B may be one vector; the system is solved once for both."""
    vector = len(b.shape) == 1
    kept: list[Any] = []

    def right() -> Any:
        if not kept:
            kept.append(solve_adjoint(column(g)))
        return kept[0]

    def column(x: Any) -> Any:
        return x[..., None] if vector else x

    return (
        lambda: xp.matmul(-right(), adjoint(xp, column(y))),
        lambda: right()[..., 0] if vector else right(),
    )


@native("linalg.solve")
def solve(xp: Any, x1: Any, x2: Any, /) -> Any:
    """The solution of x1 y = x2. x1: (…, n, n), x2: (n,) or (…, n, k); stacks of them are broadcast."""
    if name_of_library(xp) == "cupy" and len(x2.shape) > 1:
        x1, x2 = in_one_stack(xp, x1, x2)  # its own takes no others
    return xp.linalg.solve(x1, x2)


def in_one_stack(xp: Any, *matrices: Any) -> list[Any]:
    """Stacks of matrices, broadcast to one shape of stacks."""
    stack = xp.broadcast_shapes(*[x.shape[:-2] for x in matrices])
    return [xp.broadcast_to(x, (*stack, *x.shape[-2:])) for x in matrices]


@matrix_rule("linalg.pinv")
def _pinv(xp: Any, g: Any, y: Any, x: Any, rtol: Any = None) -> Any:
    """Golub and Pereyra (1973), for full rank; NaN where rank is lost, as X⁺ is not continuous there."""
    m, n = x.shape[-2:]
    back, ah = -product(xp, adjoint(xp, y), g, adjoint(xp, y)), adjoint(xp, g)
    if m > n:
        z = product(xp, ah, y, adjoint(xp, y))
        back = back + z - product(xp, x, y, z)
    if m < n:
        z = product(xp, adjoint(xp, y), y, ah)
        back = back + z - product(xp, z, y, x)
    rank = xp.linalg.matrix_rank(x) if rtol is None else xp.linalg.matrix_rank(x, rtol=rtol)
    return nan_where(xp, scale(rank < min(m, n)), back)


class LeastSquares(NamedTuple):
    """What ``lstsq`` gives, in NumPy's order."""

    solution: Any
    residuals: Any
    rank: Any
    singular_values: Any


@composed("linalg.lstsq")
def lstsq(xp: Any, x1: Any, x2: Any, /, rcond: float | None = None, *, rtol: float | None = None) -> LeastSquares:
    """The y of least ‖x1 y - x2‖, by the pseudo-inverse: (solution, residuals, rank, singular values).

    x1: (…, m, n), x2: (m,) or (…, m, k). Residuals: Σ|x1 y - x2|² for each column, whatever the rank. The gradient is
    NaN where x1 has not full rank. ``rcond`` is the libraries' name for ``rtol``.
    """
    rtol = rcond if rtol is None else rtol
    solution = xp.matmul(xp.linalg.pinv(x1, rtol=rtol), x2)
    error = xp.abs(xp.matmul(x1, solution) - x2)
    residuals = xp.sum(error * error, axis=-1 if len(x2.shape) == 1 else -2)
    return LeastSquares(solution, residuals, xp.linalg.matrix_rank(x1, rtol=rtol), xp.linalg.svdvals(x1))
